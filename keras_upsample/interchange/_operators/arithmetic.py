"""Sums, products and the like, comparisons, choices, and functions of single elements."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...program._graph import Tensor
from ...program._operations import Difference, Product, Sum
from .._context import Context, Known, UnreadError
from .._element_layers import FUNCTIONS, AsType, ElementsOf
from .._layers import ELEMENTWISE, Elementwise, WithConstant
from .._open import FIX_THE_SIZE
from .._value import Value

_OF_TWO = {"Add": Sum, "Mul": Product, "Sub": Difference}


def of_two(c: Context) -> Value:
    """Add, Sub, Mul, Div, Pow of two values, or of one and a constant, which stays trainable."""
    return _pair(c, _plain(c), c.inputs[0], c.inputs[1], c.name)


def several(c: Context) -> Value:
    """Sum, Max, Min, Mean of any number of values and constants."""
    kind, inputs = c.node.kind, c.inputs
    values = [each for each in inputs if isinstance(each, Value)]
    if kind in ("Sum", "Mean") and len(values) == len(inputs) > 2:
        values = [c.joined(value, suffix=f"_join{i}") for i, value in enumerate(values)]
        first = values[0]
        if all(value.shape == first.shape for value in values):
            y = c.like(
                first,
                c.write(Sum(_beside(c, first, values))),
                positive=all(value.positive for value in values),
            )
            return y if kind == "Sum" else _divided(c, y, len(values))
    result: Known | None = inputs[0]
    for place, other in enumerate(inputs[1:]):
        if isinstance(result, Value) or isinstance(other, Value):
            result = _pair(c, _plain(c), result, other, f"{c.name}_{place}" if place else c.name)
        else:
            function = {"Max": np.maximum, "Min": np.minimum}.get(kind, np.add)
            result = function(np.asarray(result), np.asarray(other))
    if not isinstance(result, Value):
        raise UnreadError("no input that flows")
    return _divided(c, result, len(inputs)) if kind == "Mean" else result


def _divided(c: Context, x: Value, count: int) -> Value:
    import keras

    if count == 1:
        return x
    layer = keras.layers.Rescaling(1 / count, name=f"{c.name}_mean")
    return c.like(x, c.call(layer, x.tensor), positive=x.positive)


def _plain(c: Context) -> str:
    return {"Sum": "Add", "Mean": "Add"}.get(c.node.kind, c.node.kind)


def _pair(c: Context, kind: str, first: Any, second: Any, name: str) -> Value:
    if isinstance(first, Value) and isinstance(second, Value):
        return _of_values(c, kind, first, second, name)
    if isinstance(first, Value):
        return with_constant(c, kind, first, second, first=False, name=name)
    if isinstance(second, Value):
        return with_constant(c, kind, second, first, first=True, name=name)
    raise UnreadError("no input that flows")


def raised(c: Context, x: Value, rank: int, suffix: str = "_raised") -> Value:
    """A value with axes of length 1 behind the batch, so that it has this rank.

    ONNX has them before the batch, which is the same for the one image that the file knows.
    """
    more = rank - x.rank
    if more <= 0:
        return x
    if x.order[0] != 0:
        raise UnreadError(f"axes in the order {x.order}, the batch not in front")
    shape = (*(1,) * more, *(x.shape[axis] for axis in x.order[1:]))
    order = (0, *range(1, more + 1), *(axis + more for axis in x.order[1:]))
    return Value(c.reshaped(x.tensor, shape, suffix), order, x.positive)


def _beside(c: Context, first: Value, values: Sequence[Value]) -> list[Tensor]:
    """Tensors whose axes lie as the first one's."""
    equal = [raised(c, value, first.rank, f"_raised{i}") for i, value in enumerate(values)]
    return [c.ordered(value, first.order, f"_order{i}").tensor for i, value in enumerate(equal)]


def _of_values(c: Context, kind: str, first: Value, second: Value, name: str) -> Value:
    import keras

    first, second = _alike(c, first, second)
    parts = [first.tensor, second.tensor]
    positive = first.positive and second.positive and kind in ("Add", "Mul", "Div", "Max", "Min")
    if kind in _OF_TWO:
        return c.like(first, c.emit.write(_OF_TWO[kind](parts), name=name), positive=positive)
    if kind in ("Max", "Min"):
        layer = {"Max": keras.layers.Maximum, "Min": keras.layers.Minimum}[kind](name=name)
        return c.like(first, c.call(layer, *parts), positive=positive)
    if kind == "Div":
        inverse = c.call(Elementwise("Reciprocal", name=f"{name}_inverse"), parts[1])
        return c.like(first, c.write(Product([parts[0], inverse])), positive=positive)
    return c.like(first, c.call(ElementsOf(kind, [None, None], name=name), *parts))


def _alike(c: Context, first: Value, second: Value) -> tuple[Value, Value]:
    """Both with their axes in one order, that of the larger."""
    if first.shape == second.shape:
        found = c.stored_like(second, first)
        if found is not None:
            return first, found
    rank = max(first.rank, second.rank)
    first, second = c.joined(first, suffix="_join0"), c.joined(second, suffix="_join1")
    first, second = raised(c, first, rank, "_raised0"), raised(c, second, rank, "_raised1")
    if np.prod(second.shape) > np.prod(first.shape):
        return c.ordered(first, second.order), second
    return first, c.ordered(second, first.order)


