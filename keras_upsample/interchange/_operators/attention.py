"""Attention, as one layer on tensors whose tokens and channels lie last."""

from math import prod
from typing import Any

import numpy as np

from ...program._graph import Tensor
from .._attention import Attention
from .._context import Context, UnreadError
from .._lengths import lengths_of, note_lengths
from .._open import Length
from .._value import Value
from .._views import Channels, channels_of

ATTENTION = "keras_upsample.Attention"
"""Kind of the node that `_rules` puts for softmax(s q kᵀ + b) v: inputs q, k, v."""


def attention(c: Context) -> Value:
    """Attention of tensors ((windows,) (heads,) tokens, channels), in ONNX' order of axes.

    The first axes of three-dimensional ones are heads, or windows where they are stored before the
    tokens.
    """
    given = [c.value(place) for place in (0, 1, 2)]
    if len({value.rank for value in given}) > 1 or given[0].rank not in (2, 3, 4):
        raise UnreadError(f"tensors of {[value.rank for value in given]} dimensions")
    windows, heads = _kinds(given[0])
    counts = [(_length(value, windows), _length(value, heads)) for value in given]
    if len(set(counts)) > 1:
        raise UnreadError(f"windows and heads of queries, keys and values that differ: {counts}")
    number = counts[0][1]
    placed = [
        _placed(c, value, windows, heads, f"_{place}")
        for place, value in enumerate(_packed(c, given, heads))
    ]
    tokens = [given[0].shape[-2], given[1].shape[-2]]
    biases = [
        _bias(np.asarray(bias, "float32"), windows == 0 and heads is None, (*counts[0], *tokens))
        for bias in c.attribute("biases", ())
    ]
    shapes = [bias.shape for bias in biases]
    layer = Attention(number, c.attribute("scale", 1.0), shapes, name=c.name)
    y = c.call(layer, *(tensor for tensor, _ in placed))
    note_lengths(y, (*lengths_of(placed[0][0])[:-1], y.shape[-1]))
    for weight, bias in zip(layer.biases, biases, strict=True):
        weight.assign(bias)
    parts = placed[0][1]  # length, axis of ONNX
    batch = given[0].order[0]
    if heads is not None and (number > 1 or heads != batch):
        parts.append((number, heads))
    parts.append((given[2].shape[-1], given[2].rank - 1))
    tensor = c.reshaped(y, [length for length, _ in parts], "_heads")
    return Value(tensor, (batch, *(axis for _, axis in parts)))


def _kinds(queries: Value) -> tuple[int | None, int | None]:
    """Which axis of ONNX has the windows, which the heads."""
    if queries.rank == 4:
        return 0, 1
    if queries.rank == 2:
        return None, None
    own, tokens = _own(queries, 0), _own(queries, 1)
    return (0, None) if own and tokens and max(own) < min(tokens) else (None, 0)


def _own(value: Value, axis: int | None) -> list[int]:
    """The stored axes of an axis of ONNX, but for the batch."""
    return [] if axis is None else [place for place in value.parts(axis) if place]


def _length(value: Value, axis: int | None) -> Length:
    return prod(value.lengths[place] for place in _own(value, axis))


def _placed(
    c: Context, value: Value, windows: int | None, heads: int | None, suffix: str
) -> tuple[Tensor, list[tuple[Length, int]]]:
    """(N, windows, tokens, heads x channels), windows only where there are several; and length and
    axis of ONNX of all that lies before the heads."""
    rank = value.rank
    before = [*_own(value, windows), *_own(value, rank - 2)]
    behind = [*_own(value, heads), *_own(value, rank - 1)]
    moved = c.laid_out(value, [0, *before, *behind], (), suffix)
    tokens = _length(value, rank - 2)
    count = _length(value, windows)
    shape = [tokens, prod(value.lengths[place] for place in behind)]
    tensor = c.reshaped(moved.tensor, shape if count == 1 else [count, *shape], f"{suffix}_shape")
    return tensor, [(value.lengths[place], value.order[place]) for place in before]


def _packed(c: Context, given: list[Value], heads: int | None) -> list[Value]:
    """The tensors, or one that holds all three behind each other on its last axis, or the keys and
    values."""
    found = [_cut(c, value, heads) for value in given]
    for first in (0, 1):
        parts = [cut for cut in found[first:] if cut is not None]
        width = given[1].shape[-1] * _length(given[1], heads)
        if len(parts) == 3 - first and all(
            (cut.of, around) == (parts[0][0].of, parts[0][1])
            and (cut.begin, cut.end) == (place * width, (place + 1) * width)
            and cut.total == len(parts) * width
            for place, (cut, around) in enumerate(parts)
        ):
            cut, (batch, *around) = parts[0]
            shape = [*(length for length, _ in around), cut.total]
            order = [axis for _, axis in (batch, *around)]
            tensor = c.reshaped(cut.of, shape, "_all")
            return [*given[:first], Value(tensor, (*order, given[first].rank - 1))]
    return given


def _cut(
    c: Context, value: Value, heads: int | None
) -> tuple[Channels, list[tuple[Length, int]]] | None:
    """From which channels a value is cut out; and length and axis of ONNX of what is stored before
    heads and channels. None where these are not stored last."""
    behind = [*_own(value, heads), *_own(value, value.rank - 1)]
    before = [place for place in range(len(value.order)) if place not in behind]
    long = [place for place in (*before, *behind) if value.lengths[place] != 1]
    if long != sorted(long):
        return None
    around = [(value.lengths[place], value.order[place]) for place in before]
    width = prod(value.lengths[place] for place in behind)
    flat = c.reshaped(value.tensor, [*(length for length, _ in around[1:]), width], "_flat")
    return channels_of(flat), around


def _bias(array: Any, of_windows: bool, lengths: tuple[int, ...]) -> Any:
    """(windows, heads, queries, keys), 1 where it repeats."""
    shape = array.shape
    while len(shape) > 4 and shape[0] == 1:
        shape = shape[1:]
    if of_windows and len(shape) == 3:
        shape = (shape[0], 1, *shape[1:])
    shape = (1,) * (4 - len(shape)) + shape
    if any(n not in (1, m) for n, m in zip(shape, lengths, strict=False)) or len(shape) > 4:
        raise UnreadError(f"a constant of {array.shape} that is added to scores of {lengths}")
    return array.reshape(shape)


KINDS = {ATTENTION: attention}

ANY_LAYOUT = frozenset(KINDS)
