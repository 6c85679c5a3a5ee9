"""Sums, means and the like over axes, places of maxima, cumulative sums."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...program._array_operations import Reduction
from ...program._graph import Tensor
from .._axis_layers import REDUCTIONS, PlaceOfExtreme, Reduced
from .._context import Context, UnreadError
from .._value import Value
from ._along import along_axis

_OF_PROGRAMS = {"ReduceMean": "mean", "ReduceSum": "sum", "ReduceMax": "max", "ReduceMin": "min"}

_MOST = 4096  # a matrix of a cumulative sum has the square of it


def global_pool(kind: str) -> Callable[[Context], Value]:
    """GlobalAveragePool, GlobalMaxPool."""

    def read(c: Context) -> Value:
        x = c.value()
        axes = tuple(range(2, x.rank))
        return _reduced(c, x, axes, True, lambda stored: Reduction(x.tensor, kind, stored, True))

    return read


def reduction(c: Context) -> Value:
    """ReduceMean, ReduceL2, ... over axes other than the batch."""
    x, kind = c.value(), c.node.kind
    axes, keepdims = c.option("axes", 1), bool(c.attribute("keepdims", 1))
    if axes is None or not np.size(axes):
        if c.attribute("noop_with_empty_axes", 0):
            return x
        axes = range(x.rank)
    axes = tuple(int(axis) % x.rank for axis in axes)
    if kind in _OF_PROGRAMS:
        name = _OF_PROGRAMS[kind]
        return _reduced(
            c, x, axes, keepdims, lambda stored: Reduction(x.tensor, name, stored, keepdims)
        )
    return _reduced(
        c, x, axes, keepdims, lambda stored: Reduced(kind, stored, keepdims, name=c.name)
    )


def _reduced(
    c: Context, x: Value, axes: tuple[int, ...], keepdims: bool, made: Callable[[Any], Any]
) -> Value:
    """`made` gives an operation of programs, or a layer, for the axes as they are stored."""
    if x.order[0] in axes:
        raise UnreadError("a reduction over the batch. Name the other axes, or reduce per image")
    if not axes:
        return x
    what = made(tuple(sorted(x.stored_axis(axis) for axis in axes)))
    tensor = c.write(what) if isinstance(what, Reduction) else c.call(what, x.tensor)
    never_below = ("ReduceL1", "ReduceL2", "ReduceSumSquare")
    kept = x.positive and not c.node.kind.startswith("ReduceLog")
    return _left(x, tensor, axes, keepdims, kept or c.node.kind in never_below)


def _left(x: Value, tensor: Tensor, axes: Any, keepdims: bool, positive: bool) -> Value:
    if keepdims:
        return Value(tensor, x.order, positive)
    left = [axis for axis in x.order if axis not in axes]
    ranks = {axis: place for place, axis in enumerate(sorted(left))}
    return Value(tensor, tuple(ranks[axis] for axis in left), positive)


def place_of_extreme(c: Context) -> Value:
    """ArgMax, ArgMin: int32 numbers of the first one in a tie."""
    x = c.value()
    axis, keepdims = c.attribute("axis", 0) % x.rank, bool(c.attribute("keepdims", 1))
    if c.attribute("select_last_index", 0):
        raise UnreadError("the last one in a tie; the first one is read")
    if axis == x.order[0]:
        raise UnreadError("a place in the batch")
    kind = {"ArgMax": "max", "ArgMin": "min"}[c.node.kind]
    layer = PlaceOfExtreme(kind, x.stored_axis(axis), keepdims, name=c.name)
    return _left(x, c.call(layer, x.tensor), (axis,), keepdims, True)


def cumulative_sum(c: Context) -> Value:
    """CumSum as a triangular matrix."""
    x = c.value()
    axis = int(np.asarray(c.constant(1)).reshape(-1)[0]) % x.rank
    length = x.shape[axis]
    if axis == x.order[0] or length > _MOST:
        raise UnreadError(f"a sum over {length} numbers along axis {axis}")
    matrix = np.tri(length, k=-1 if c.attribute("exclusive", 0) else 0)
    if c.attribute("reverse", 0):
        matrix = matrix[::-1, ::-1]
    return along_axis(c, x, axis, matrix)


KINDS: dict[str, Callable[[Context], Value]] = {
    **dict.fromkeys((*_OF_PROGRAMS, *REDUCTIONS), reduction),
    **dict.fromkeys(("ArgMax", "ArgMin"), place_of_extreme),
    "GlobalAveragePool": global_pool("mean"),
    "GlobalMaxPool": global_pool("max"),
    "CumSum": cumulative_sum,
}
