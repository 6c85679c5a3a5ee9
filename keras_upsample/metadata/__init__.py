"""Metadata: what a model's input must look like and what its outputs mean.

`Metadata` is part of a model (`attach`, `of`; it survives `model.save` and `load_model`), is
written into every exported file and is read back from it (`read`). Nothing here imports TensorFlow
or Keras before it is needed.
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
