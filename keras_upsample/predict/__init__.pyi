from ._dataset import predict_dataset
from ._files import predict_to_files
from ._load import load_model
from ._object_finder import find_objects
from ._object_options import ObjectOptions
from ._objects import Object, Objects
from ._outcomes import ForRay, Outcome
from ._predict import Prediction, predict
from ._predictor import Predictor
from ._ray import Ray

__all__ = [
    "ForRay",
    "Object",
    "ObjectOptions",
    "Objects",
    "Outcome",
    "Prediction",
    "Predictor",
    "Ray",
    "find_objects",
    "load_model",
    "predict",
    "predict_dataset",
    "predict_to_files",
]
