"""Measures of segmentations and of upsampled images; imported on first use.

The functions are plain NumPy and need no Keras; `BoundaryIoU` is a Keras metric.
"""

from .._lazy_names import attach as _attach

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _attach(__name__, __file__)
