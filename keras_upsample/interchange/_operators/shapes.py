"""Resizes, shuffles, concatenations, pads, slices, and operators that only move axes."""

from math import prod
from typing import Any

import numpy as np

from ...program._array_operations import Gather
from ...program._operations import (
    Concatenation,
    Crop,
    Resize,
    Shuffle,
    Unshuffle,
    ZeroPadding,
)
from .._context import Context, UnreadError
from .._layers import Pad2D, Repeated, RepeatedConstant, Slice
from .._regroup import batch_axis, regrouped
from .._value import Value

COORDINATES = {
    "half_pixel": "half_pixel",
    "pytorch_half_pixel": "half_pixel",
    "align_corners": "align_corners",
    "asymmetric": "asymmetric",
}


def resize(c: Context) -> Value:
    """Resize, and Upsample of older opsets, of rows and columns."""
    from ... import layers

    x = c.image()
    older = c.node.kind == "Upsample"
    scales, sizes = (c.constant(1), None) if older else (c.constant(2), c.constant(3))
    if older and scales is None:
        scales = np.asarray(c.attribute("scales"))
    if c.attribute("axes") is not None or c.attribute("antialias", 0):
        raise UnreadError("`axes` or `antialias`")
    rows, columns = x.shape[2:]
    if sizes is not None and sizes.size:
        size = int(sizes[2]), int(sizes[3])
    else:
        exact = (rows * float(scales[2]), columns * float(scales[3]))
        size = int(np.floor(exact[0])), int(np.floor(exact[1]))
        if any(abs(n - m) > 1e-3 for n, m in zip(exact, size, strict=True)):
            raise UnreadError(f"scales {scales[2:]} of {rows}x{columns} pixels: no whole sizes")
    mode = c.attribute("mode", "nearest")
    named = c.attribute("coordinate_transformation_mode", "asymmetric" if older else "half_pixel")
    coordinates = COORDINATES.get(named, "")
    if not coordinates or (named == "pytorch_half_pixel" and 1 in size):
        raise UnreadError(f"coordinates {named}")
    options: dict[str, Any] = {"data_format": "channels_last", "name": c.name}
    if mode == "nearest":
        rounding = c.attribute("nearest_mode", "round_prefer_floor")
        whole = size[0] % rows == size[1] % columns == 0
        fits = (named, rounding) == ("asymmetric", "floor") or older or named == "half_pixel"
        if not (whole and fits):
            raise UnreadError(f"nearest, {named}, {rounding}, to {size[0]}x{size[1]} pixels")
        factors = size[0] // rows, size[1] // columns
        return c.like(x, c.write(Resize(x.tensor, "nearest", factors)), positive=x.positive)
    if mode in ("linear", "bilinear"):
        layer: Any = layers.BilinearUpSampling2D(size=size, coordinates=coordinates, **options)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    border = "renormalize" if c.attribute("exclude_outside", 0) else "clamp"
    layer = layers.BicubicUpSampling2D(
        size=size,
        coordinates=coordinates,
        coefficient=c.attribute("cubic_coeff_a", -0.75),
        border=border,
        **options,
    )
    return c.like(x, c.call(layer, x.tensor))


def depth_to_space(c: Context) -> Value:
    """DepthToSpace."""
    x = c.image()
    order = c.attribute("mode", "DCR").lower()
    made = Shuffle(x.tensor, c.attribute("blocksize"), order)
    return c.like(x, c.write(made), positive=x.positive)


def space_to_depth(c: Context) -> Value:
    """SpaceToDepth."""
    x = c.image()
    made = Unshuffle(x.tensor, c.attribute("blocksize"), "dcr")
    return c.like(x, c.write(made), positive=x.positive)


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
    parts = [
        c.ordered(value, first.order, f"_order{place}").tensor for place, value in enumerate(values)
    ]
    tensor = c.write(Concatenation(parts, first.stored_axis(axis)))
    return c.like(first, tensor, positive=all(value.positive for value in values))


def _repeated(c: Context, like: Value, constant: np.ndarray, place: int) -> Value:
    array = constant.transpose(like.order)
    if array.shape[0] != 1:
        raise UnreadError(f"a constant of {constant.shape} for a batch of any size")
    layer = RepeatedConstant(array.shape[1:], name=f"{c.name}_constant{place}")
    tensor = c.call(layer, like.tensor)
    layer.constant.assign(array[0])
    return Value(tensor, like.order)


