"""Class maps, probabilities and enlarged pictures from a model and an image of any size.

`predict(model, image)` returns arrays. `predict_to_files(model, image, folder)` writes pictures and
holds only a band of them in memory. A model is a preset of the zoo, a Keras model or
file, or an exported file (`load_model`). Large images go through the network in overlapping tiles
(`_grid`, `_sliding`).
"""

from .._lazy_names import attach as _attach

__getattr__, __dir__, __all__ = _attach(__name__, __file__)
