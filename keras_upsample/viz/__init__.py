"""Pictures of class maps: arrays for files, figures for notebooks.

`overlay_image` needs NumPy only; `overlay` and `compare` need matplotlib
(`pip install matplotlib`).
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
