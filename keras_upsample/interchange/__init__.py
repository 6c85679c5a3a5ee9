"""Models of other frameworks, read as native Keras models.

`from_onnx` reads ONNX files. An operator that it does not know is refused by name.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
