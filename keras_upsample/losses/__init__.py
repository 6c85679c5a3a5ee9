"""Losses of class maps that keep Keras' contract: reductions, weights, ignored pixels, replicas."""

from .._lazy_names import attach as _attach

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _attach(__name__, __file__)
