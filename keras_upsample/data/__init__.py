"""Real images: photographs for verification, and labelled sets fetched from packages."""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
