"""Check whether a TFLite file runs on an accelerator or a microcontroller, and where."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
