"""TensorFlow functions on tensors, which Keras 2 kept in a model as layers of their own.

`x / 127.5 - 1` became two `TFOpLambda` layers, `math.truediv` and `math.subtract`. Here such a
layer is a `TensorFlowFunction`. Only functions of the table are called: they compute numbers from
numbers, and do nothing else.
"""

from typing import Any

import keras

from ._others import _keras
from .errors import ArtefactError

_TABLE = {
    "math": (
        "add subtract multiply truediv divide divide_no_nan floordiv maximum minimum pow "
        "square sqrt rsqrt exp log abs negative sigmoid tanh softplus reduce_mean reduce_sum "
        "reduce_max reduce_min argmax l2_normalize round floor ceil squared_difference erf "
        "greater greater_equal less less_equal equal not_equal logical_and logical_or "
        "logical_not add_n"
    ),
    "__operators__": ("add getitem"),
    "compat.v1": ("transpose gather"),
    "compat.v1.image": ("resize_bilinear resize_nearest_neighbor"),
    "compat.v1.nn": ("relu"),
    "nn": (
        "relu relu6 leaky_relu elu selu gelu silu swish softmax sigmoid tanh softplus "
        "bias_add depth_to_space space_to_depth avg_pool2d max_pool2d max_pool avg_pool "
        "l2_normalize local_response_normalization moments conv2d depthwise_conv2d"
    ),
    "image": ("resize adjust_contrast extract_patches rgb_to_grayscale per_image_standardization"),
    "": (
        "cast clip_by_value concat convert_to_tensor expand_dims squeeze reshape pad stack "
        "unstack split tile transpose where gather reduce_mean reduce_sum reduce_max "
        "reduce_min identity ones_like zeros_like shape strided_slice slice reverse repeat "
        "matmul einsum stop_gradient broadcast_to"
    ),
    "linalg": ("matmul"),
}
"""Module below `tensorflow` -> its functions that compute numbers from numbers."""

_FUNCTIONS = frozenset(
    f"{module}.{name}".removeprefix(".")
    for module, names in _TABLE.items()
    for name in names.split()
)
_CONSTANT = "_CONSTANT_VALUE"
_FIRST = "first_argument"


def is_function(class_name: str) -> bool:
    """Whether it is a class that Keras 2 had for functions."""
    return class_name in ("TFOpLambda", "SlicingOpLambda")


@keras.saving.register_keras_serializable("keras_upsample")
class TensorFlowFunction(keras.layers.Layer):
    """y = f(x, ...), a function of TensorFlow without weights.

    Input, output: what the function takes and gives.

    Args:
        function: its name below `tensorflow`, one of the table of this module.

    Raises:
        ValueError: a function that is not in the table.
    """

    def __init__(self, function: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        _check(function)
        self.function = function

    def call(self, *args: Any, **kwargs: Any) -> Any:
        if _FIRST in kwargs:  # 1 − x: Keras wants a tensor in front
            first, name = kwargs.pop(_FIRST)
            args, kwargs = (first,), {name: args[0], **kwargs}
        if self.function == "__operators__.getitem":
            return args[0][_index(kwargs["slice_spec"])]
        if self.function == "__operators__.add":
            return args[0] + kwargs["y"] if "y" in kwargs else args[0] + args[1]
        import tensorflow as tf

        found: Any = tf
        for part in self.function.split("."):
            found = getattr(found, part)
        return found(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        # The shape of the answer is by TensorFlow's own rules.
        return _keras.spec_by_tensorflow(self.call, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "function": self.function}


@keras.saving.register_keras_serializable("keras_upsample", "hard_sigmoid_of_keras_2")
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """clip(0.2 x + 0.5, 0, 1), as `hard_sigmoid` was until Keras 3."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


def as_function_layer(layer: dict[str, Any]) -> dict[str, Any]:
    """A `TFOpLambda` or `SlicingOpLambda` of Keras 2 with its calls, as Keras 3 writes layers.

    Raises:
        ArtefactError: a function that is not in the table.
    """
    config = layer["config"]
    try:
        _check(config["function"])
    except ValueError as error:
        raise ArtefactError(str(error)) from error
    return {
        "module": __name__,
        "class_name": "TensorFlowFunction",
        "config": {
            "name": config["name"].replace("/", "_"),
            "trainable": False,
            "dtype": config["dtype"] if isinstance(config.get("dtype"), str) else "float32",
            "function": config["function"],
        },
        "registered_name": "keras_upsample>TensorFlowFunction",
        "name": layer.get("name", config["name"]),
        "inbound_nodes": [_call(node) for node in layer.get("inbound_nodes", [])],
    }


def _check(function: str) -> None:
    if function not in _FUNCTIONS:
        raise ValueError(
            f"the TensorFlow function {function!r} is not among those that are taken from a file "
            "of Keras 2"
        )


def _call(node: list[Any]) -> dict[str, Any]:
    """[name, call, output, keywords], or a list of such -> positional and keyword arguments."""
    several = bool(node) and isinstance(node[0], list)
    entries = node if several else [node]
    keywords = dict(entries[0][3]) if len(entries[0]) > 3 else {}
    keywords.pop("name", None)  # of the operation
    if entries[0][0] == _CONSTANT:
        name = next(key for key, value in keywords.items() if _is_reference(value))
        entries = [keywords.pop(name)]
        keywords[_FIRST] = [node[2], name]
    values = [_tensor(entry) for entry in entries]
    return {
        "args": [values if several else values[0]],
        "kwargs": {key: _value(value) for key, value in keywords.items() if value is not None},
    }


def _tensor(entry: list[Any]) -> Any:
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": list(entry[:3])},
    }


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)


def _value(value: Any) -> Any:
    if _is_reference(value):
        return _tensor(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


def _index(spec: Any) -> Any:
    """Slices as Keras 2 wrote them: {"start", "stop", "step"}, a number, an ellipsis."""
    parts = spec if isinstance(spec, list | tuple) else [spec]
    return tuple(_slice(part) for part in parts)


def _slice(part: Any) -> Any:
    if isinstance(part, dict) and set(part) <= {"start", "stop", "step"}:
        return slice(part.get("start"), part.get("stop"), part.get("step"))
    if isinstance(part, dict) and "value" in part:  # of {"class_name": "__ellipsis__"} and the like
        return Ellipsis
    return part
