"""The same function in the form that each runtime runs fastest.

A model is taken apart into a graph of operations (`_flatten`), rules propose equal forms of blocks
(`_rules`), the target's table or a measurement chooses among them (`_choose`, `_tune`), and the
graph becomes a Keras model again (`_assemble`). The user's model is only read.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
