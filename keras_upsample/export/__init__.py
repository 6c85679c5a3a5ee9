"""Export: convert a model to files, and verify each in its own runtime before it is written.

The steps are the same for every target: the model's float32 inference function -> convert -> load
in the runtime -> compare with the model on real images -> rename to the final path.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
