"""Runtimes: each loads a file and runs it on NumPy arrays.

`load(path)` recognises SavedModel directories, `.tflite`, `.onnx` and `.xml` (OpenVINO) files.
Every runner has the same small interface (`Runner`), so that verification is the same for every
runtime.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
