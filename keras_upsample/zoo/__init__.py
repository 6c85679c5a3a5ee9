"""Model builders, each a plain function that reads like its paper's figure.

`CATALOGUE` names the models without importing TensorFlow; `multiply_adds` counts the cost of one.
"""

from .._lazy_names import attach as _attach

# The public names stand once, in `__init__.pyi`.
__getattr__, __dir__, __all__ = _attach(__name__, __file__)
