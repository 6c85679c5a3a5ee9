"""What an accelerator or a microcontroller makes of a TFLite file."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
