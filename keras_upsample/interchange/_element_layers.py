"""Functions of one element, or of one of each of several tensors and constants."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "And": ops.logical_and,
    "Equal": ops.equal,
    "Greater": ops.greater,
    "GreaterOrEqual": ops.greater_equal,
    "IsNaN": ops.isnan,
    "Less": ops.less,
    "LessOrEqual": ops.less_equal,
    "Not": ops.logical_not,
    "Or": ops.logical_or,
    "Pow": ops.power,
    "Where": ops.where,
    "Xor": ops.logical_xor,
}
FUNCTIONS = tuple(_FUNCTIONS)
_CHOICE, _POWER = "Where", "Pow"


@keras.saving.register_keras_serializable(package="keras_upsample")
class ElementsOf(keras.layers.Layer):
    """y = f(x1, x2, ...), element by element with NumPy's broadcasting; some x may be constants.

    A comparison gives booleans, `Where` takes its second argument where the first one is true, else
    the third.

    Args:
        kind: f, by ONNX' name: one of `FUNCTIONS`.
        constants: for each argument None, or (shape, dtype) of a constant, the batch included.
            Those of floats that `Where` chooses from are trained, others are not.
    """

    def __init__(self, kind: str, constants: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.constants = [None if each is None else (tuple(each[0]), each[1]) for each in constants]
        self.held = [
            None
            if each is None
            else self.add_weight(
                name=f"constant{place}",
                shape=each[0],
                dtype=each[1],
                initializer="zeros",
                trainable=kind == _CHOICE and each[1].startswith("float"),
            )
            for place, each in enumerate(self.constants)
        ]

    def call(self, inputs: Any) -> Any:
        flowing = iter(inputs if isinstance(inputs, list | tuple) else [inputs])
        values = [
            next(flowing) if each is None else ops.convert_to_tensor(each) for each in self.held
        ]
        return _FUNCTIONS[self.kind](*values)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        given = inputs if isinstance(inputs, list | tuple) else [inputs]
        flowing = iter([(tuple(x.shape), x.dtype) for x in given])
        values = [next(flowing) if each is None else each for each in self.constants]
        shape = tuple(map(_broadcast, *(shape for shape, _ in values)))
        dtype = values[1][1] if self.kind in (_CHOICE, _POWER) else "bool"
        return keras.KerasTensor(shape, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind, "constants": self.constants}


def _broadcast(*lengths: int | None) -> int | None:
    """Of one axis; None is open, and not 1."""
    known = [n for n in lengths if n not in (None, 1)]
    return known[0] if known else (None if None in lengths else 1)


@keras.saving.register_keras_serializable(package="keras_upsample")
class AsType(keras.layers.Layer):
    """The same numbers in another type; floats lose what is behind the point in whole ones.

    Args:
        to: "float32", "int32", "int64" or "bool".
    """

    def __init__(self, to: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to = to

    def call(self, inputs: Any) -> Any:
        return ops.cast(inputs, self.to)

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        return keras.KerasTensor(inputs.shape, dtype=self.to)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "to": self.to}


@keras.saving.register_keras_serializable(package="keras_upsample")
class Clipped(keras.layers.Layer):
    """y = min(max(x, low), high).

    Args:
        low, high: either may be None, for no limit.
    """

    def __init__(self, low: float | None, high: float | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.low, self.high = low, high

    def call(self, inputs: Any) -> Any:
        y = inputs if self.low is None else ops.maximum(inputs, self.low)
        return y if self.high is None else ops.minimum(y, self.high)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "low": self.low, "high": self.high}


def _celu(x: Any, alpha: float) -> Any:
    return ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0) / alpha)


def _selu(x: Any, alpha: float, gamma: float) -> Any:
    return gamma * (ops.relu(x) + alpha * ops.expm1(ops.minimum(x, 0)))


def _shrink(x: Any, bias: float, lambd: float) -> Any:
    zeros = ops.zeros_like(x)
    return ops.where(x > lambd, x - bias, ops.where(x < -lambd, x + bias, zeros))


_PARAMETRIC: Mapping[str, Callable[..., Any]] = {
    "Celu": _celu,
    "HardSigmoid": lambda x, alpha, beta: ops.clip(alpha * x + beta, 0, 1),
    "LeakyRelu": lambda x, alpha: ops.relu(x) + alpha * ops.minimum(x, 0),
    "LogSoftmax": lambda x, axis: ops.log_softmax(x, axis=axis),
    "Selu": _selu,
    "Shrink": _shrink,
    "ThresholdedRelu": lambda x, alpha: ops.where(x > alpha, x, ops.zeros_like(x)),
}

PARAMETERS: Mapping[str, Mapping[str, float]] = {
    "Celu": {"alpha": 1.0},
    "HardSigmoid": {"alpha": 0.2, "beta": 0.5},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    "Shrink": {"bias": 0.0, "lambd": 0.5},
    "ThresholdedRelu": {"alpha": 1.0},
}
"""Operator -> its numbers, as ONNX has them where a file says nothing."""


@keras.saving.register_keras_serializable(package="keras_upsample")
class Parametric(keras.layers.Layer):
    """y = f(x) for an activation with numbers of its own.

    Args:
        kind: f, by ONNX' name.
        numbers: by ONNX' names.
    """

    def __init__(self, kind: str, numbers: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind, self.numbers = kind, dict(numbers)

    def call(self, inputs: Any) -> Any:
        return _PARAMETRIC[self.kind](inputs, **self.numbers)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind, "numbers": self.numbers}