def with_constant(
    c: Context, kind: str, x: Value, constant: Any, *, first: bool, name: str = ""
) -> Value:
    """x ∘ c, c of ONNX' axes."""
    if not isinstance(constant, np.ndarray):
        raise UnreadError(FIX_THE_SIZE if constant is not None else "an input is missing")
    array = np.asarray(constant, "float32")
    if array.ndim > x.rank:
        x = raised(c, c.joined(x), array.ndim)
    array = array.reshape((1,) * (x.rank - array.ndim) + array.shape)
    if any(n not in (1, m) for n, m in zip(array.shape, x.shape, strict=True)):
        x = c.joined(x)
    array = stored_as(x, array)
    layer = WithConstant(kind, array.shape, first, name=name or c.name)
    y = c.call(layer, x.tensor)
    layer.constant.assign(array)
    least = float(array.min()) if array.size else 0.0
    positive = (x.positive and kind in ("Add", "Mul", "Min") and least >= 0) or (
        kind == "Max" and (x.positive or least >= 0)
    )
    return c.like(x, y, positive=positive)


def stored_as(x: Value, array: np.ndarray) -> np.ndarray:
    """A constant of ONNX' axes with them as a value has them; those it repeats along are 1.

    Raises:
        UnreadError: it has something to say of each image of the batch.
    """
    array = array.reshape((1,) * (x.rank - array.ndim) + array.shape)
    if x.plain:
        laid = array.transpose(x.order)
        if laid.shape[0] != 1:
            raise UnreadError(f"a constant of {laid.shape[0]} images for a batch of any size")
        return laid
    places = [place for axis in range(x.rank) for place in x.parts(axis)]
    apart = [1 if array.shape[x.order[place]] == 1 else x.lengths[place] for place in places]
    return array.reshape(apart).transpose([places.index(i) for i in range(len(places))])


def elements_of(c: Context) -> Value:
    """Comparisons, logic and Where, of values and constants."""
    found = [
        c.value(place) if isinstance(each, Value) else np.asarray(c.constant(place))
        for place, each in enumerate(c.inputs)
    ]
    rank = max(each.rank if isinstance(each, Value) else each.ndim for each in found)
    values = [each for each in found if isinstance(each, Value)]
    like = max(values, key=lambda value: np.prod(value.shape))
    beside = [c.repeated_along(each, like, f"_beside{i}") for i, each in enumerate(values)]
    if like.rank == rank and None not in beside:
        tensors = [value.tensor for value in beside if value is not None]
    else:
        values = [c.joined(each, suffix=f"_join{i}") for i, each in enumerate(values)]
        values = [raised(c, each, rank) for each in values]
        like = max(values, key=lambda value: np.prod(value.shape))
        tensors = _beside(c, like, values)
    arrays = [None if isinstance(each, Value) else stored_as(like, each) for each in found]
    constants = [None if array is None else (array.shape, str(array.dtype)) for array in arrays]
    layer: Any = ElementsOf(c.node.kind, constants, name=c.name)
    y = c.call(layer, *tensors)
    for weight, array in zip(layer.held, arrays, strict=True):
        if weight is not None:
            weight.assign(array)
    chosen = found[1:] if c.node.kind == "Where" else []
    positive = bool(chosen) and all(
        each.positive if isinstance(each, Value) else bool((each >= 0).all()) for each in chosen
    )
    return c.like(like, y, positive=positive)


def elementwise(c: Context) -> Value:
    """Erf, Exp, Sqrt, ..."""
    x = c.value()
    positive = c.node.kind in ("Exp", "Sqrt", "Abs", "Cosh", "Acosh")
    layer = Elementwise(c.node.kind, name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=positive)


def passed_through(c: Context) -> Value:
    """Identity, and Dropout, which does nothing at inference."""
    if len(c.node.outputs) > 1 and c.node.outputs[1]:
        raise UnreadError("the mask of a dropout")
    return c.value()


def dropout(c: Context) -> Value:
    """Dropout at inference."""
    if c.opset >= 12 and np.any(c.constant(2, False)):
        raise UnreadError("a dropout in training mode; export the network in evaluation mode")
    return passed_through(c)


def cast(c: Context) -> Value:
    """Cast between float32, whole numbers and booleans."""
    from onnx import TensorProto

    types = {
        TensorProto.FLOAT: "float32",
        TensorProto.INT32: "int32",
        TensorProto.INT64: "int64",
        TensorProto.BOOL: "bool",
    }
    x, to = c.value(), c.attribute("to")
    if to not in types:
        raise UnreadError(
            f"the type {TensorProto.DataType.Name(to)}; float32, int32, int64 and bool are read. "
            "Export the network in float32"
        )
    if x.tensor.spec.dtype == types[to]:
        return x
    layer = AsType(types[to], name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=x.positive or types[to] == "bool")


_Read = Callable[[Context], Value]

KINDS: dict[str, _Read] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Pow"), of_two),
    **dict.fromkeys(("Sum", "Max", "Min", "Mean"), several),
    **dict.fromkeys((kind for kind in FUNCTIONS if kind != "Pow"), elements_of),
    **dict.fromkeys(ELEMENTWISE, elementwise),
    "Identity": passed_through,
    "Dropout": dropout,
    "Cast": cast,
}

ANY_LAYOUT = frozenset(KINDS)
