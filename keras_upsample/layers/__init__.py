"""Keras layers for upsampling and for joining feature maps; imported on first use."""

import lazy_loader as _lazy

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
