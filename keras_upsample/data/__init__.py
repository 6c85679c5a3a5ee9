"""Real images: photographs for verification, and labelled sets fetched from packages."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
