from ._files import predict_to_files
from ._load import load_model
from ._predict import Prediction, predict
from ._predictor import Predictor

__all__ = ["Prediction", "Predictor", "load_model", "predict", "predict_to_files"]
