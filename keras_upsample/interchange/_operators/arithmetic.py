"""Sums, products and the like, activations and functions of single elements."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...program._operations import Activation, Difference, Product, Softmax, Sum
from .._context import Context, UnreadError
from .._layers import ELEMENTWISE, Elementwise, WithConstant, gelu_tanh
from .._value import Value

SILU = "keras_upsample.SiLU"
"""Kind of the node that `_rules` puts for x sigmoid(x)."""

_OF_TWO = {"Add": Sum, "Mul": Product, "Sub": Difference}


def of_two(c: Context) -> Value:
    """Add, Sub, Mul, Div, Pow of two values, or of one and a constant, which stays trainable."""
    first, second = c.inputs
    if isinstance(first, Value) and isinstance(second, Value):
        return _of_values(c, first, second)
    if isinstance(first, Value):
        return with_constant(c, _plain(c), first, second, first=False)
    if isinstance(second, Value):
        return with_constant(c, _plain(c), second, first, first=True)
    raise UnreadError("no input that flows")


def _plain(c: Context) -> str:
    return {"Sum": "Add"}.get(c.node.kind, c.node.kind)


def _of_values(c: Context, first: Value, second: Value) -> Value:
    import keras

    if first.rank != second.rank:
        raise UnreadError(f"tensors of {first.rank} and {second.rank} dimensions")
    first, second = _alike(c, first, second)
    parts = [first.tensor, second.tensor]
    kind = _plain(c)
    positive = first.positive and second.positive and kind in ("Add", "Mul", "Div")
    if kind in _OF_TWO:
        return c.like(first, c.write(_OF_TWO[kind](parts)), positive=positive)
    if kind in ("Max", "Min"):
        layer = {"Max": keras.layers.Maximum, "Min": keras.layers.Minimum}[kind](name=c.name)
        return c.like(first, c.call(layer, *parts))
    if kind == "Div":
        inverse = c.call(Elementwise("Reciprocal", name=f"{c.name}_inverse"), parts[1])
        return c.like(first, c.write(Product([parts[0], inverse])), positive=positive)
    raise UnreadError("two tensors that flow")


def _alike(c: Context, first: Value, second: Value) -> tuple[Value, Value]:
    """Both with their axes in one order, that of the larger."""
    if first.shape == second.shape:
        found = c.stored_like(second, first)
        if found is not None:
            return first, found
    first, second = c.joined(first, suffix="_join0"), c.joined(second, suffix="_join1")
    if np.prod(second.shape) > np.prod(first.shape):
        return c.ordered(first, second.order), second
    return first, c.ordered(second, first.order)


def several(c: Context) -> Value:
    """Sum of any number; Max and Min of two, or of one alone."""
    if len(c.inputs) <= 2:
        return of_two(c) if len(c.inputs) == 2 else c.value()
    if c.node.kind != "Sum":
        raise UnreadError(f"{len(c.inputs)} inputs; two are read")
    values = [c.value(place) for place in range(len(c.inputs))]
    if len({value.rank for value in values}) > 1:
        raise UnreadError("tensors of different numbers of dimensions")
    values = [c.joined(value, suffix=f"_join{i}") for i, value in enumerate(values)]
    first = values[0]
    parts = [c.ordered(v, first.order, f"_order{i}").tensor for i, v in enumerate(values)]
    return c.like(first, c.write(Sum(parts)), positive=all(v.positive for v in values))


def with_constant(c: Context, kind: str, x: Value, constant: Any, *, first: bool) -> Value:
    """x ∘ c, c of ONNX' axes."""
    array = np.asarray(constant, "float32")
    if array.ndim > x.rank:
        raise UnreadError(f"a constant of {array.ndim} dimensions for {x.rank}")
    array = stored_as(x, array)
    layer = WithConstant(kind, array.shape, first, name=c.name)
    y = c.call(layer, x.tensor)
    layer.constant.assign(array)
    positive = x.positive and kind in ("Add", "Mul") and bool((array >= 0).all())
    return c.like(x, y, positive=positive)


