"""Activations: functions of one element with numbers of their own, and the softmax."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...program._operations import Activation, Softmax
from .._context import Context, UnreadError
from .._element_layers import PARAMETERS, Clipped, Parametric
from .._layers import gelu_tanh
from .._value import Value

SILU = "keras_upsample.SiLU"
"""Kind of the node that `_rules` puts for x sigmoid(x)."""

_LARGEST = 3.4e38  # float32's, by which exporters write that there is no limit


def _activation(name: str, positive: bool = False) -> Callable[[Context], Value]:
    def read(c: Context) -> Value:
        import keras

        x = c.value()
        made = Activation(x.tensor, keras.activations.get(name))
        return c.like(x, c.write(made), positive=positive)

    return read


def parametric(c: Context) -> Value:
    """Celu, HardSigmoid, Selu, Shrink, ThresholdedRelu with any numbers."""
    x, kind = c.value(), c.node.kind
    numbers = {name: float(c.attribute(name, n)) for name, n in PARAMETERS[kind].items()}
    positive = kind == "HardSigmoid" or (kind == "ThresholdedRelu" and numbers["alpha"] >= 0)
    layer = Parametric(kind, numbers, name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=positive)


def hard_sigmoid(c: Context) -> Value:
    """HardSigmoid: max(0, min(1, alpha x + beta)); Keras' has alpha 1/6, beta 1/2."""
    alpha, beta = c.attribute("alpha", 0.2), c.attribute("beta", 0.5)
    if np.isclose(alpha, 1 / 6) and beta == 0.5:
        return _activation("hard_sigmoid", True)(c)
    return parametric(c)


def gelu(c: Context) -> Value:
    """Gelu: x Phi(x), or what `approximate` "tanh" has for it."""
    import keras

    named = c.attribute("approximate", "none")
    if named not in ("none", "tanh"):
        raise UnreadError(f"`approximate` {named!r}; 'none' and 'tanh' are read")
    x = c.value()
    function = gelu_tanh if named == "tanh" else keras.activations.gelu
    return c.like(x, c.write(Activation(x.tensor, function)))


def swish(c: Context) -> Value:
    """Swish: x sigmoid(alpha x)."""
    if c.attribute("alpha", 1.0) != 1:
        raise UnreadError(f"alpha {c.attribute('alpha'):g}; 1 is read")
    return _activation("silu")(c)


def elu(c: Context) -> Value:
    """Elu."""
    import keras

    x = c.value()
    layer = keras.layers.ELU(alpha=c.attribute("alpha", 1.0), name=c.name)
    return c.like(x, c.call(layer, x.tensor))


def leaky_relu(c: Context) -> Value:
    """LeakyRelu."""
    import keras

    x, slope = c.value(), c.attribute("alpha", 0.01)
    if slope < 0:
        return c.like(x, c.call(Parametric("LeakyRelu", {"alpha": slope}, name=c.name), x.tensor))
    return c.like(x, c.call(keras.layers.LeakyReLU(slope, name=c.name), x.tensor))


def p_relu(c: Context) -> Value:
    """PRelu: one slope a channel, or one for all."""
    import keras

    x, slope = c.value(), c.constant(1)
    array = np.asarray(slope, "float32")
    if array.ndim > x.rank:
        raise UnreadError(f"slopes of {array.ndim} dimensions for {x.rank}")
    array = array.reshape((1,) * (x.rank - array.ndim) + array.shape).transpose(x.order)
    if array.shape[0] != 1:
        raise UnreadError(f"slopes of {array.shape[0]} images for a batch of any size")
    if x.rank == 1:
        raise UnreadError("slopes for a batch of numbers")
    shared = [axis for axis, length in enumerate(array.shape) if axis and length == 1]
    layer: Any = keras.layers.PReLU(shared_axes=shared or None, name=c.name)
    y = c.call(layer, x.tensor)
    layer.alpha.assign(array[0])
    return c.like(x, y)


def clip(c: Context) -> Value:
    """Clip between two numbers of the file, either of which may be absent."""
    import keras

    x = c.value()
    low, high = (_limit(c, name, place) for name, place in (("min", 1), ("max", 2)))
    if low is None and high is None:
        return x
    layer: Any = Clipped(low, high, name=c.name)
    if low == 0 and (high is None or high > 0):
        layer = keras.layers.ReLU(max_value=high, name=c.name)
    positive = (x.positive and (high is None or high >= 0)) or (
        low is not None and low >= 0 and (high is None or high >= 0)
    )
    return c.like(x, c.call(layer, x.tensor), positive=positive)


def _limit(c: Context, name: str, place: int) -> float | None:
    limit = c.option(name, place)
    if limit is None:
        return None
    number = float(np.asarray(limit).reshape(-1)[0])
    return None if (number <= -_LARGEST if name == "min" else number >= _LARGEST) else number


def softmax(c: Context) -> Value:
    """Softmax and LogSoftmax along an axis; before opset 13 over all axes from there on."""
    x = c.value()
    axis = c.attribute("axis", -1 if c.opset >= 13 else 1) % x.rank
    x = c.joined(x, axis)
    if axis == x.order[0]:
        raise UnreadError("a softmax over the batch")
    if c.opset >= 13 or all(length == 1 for length in x.shape[axis + 1 :]):
        return c.like(x, _softmax(c, x.tensor, x.stored_axis(axis)), positive=_of_plain(c))
    x = c.ordered(c.joined(x), range(x.rank))
    shape = x.shape[1:]
    flat = (*shape[: axis - 1], int(np.prod(shape[axis - 1 :])))
    y = _softmax(c, c.reshaped(x.tensor, flat, "_in"), axis)
    y = c.reshaped(y, shape, "_out")
    return c.like(x, y, positive=_of_plain(c))


def _of_plain(c: Context) -> bool:
    return c.node.kind == "Softmax"


def _softmax(c: Context, x: Any, axis: int) -> Any:
    if _of_plain(c):
        return c.write(Softmax(x, axis))
    return c.call(Parametric("LogSoftmax", {"axis": axis}, name=c.name), x)


KINDS = {
    **dict.fromkeys(("Celu", "Selu", "Shrink", "ThresholdedRelu"), parametric),
    **dict.fromkeys(("Softmax", "LogSoftmax"), softmax),
    "Clip": clip,
    "Elu": elu,
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _activation("hard_silu"),
    "LeakyRelu": leaky_relu,
    "Mish": _activation("mish"),
    "PRelu": p_relu,
    "Relu": _activation("relu", True),
    "Sigmoid": _activation("sigmoid", True),
    "Softplus": _activation("softplus", True),
    "Softsign": _activation("softsign"),
    "Swish": swish,
    SILU: _activation("silu"),
    "Tanh": _activation("tanh"),
}

ANY_LAYOUT = frozenset(KINDS) - {"PRelu"}
