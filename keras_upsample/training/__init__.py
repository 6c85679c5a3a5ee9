"""Training by recipes, and evaluation of models and files."""

from .._lazy_names import attach as _attach

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _attach(__name__, __file__)
