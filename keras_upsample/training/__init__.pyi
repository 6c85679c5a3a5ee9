from ._enlargement import Enlargement
from ._fit import fit
from ._losses import CrossEntropyAndDice
from ._photo_crops import enlarged_pair, enlargement_batches
from ._scores import enlargement_scores, segmentation_scores
from ._segmentation import Segmentation

__all__ = [
    "CrossEntropyAndDice",
    "Enlargement",
    "Segmentation",
    "enlarged_pair",
    "enlargement_batches",
    "enlargement_scores",
    "fit",
    "segmentation_scores",
]
