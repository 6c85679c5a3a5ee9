from ._files import predict_to_files
from ._load import load_model
from ._object_finder import find_objects
from ._object_options import ObjectOptions
from ._objects import Object, Objects
from ._predict import Prediction, predict
from ._predictor import Predictor

__all__ = [
    "Object",
    "ObjectOptions",
    "Objects",
    "Prediction",
    "Predictor",
    "find_objects",
    "load_model",
    "predict",
    "predict_to_files",
]
