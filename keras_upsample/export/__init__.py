"""Export: convert a model to files, and verify each in its own runtime before it is written.

The steps are the same for every target: the model's float32 inference function -> convert -> load
in the runtime -> compare with the model on real images -> rename to the final path.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
