"""Runtimes: each loads a file and runs it on NumPy arrays.

`load(path)` recognises SavedModel directories, `.tflite`, `.onnx` and `.xml` (OpenVINO) files.
Every runner has the same small interface (`Runner`), so that verification is the same for every
runtime.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
