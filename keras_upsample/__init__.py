"""Upsampling layers, segmentation models and verified exports for Keras 3.

Nothing heavy is imported here: TensorFlow and Keras load when a name below is first used.
"""

from ._lazy_names import attach as _attach
from ._lazy_names import watch_for_keras as _watch_for_keras
from ._version import __version__ as __version__

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _attach(__name__, __file__)

_watch_for_keras()
