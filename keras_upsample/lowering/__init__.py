"""Lowering: rewrite a model into the equal form that a runtime runs fastest.

Rules (`_rules`) propose equal forms of blocks of a graph (`keras_upsample.program`), an engine
tries them at every node (`_rewriting`), and the target's table or a measurement chooses among the
forms (`_choose`, `_tune`). The user's model is not changed.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
