"""Upsampling layers, segmentation models and verified exports for Keras 3.

Nothing heavy is imported here: TensorFlow and Keras load when a name below is first used.
"""

import sys as _sys

import lazy_loader as _lazy

from ._version import __version__ as __version__

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

if "keras" in _sys.modules:
    # Keras is there already, so registering our classes with it costs little, and
    # `keras.models.load_model` then finds them although nothing else was used yet.
    from . import _registered as _registered
