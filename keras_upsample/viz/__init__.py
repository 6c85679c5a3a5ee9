"""Pictures of class maps: arrays for files, figures for notebooks.

`overlay_image` needs NumPy only; `overlay` and `compare` need matplotlib
(`pip install matplotlib`).
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
