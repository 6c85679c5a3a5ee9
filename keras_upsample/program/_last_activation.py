"""The last activation before a tensor: softmax, sigmoid, argmax or none."""

from typing import Any

# What moves or averages values keeps their kind.
_PASSING = {
    "Identity", "Reshape", "Permute", "Cropping2D", "CropLike2D", "Cast", "UpSampling2D",
    "BilinearUpSampling2D", "NearestUpSampling2D", "Resizing", "GetItem", "Squeeze", "Dropout",
}  # fmt: skip


def last_activation(tensor: Any) -> str:
    """`"softmax"`, `"sigmoid"`, `"tanh"`, `"relu"`, `"class_map"`, or "" for none of these."""
    node = tensor.node
    while node is not None:
        kind = type(node.operation).__name__
        if kind in ("ClassMap", "ThresholdMap", "Argmax", "ArgMax"):
            return "class_map"
        name = _function_of(node.operation)
        if name in ("softmax", "sigmoid", "tanh", "relu", "hard_sigmoid"):
            return "sigmoid" if name == "hard_sigmoid" else name
        linear = name == "linear" and kind in ("Activation", "Identity")
        if not (linear or kind in _PASSING) or len(node.inputs) != 1:
            return ""
        node = node.inputs[0].node
    return ""


def _function_of(operation: Any) -> str:
    """The activation that an operation applies last, by name."""
    kind = type(operation).__name__
    if kind in ("Softmax", "Sigmoid", "Tanh", "ReLU", "Relu"):
        return kind.lower()
    if kind in ("HardSigmoid",):
        return "hard_sigmoid"
    activation = getattr(operation, "activation", None)
    return str(getattr(activation, "__name__", "")) if activation is not None else ""
