"""Measures of segmentations and of upsampled images; imported on first use.

The functions are plain NumPy and need no Keras; `BoundaryIoU` is a Keras metric.
"""

import lazy_loader as _lazy

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
