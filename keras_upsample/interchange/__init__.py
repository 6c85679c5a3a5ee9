"""Models of other frameworks, read as native Keras models.

`from_onnx` reads ONNX files, `from_tflite` TFLite files, `from_tfjs` layers models of TF.js,
`from_ncnn` nets of ncnn, and `from_torch` modules of PyTorch. What they do not know is refused by
name.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
