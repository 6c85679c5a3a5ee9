"""Operators that are refused, each with what would help."""

from collections.abc import Callable
from typing import NoReturn

from .._context import Context, UnreadError

_LOOPS = "loops and branches are not read: trace the network with fixed sizes, so that none is left"
_QUANTIZED = "quantized files are not read: export the float32 network, and quantize by to_tflite"
_RECURRENT = "recurrent layers are not read: build this part of the network in Keras"
_SAMPLING = (
    "sampling at computed places is not read: replace it by a Resize where the places are a grid, "
    "or build this part of the network in Keras"
)
_CHOOSING = "its number of results depends on the image: end the network before it"
_TRAINING = "it belongs to training: export the network in evaluation mode"

REASONS = {
    **dict.fromkeys(("Loop", "If", "Scan", "SequenceMap"), _LOOPS),
    **dict.fromkeys(
        (
            "QuantizeLinear",
            "DequantizeLinear",
            "DynamicQuantizeLinear",
            "QLinearConv",
            "QLinearMatMul",
            "ConvInteger",
            "MatMulInteger",
        ),
        _QUANTIZED,
    ),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _RECURRENT),
    **dict.fromkeys(("GridSample", "DeformConv", "RoiAlign", "AffineGrid"), _SAMPLING),
    **dict.fromkeys(("NonMaxSuppression", "NonZero", "TopK", "Unique", "Compress"), _CHOOSING),
    **dict.fromkeys(("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"), _TRAINING),
    "LpPool": "its power means are not read: write it as Abs, Pow, AveragePool and Pow",
    "GlobalLpPool": "its power means are not read: write it as ReduceL2 over rows and columns",
    "ScatterND": "values at computed places are read only as PyTorch's MaxUnpool writes them",
    "ScatterElements": "values at computed places are read only as PyTorch's MaxUnpool writes them",
    "MaxUnpool": "it is read only behind the MaxPool whose places it takes",
}
"""Operator -> why, and what to do."""


def _refused(reason: str) -> Callable[[Context], NoReturn]:
    def read(c: Context) -> NoReturn:
        raise UnreadError(reason)

    return read


KINDS = {kind: _refused(reason) for kind, reason in REASONS.items()}