def pad(c: Context) -> Value:
    """Pad of rows and columns; negative ones crop."""
    x = c.image()
    pads, value = c.option("pads", 1), c.option("value", 2, 0.0)
    mode = c.attribute("mode", "constant")
    if len(pads) != 8 or any(pads[axis] for axis in (0, 1, 4, 5)) or len(c.inputs) > 3:
        raise UnreadError(f"pads {pads} of batch or channels, or `axes`")
    around = ((pads[2], pads[6]), (pads[3], pads[7]))
    more = tuple((max(a, 0), max(b, 0)) for a, b in around)
    less = tuple((max(-a, 0), max(-b, 0)) for a, b in around)
    tensor = x.tensor
    if any(map(any, less)):
        tensor = c.write(Crop(tensor, (less[0], less[1])), "_crop")
    value = float(np.asarray(value).reshape(-1)[0])
    if mode == "constant" and value == 0:
        tensor = c.write(ZeroPadding(tensor, (more[0], more[1])))
        return c.like(x, tensor, positive=x.positive)
    if mode not in ("constant", "reflect", "edge"):
        raise UnreadError(f"mode {mode}")
    tensor = c.call(Pad2D(more, mode, value, name=c.name), tensor)
    return c.like(x, tensor, positive=x.positive and value >= 0)


def slice_(c: Context) -> Value:
    """Slice with steps forward."""
    x = c.value()
    starts, ends = c.option("starts", 1), c.option("ends", 2)
    axes, steps = c.option("axes", 3), c.constant(4)
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps.tolist()
    for number, (axis, start, end, step) in enumerate(zip(axes, starts, ends, steps, strict=True)):
        length = x.shape[axis]
        if step < 1:
            raise UnreadError("steps backwards")
        begin, stop, _ = slice(start, end, step).indices(length)
        if (begin, stop, step) == (0, length, 1):
            continue
        x = c.joined(x, axis, f"_join{number}")
        stored = x.stored_axis(axis)
        if not stored or stop <= begin:
            raise UnreadError("a slice of the batch, or an empty one")
        name = f"{c.name}_{number}" if number else c.name
        part = c.call(Slice(stored, begin, stop, step, name=name), x.tensor)
        x = c.like(x, part, positive=x.positive)
    return x


def split(c: Context) -> list[Value]:
    """Split into slices."""
    x = c.value()
    axis = c.attribute("axis", 0) % x.rank
    lengths = c.option("split", 1)
    if lengths is None:
        count = c.attribute("num_outputs", len(c.node.outputs))
        most = -(-x.shape[axis] // count)
        lengths = [min(most, x.shape[axis] - most * n) for n in range(count)]
    ends = np.cumsum(lengths)
    x = c.joined(x, axis)
    stored = x.stored_axis(axis)
    return [
        c.like(
            x,
            c.call(Slice(stored, int(end - n), int(end), name=f"{c.name}_{i}"), x.tensor),
            positive=x.positive,
        )
        for i, (end, n) in enumerate(zip(ends, lengths, strict=True))
    ]


def gather(c: Context) -> Value:
    """Gather at places of the file: a list of them, or one, which drops the axis."""
    x, places = c.value(), c.constant(1)
    axis = c.attribute("axis", 0) % x.rank
    x = c.joined(x, axis)
    if places.ndim > 1 or not x.stored_axis(axis):
        raise UnreadError("a table of places, or places of the batch")
    if not places.ndim:
        return _at(c, x, axis, int(places) % x.shape[axis])
    made = Gather(x.tensor, places % x.shape[axis], x.stored_axis(axis))
    return c.like(x, c.write(made), positive=x.positive)


def _at(c: Context, x: Value, axis: int, place: int) -> Value:
    stored = x.stored_axis(axis)
    part = c.call(Slice(stored, place, place + 1, name=f"{c.name}_part"), x.tensor)
    shape = [length for at, length in enumerate(x.lengths) if at not in (0, stored)]
    tensor = c.reshaped(part, shape, "")
    order = tuple(a - (a > axis) for a in x.order if a != axis)
    return Value(tensor, order, x.positive)


def transpose(c: Context) -> Value:
    """Transpose: nothing moves."""
    x = c.value()
    permutation = c.attribute("perm", tuple(reversed(range(x.rank))))
    return Value(x.tensor, tuple(permutation.index(axis) for axis in x.order), x.positive)


def reshape(c: Context) -> Value:
    """Reshape, Flatten, Squeeze and Unsqueeze: data move only where axes don't split and join."""
    x = c.value()
    shape, batch = _new_shape(c, x)
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
    shape = np.broadcast_shapes(x.shape, asked)
    if shape == x.shape:
        return x
    x = c.joined(x)
    stored = [shape[axis] for axis in x.order]
    if stored[0] != 1:
        raise UnreadError("a batch that is repeated")
    tensor = c.call(Repeated(stored[1:], name=c.name), x.tensor)
    return c.like(x, tensor, positive=x.positive)


KINDS = {
    "Expand": expand,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Concat": concat,
    "Pad": pad,
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    "Transpose": transpose,
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), reshape),
}

ANY_LAYOUT = frozenset(
    (
        "Concat",
        "Flatten",
        "Gather",
        "Reshape",
        "Slice",
        "Split",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    )
)
