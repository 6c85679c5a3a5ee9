"""Concatenations, repeats, and operators that only move axes or cut them anew."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...program._operations import Concatenation
from .._axis_layers import Tiled
from .._context import Context, UnreadError
from .._layers import Repeated, RepeatedConstant
from .._regroup import batch_axis, regrouped
from .._value import Value


def concat(c: Context) -> Value:
    """Concat of values, and of constants, which are repeated for every image of the batch."""
    first = next(each for each in c.inputs if isinstance(each, Value))
    axis = c.attribute("axis") % first.rank
    first = c.joined(first, suffix="_join")
    if not first.stored_axis(axis):
        raise UnreadError("a concatenation of batches")
    values = [
        c.joined(each, suffix=f"_join{place}")
        if isinstance(each, Value)
        else _repeated(c, first, np.asarray(each), place)
        for place, each in enumerate(c.inputs)
        if isinstance(each, Value) or np.asarray(each).size  # some exporters add empty ones
    ]
    if len({value.rank for value in values}) > 1:
        raise UnreadError(f"tensors of {sorted({value.rank for value in values})} dimensions")
    parts = [
        c.ordered(value, first.order, f"_order{place}").tensor for place, value in enumerate(values)
    ]
    tensor = c.write(Concatenation(parts, first.stored_axis(axis)))
    return c.like(first, tensor, positive=all(value.positive for value in values))


def _repeated(c: Context, like: Value, constant: np.ndarray, place: int) -> Value:
    if constant.ndim != like.rank:
        raise UnreadError(f"tensors of {like.rank} and {constant.ndim} dimensions")
    array = constant.transpose(like.order)
    if array.shape[0] != 1:
        raise UnreadError(f"a constant of {constant.shape} for a batch of any size")
    layer = RepeatedConstant(array.shape[1:], name=f"{c.name}_constant{place}")
    tensor = c.call(layer, like.tensor)
    layer.constant.assign(array[0])
    return Value(tensor, like.order)


def transpose(c: Context) -> Value:
    """Transpose: nothing moves."""
    x = c.value()
    permutation = c.attribute("perm", tuple(reversed(range(x.rank))))
    return Value(x.tensor, tuple(permutation.index(axis) for axis in x.order), x.positive)


def reshape(c: Context) -> Value:
    """Reshape, Flatten, Squeeze and Unsqueeze: data move only where axes don't split and join."""
    x = c.value()
    shape, batch = _new_shape(c, x)
    return reshaped_to(c, x, shape, batch)


def reshaped_to(c: Context, x: Value, shape: Sequence[Any], batch: int = 0) -> Value:
    """The same values in the file's order, in another shape.

    Args:
        batch: which axis of the shape is the batch, if that is of length 1.
    """
    if not shape or prod(shape) != prod(x.shape):
        raise UnreadError(f"a reshape of {x.shape}, where the batch counts as 1, into {shape}")
    found = regrouped(x.lengths, x.order, shape, batch)
    if found is None:
        x = c.in_file_order(x)
        found = regrouped(x.lengths, x.order, shape, batch)
    if found is None:
        batch = batch_axis(batch, shape)
        rest = [axis for axis in range(len(shape)) if axis != batch or shape[axis] > 1]
        found = (1, *(shape[axis] for axis in rest)), (batch, *rest)
    lengths, order = found
    return Value(c.reshaped(x.tensor, lengths[1:], ""), order, x.positive)


def _new_shape(c: Context, x: Value) -> tuple[list[Any], int]:
    """ONNX' new shape, and which of its axes the batch is."""
    shape, kind, batch = list(x.shape), c.node.kind, x.order[0]
    if kind == "Flatten":
        axis = c.attribute("axis", 1)
        axis = axis % x.rank if axis < 0 else axis
        return [prod(shape[:axis]), prod(shape[axis:])], 0
    if kind == "Reshape":
        asked = c.numbers(1) or []
        if not c.attribute("allowzero", 0):
            if len(asked) > len(shape) and 0 in asked[len(shape) :]:
                raise UnreadError(f"the shape {asked} for {x.rank} dimensions")
            asked = [shape[place] if n == 0 else n for place, n in enumerate(asked)]
        rest = prod(shape) // max(prod(n for n in asked if n != -1), 1)
        return [rest if n == -1 else n for n in asked], batch
    axes = c.option("axes", 1)
    if kind == "Squeeze":
        if axes is None:
            axes = [a for a, length in enumerate(shape) if length == 1 and a != batch]
        gone = {axis % x.rank for axis in axes}
        left = [axis for axis in range(x.rank) if axis not in gone]
        return [shape[axis] for axis in left], sum(axis < batch for axis in left)
    rank = x.rank + len(axes)
    new = {axis % rank for axis in axes}
    old = [axis for axis in range(rank) if axis not in new]
    lengths = dict(zip(old, shape, strict=True))
    return [lengths.get(axis, 1) for axis in range(rank)], old[batch]


def expand(c: Context) -> Value:
    """Expand of axes of length 1, the batch aside."""
    x = c.value()
    asked = [int(n) for n in c.constant(1)]
    if len(asked) > x.rank:
        raise UnreadError(f"new axes: {x.shape} to {tuple(asked)}")
    asked = [1] * (x.rank - len(asked)) + asked
    pairs = list(zip(x.shape, asked, strict=True))
    if any(n != m and 1 not in (n, m) for n, m in pairs) or min(asked) < 1:
        raise UnreadError(f"{x.shape} to {tuple(asked)}")
    shape = tuple(m if n == 1 else n for n, m in pairs)
    if shape == x.shape:
        return x
    x = c.joined(x)
    stored = [int(shape[axis]) for axis in x.order]
    if stored[0] != 1:
        raise UnreadError("a batch that is repeated")
    tensor = c.call(Repeated(stored[1:], name=c.name), x.tensor)
    return c.like(x, tensor, positive=x.positive)


def tile(c: Context) -> Value:
    """Tile of axes other than the batch."""
    x = c.value()
    times = [int(n) for n in c.constant(1)]
    if len(times) != x.rank or times[x.order[0]] != 1 or min(times) < 1:
        raise UnreadError(f"the repeats {times} of {x.shape}, the batch in front")
    if set(times) == {1}:
        return x
    layer = Tiled([times[axis] for axis in x.order[1:]], name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=x.positive)


KINDS = {
    "Concat": concat,
    "Expand": expand,
    "Tile": tile,
    "Transpose": transpose,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), reshape),
}

ANY_LAYOUT = frozenset({"Concat", "Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"})
