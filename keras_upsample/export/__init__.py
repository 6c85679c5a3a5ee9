"""Export: a model becomes files, each verified in its own runtime before it is written.

One way through, whatever the target: the model's float32 inference function -> convert -> load in
the runtime -> compare with the model on real images -> rename into place.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
