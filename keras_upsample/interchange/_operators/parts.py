"""Operators that take parts of a tensor, or put something around it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...program._array_operations import Gather
from ...program._operations import Crop, ZeroPadding
from .._axis_layers import PadAxes
from .._context import Context, UnreadError
from .._layers import Pad2D, Slice
from .._lengths import note_lengths
from .._value import CHANNELS_LAST, Value
from .shapes import reshaped_to

_ALL = 2**31 - 1
_MOST_COPIES = 32

Around = list[tuple[int, int]]


def pad(c: Context) -> Value:
    """Pad of any axes but the batch; negative ones crop, before or behind what is added."""
    x = c.value()
    mode, value = c.attribute("mode", "constant"), c.option("value", 2, 0.0)
    value = float(np.asarray(value).reshape(-1)[0]) if np.size(value) else 0.0
    if mode not in ("constant", "reflect", "edge", "wrap"):
        raise UnreadError(f"mode {mode!r}; constant, reflect, edge and wrap are read")
    around = _around(c, x)
    if any(around[x.order[0]]):
        raise UnreadError(f"pads {around[x.order[0]]} of the batch")
    x = cropped(c, x, [(max(-a, 0), max(-b, 0)) for a, b in around])
    more = [(max(a, 0), max(b, 0)) for a, b in around]
    if not any(map(any, more)):
        return x
    if mode == "constant":
        return padded(c, x, more, value)
    image = x.rank == 4 and not any(more[1])
    fits = all(max(pads) < max(n, 2) for n, pads in zip(x.shape, more, strict=True))
    few = max(map(max, more)) <= _MOST_COPIES  # that layer has an operator for each row of an edge
    if image and ((mode == "edge" and few) or (mode == "reflect" and fits)):
        x = c.ordered(x, CHANNELS_LAST[4])
        layer = Pad2D((more[2], more[3]), mode, name=c.name)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    for axis, pads in enumerate(more):
        if any(pads):
            places = np.pad(np.arange(x.shape[axis], dtype="int32"), pads, mode)
            x = _taken(c, x, axis, places, f"_axis{axis}")
    return x


def _around(c: Context, x: Value) -> Around:
    """(Before, behind) of every axis."""
    pads = c.option("pads", 1)
    axes = c.constant(3)
    axes = list(range(x.rank)) if axes is None else [int(axis) % x.rank for axis in axes]
    if pads is None or len(pads) != 2 * len(axes):
        raise UnreadError(f"pads {pads} for {len(axes)} axes")
    around = [(0, 0)] * x.rank
    for place, axis in enumerate(axes):
        around[axis] = int(pads[place]), int(pads[place + len(axes)])
    return around


def padded(c: Context, x: Value, around: Around, value: float, suffix: str = "") -> Value:
    """A constant around a value, each pad >= 0."""
    positive = x.positive and value >= 0
    stored = [around[axis] for axis in x.order]
    if len(stored) == 4 and not any(stored[3]):
        if value == 0:
            made = c.write(ZeroPadding(x.tensor, (stored[1], stored[2])), suffix)
        else:
            layer = Pad2D((stored[1], stored[2]), value=value, name=f"{c.name}{suffix}")
            made = c.call(layer, x.tensor)
        return c.like(x, made, positive=positive)
    if not any(map(any, stored)):
        return x
    layer = PadAxes(stored[1:], value, name=f"{c.name}{suffix}")
    return c.like(x, c.call(layer, x.tensor), positive=positive)


def cropped(c: Context, x: Value, around: Around, suffix: str = "_crop") -> Value:
    """A value without its borders."""
    if any(n <= sum(crop) for n, crop in zip(x.shape, around, strict=True)):
        raise UnreadError(f"a crop of {around} that leaves nothing of {x.shape}")
    stored = [around[axis] for axis in x.order]
    if len(stored) == 4 and not any(stored[3]):
        made = c.write(Crop(x.tensor, (stored[1], stored[2])), suffix)
        return c.like(x, made, positive=x.positive)
    tensor = x.tensor
    for axis, (before, behind) in enumerate(stored):
        if before or behind:
            end = int(x.shape[x.order[axis]]) - behind
            layer = Slice(axis, before, end, name=f"{c.name}{suffix}{axis}")
            tensor = c.call(layer, tensor)
    return c.like(x, tensor, positive=x.positive)


def slice_(c: Context) -> Value | np.ndarray:
    """Slice; with steps backwards it takes single places. Of nothing an empty constant is made,
    which a Concat leaves out."""
    x = c.value()
    starts, ends = c.option("starts", 1), c.option("ends", 2)
    axes, steps = c.option("axes", 3), c.constant(4)
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps.tolist()
    for number, (axis, start, end, step) in enumerate(zip(axes, starts, ends, steps, strict=True)):
        if (start, step) == (0, 1) and end >= _ALL:
            continue
        length = int(x.shape[axis])
        taken = range(length)[slice(int(start), int(end), int(step))]
        whole = taken == range(length)
        if whole and axis % x.rank == x.order[0]:
            whole = end == 1  # of a file with one image
        if whole:
            continue
        x = c.joined(x, axis, f"_join{number}")
        if not x.stored_axis(axis):
            raise UnreadError("a slice of the batch")
        if not len(taken):
            shape = [0 if place == axis % x.rank else 1 for place in range(x.rank)]
            return np.zeros(shape, "float32")
        name = f"{c.name}_{number}" if number else c.name
        if step < 0:
            x = _taken(c, x, axis % x.rank, np.array(taken, "int32"), f"_{number}")
            continue
        layer = Slice(x.stored_axis(axis), taken.start, taken.stop, step, name=name)
        x = c.like(x, c.call(layer, x.tensor), positive=x.positive)
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
    x = c.joined(x, axis)
    stored, ends = x.stored_axis(axis), np.cumsum(lengths)
    if not stored or min(lengths) < 1 or ends[-1] != x.shape[axis]:
        raise UnreadError(f"lengths {list(lengths)} of axis {axis}, which has {x.shape[axis]}")
    if len(lengths) == 1:
        return [x]
    return [
        c.like(
            x,
            c.call(Slice(stored, int(end - n), int(end), name=f"{c.name}_{i}"), x.tensor),
            positive=x.positive,
        )
        for i, (end, n) in enumerate(zip(ends, lengths, strict=True))
    ]


def gather(c: Context) -> Value:
    """Gather at places of the file: one drops the axis, a table puts its axes there."""
    x, places = c.value(), c.constant(1)
    axis = c.attribute("axis", 0) % x.rank
    places = _checked(places, int(x.shape[axis]))
    of_batch_alone = x.parts(axis) == (0,)
    if not of_batch_alone and np.array_equal(places.reshape(-1), range(int(x.shape[axis]))):
        # All of them in their order, as PyTorch writes `as_strided`.
        return reshaped_to(c, x, (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))
    x = c.joined(x, axis)
    if not x.stored_axis(axis):
        raise UnreadError("places of the batch")
    if not places.ndim:
        return _at(c, x, axis, int(places))
    y = _taken(c, x, axis, places.reshape(-1), "")
    return y if places.ndim == 1 else _unfolded(c, y, axis, places.shape)


CHANNEL_SHUFFLE = "keras_upsample.ChannelShuffle"
"""Kind of the node that `_rules` puts for a channel shuffle; attribute `groups`."""


def channel_shuffle(c: Context) -> Value:
    """Channel i g + j is channel j C / g + i of the input."""
    x = c.value()
    places = np.arange(x.shape[1]).reshape(c.attribute("groups"), -1).T.reshape(-1)
    return _taken(c, x, 1, places, "")


def gather_nd(c: Context) -> Value:
    """GatherND at places of the file, along axes other than the batch.

    The axes that are indexed become one, of which places are taken.
    """
    x, places = c.value(), c.constant(1)
    count = places.shape[-1]
    if c.attribute("batch_dims", 0) or x.order[0] < count:
        raise UnreadError("places of the batch, or `batch_dims`")
    lengths = [int(n) for n in x.shape[:count]]
    for axis in range(count):
        _checked(places[..., axis], lengths[axis])
    flat = np.zeros(places.shape[:-1], "int64")
    for axis, length in enumerate(lengths):
        flat = flat * length + places[..., axis] % length
    # The indexed axes side by side, in their order; the others stay in theirs.
    others = [axis for axis in x.order if axis >= count]
    x = c.ordered(x, (others[0], *range(count), *others[1:]))
    shape = (int(np.prod(lengths)), *(x.shape[axis] for axis in others[1:]))
    merged = Value(
        c.reshaped(x.tensor, shape, "_merged"),
        (others[0] - count + 1, 0, *(axis - count + 1 for axis in others[1:])),
        x.positive,
    )
    y = _taken(c, merged, 0, flat.reshape(-1), "")
    return _unfolded(c, y, 0, flat.shape)


def _checked(places: Any, length: int) -> np.ndarray:
    """From 0."""
    places = np.asarray(places)
    if places.size == 0 or places.min() < -length or places.max() >= length:
        raise UnreadError(f"places outside of an axis of {length}")
    return places % length


def _taken(c: Context, x: Value, axis: int, places: np.ndarray, suffix: str) -> Value:
    """Places of one axis, each in its turn; a slice where they lie side by side."""
    stored, length = x.stored_axis(axis), x.shape[axis]
    if np.array_equal(places, np.arange(length)):
        return x
    first, step = int(places[0]), int(places[1] - places[0]) if len(places) > 1 else 1
    end = first + step * len(places)
    if step > 0 and np.array_equal(places, range(first, end, step)):
        layer = Slice(stored, first, min(end, length), step, name=f"{c.name}{suffix}")
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    made = Gather(x.tensor, places.astype("int32"), stored)
    return c.like(x, c.write(made, suffix), positive=x.positive)


def _unfolded(c: Context, x: Value, axis: int, shape: Sequence[int]) -> Value:
    """One axis as several, which stay where it lies."""
    stored, more = x.stored_axis(axis), len(shape) - 1
    new = (*x.lengths[1:stored], *shape, *x.lengths[stored + 1 :])
    order = [a + more if a > axis else a for a in x.order]
    order[stored : stored + 1] = [axis + i for i in range(len(shape))]
    return Value(c.reshaped(x.tensor, new, "_unfolded"), tuple(order), x.positive)


def _at(c: Context, x: Value, axis: int, place: int) -> Value:
    stored = x.stored_axis(axis)
    part = x.tensor
    if x.shape[axis] > 1:
        part = c.call(Slice(stored, place, place + 1, name=f"{c.name}_part"), part)
        note_lengths(part, [1 if at == stored else n for at, n in enumerate(x.lengths)])
    shape = [length for at, length in enumerate(x.lengths) if at not in (0, stored)]
    tensor = c.reshaped(part, shape, "")
    order = tuple(a - (a > axis) for a in x.order if a != axis)
    return Value(tensor, order, x.positive)


KINDS = {
    "Pad": pad,
    "Slice": slice_,
    "Split": split,
    "Gather": gather,
    "GatherND": gather_nd,
    CHANNEL_SHUFFLE: channel_shuffle,
}

ANY_LAYOUT = frozenset({"Gather", "Slice", "Split"})