def stored_as(x: Value, array: np.ndarray) -> np.ndarray:
    """A constant of ONNX' axes with them as a value has them; those it repeats along are 1."""
    array = array.reshape((1,) * (x.rank - array.ndim) + array.shape)
    places = [place for axis in range(x.rank) for place in x.parts(axis)]
    apart = [1 if array.shape[x.order[place]] == 1 else x.lengths[place] for place in places]
    return array.reshape(apart).transpose([places.index(i) for i in range(len(places))])


def _activation(name: str, positive: bool = False) -> Callable[[Context], Value]:
    def read(c: Context) -> Value:
        import keras

        x = c.value()
        made = Activation(x.tensor, keras.activations.get(name))
        return c.like(x, c.write(made), positive=positive)

    return read


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


def hard_sigmoid(c: Context) -> Value:
    """HardSigmoid: max(0, min(1, alpha x + beta)); Keras' has alpha 1/6, beta 1/2."""
    alpha, beta = c.attribute("alpha", 0.2), c.attribute("beta", 0.5)
    if not (np.isclose(alpha, 1 / 6) and beta == 0.5):
        raise UnreadError(f"alpha {alpha:g} and beta {beta:g}; 1/6 and 1/2 are read")
    return _activation("hard_sigmoid", True)(c)


def elu(c: Context) -> Value:
    """Elu."""
    import keras

    x = c.value()
    layer = keras.layers.ELU(alpha=c.attribute("alpha", 1.0), name=c.name)
    return c.like(x, c.call(layer, x.tensor))


def leaky_relu(c: Context) -> Value:
    """LeakyRelu."""
    import keras

    x = c.value()
    layer = keras.layers.LeakyReLU(c.attribute("alpha", 0.01), name=c.name)
    return c.like(x, c.call(layer, x.tensor))


def p_relu(c: Context) -> Value:
    """PRelu: one slope a channel, or one for all."""
    import keras

    x, slope = c.value(), c.constant(1)
    array = np.asarray(slope, "float32")
    array = array.reshape((1,) * (x.rank - array.ndim) + array.shape).transpose(x.order)[0]
    shared = [axis + 1 for axis, length in enumerate(array.shape) if length == 1]
    layer: Any = keras.layers.PReLU(shared_axes=shared or None, name=c.name)
    y = c.call(layer, x.tensor)
    layer.alpha.assign(array)
    return c.like(x, y)


def clip(c: Context) -> Value:
    """Clip between two numbers of the file."""
    import keras

    low, high = c.option("min", 1), c.option("max", 2)
    x = c.value()
    if low == 0:
        layer = keras.layers.ReLU(max_value=None if high is None else float(high), name=c.name)
        return c.like(x, c.call(layer, x.tensor), positive=True)
    raise UnreadError(f"limits {low} and {high}; the lower one must be 0")


def softmax(c: Context) -> Value:
    """Softmax along an axis. Before opset 13 it was one over all axes from there on."""
    x = c.value()
    axis = c.attribute("axis", -1 if c.opset >= 13 else 1) % x.rank
    x = c.joined(x, axis)
    if c.opset < 13 and any(length != 1 for length in x.shape[axis + 1 :]):
        raise UnreadError("the softmax of several axes that opsets below 13 have")
    made = Softmax(x.tensor, x.stored_axis(axis))
    return c.like(x, c.write(made), positive=True)


def elementwise(c: Context) -> Value:
    """Erf, Exp, Sqrt, ..."""
    x = c.value()
    positive = c.node.kind in ("Exp", "Sqrt", "Abs")
    layer = Elementwise(c.node.kind, name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=positive)


def passed_through(c: Context) -> Value:
    """Identity, and Dropout, which does nothing at inference."""
    return c.value()


def cast(c: Context) -> Value:
    """Cast between floats."""
    from onnx import TensorProto

    if c.attribute("to") != TensorProto.FLOAT:
        raise UnreadError("another type than float32")
    return c.value()


KINDS = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow"), of_two),
    **dict.fromkeys(("Sum", "Max", "Min"), several),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    **dict.fromkeys(("Identity", "Dropout"), passed_through),
    "Cast": cast,
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
    "Softmax": softmax,
    "Softplus": _activation("softplus", True),
    "Softsign": _activation("softsign"),
    "Swish": swish,
    SILU: _activation("silu"),
    "Tanh": _activation("tanh"),
}

ANY_LAYOUT = frozenset(KINDS) - {"PRelu"}
