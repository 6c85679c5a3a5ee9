from ._data import Data, Source
from ._distribution import distributed
from ._evaluate import evaluate
from ._evaluation import Evaluation
from ._fit import fit
from ._images import images_of
from ._losses import CrossEntropyAndDice
from ._photo_crops import enlarged_pair, enlargement_batches
from ._recipe import Card, EarlyStopping, Loss, Optimizer, Recipe, Start, recipe_named
from ._threshold import ThresholdCurve
from ._train import TrainedModel, train
from ._write_threshold import write_threshold

__all__ = [
    "Card",
    "CrossEntropyAndDice",
    "Data",
    "EarlyStopping",
    "Evaluation",
    "Loss",
    "Optimizer",
    "Recipe",
    "Source",
    "Start",
    "ThresholdCurve",
    "TrainedModel",
    "distributed",
    "enlarged_pair",
    "enlargement_batches",
    "evaluate",
    "fit",
    "images_of",
    "recipe_named",
    "train",
    "write_threshold",
]
