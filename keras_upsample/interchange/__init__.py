"""Models of other frameworks, read as native Keras models.

`from_onnx` reads ONNX files, `from_tflite` TFLite files, `from_tfjs` layers models of TF.js,
`from_ncnn` nets of ncnn, and `from_torch` modules of PyTorch. What they do not know is refused by
name.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
