"""Check whether a TFLite file runs on an accelerator or a microcontroller, and where."""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
