"""Tensors that are a part of another one's channels, seen through reshapes and slices."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from ..program._graph import Node, Tensor
from ._layers import Slice
from ._lengths import lengths_of
from ._open import Length
from ._unread import UnreadError


@dataclass(frozen=True)
class Channels:
    """Channels `begin` to `end` of the last axis of a tensor, of which it has `total`."""

    of: Tensor
    begin: int
    end: int
    total: int


def channels_of(tensor: Tensor) -> Channels:
    """From which tensor's channels a tensor (N, ..., C) is cut out, itself if from none.

    Only whole slices of the channels count: every other axis is there in its whole length.
    """
    width = int(tensor.shape[-1] or 0)
    chain: list[Node] = []
    best = Channels(tensor, 0, width, width)
    base = tensor
    while base.node is not None and _is_view(base.node):
        chain.append(base.node)
        base = base.node.inputs[0]
        found = _cut(base, chain[::-1], width)
        if found is not None:
            best = found
    return best


def _is_view(node: Node) -> bool:
    import keras

    return type(node.operation) in (keras.layers.Reshape, Slice)


def _cut(base: Tensor, chain: Sequence[Node], width: int) -> Channels | None:
    """The chain's result as channels of its base, if it is that."""
    try:
        lengths = lengths_of(base)[1:]
        shapes = [lengths_of(node.outputs[0])[1:] for node in chain]
    except UnreadError:  # open, and nothing is known of them
        return None
    axes = [(n, prod(lengths[i + 1 :])) for i, n in enumerate(lengths)]  # length, stride
    offset = 0
    for node, shape in zip(chain, shapes, strict=True):
        operation = node.operation
        if isinstance(operation, Slice):
            _, stride = axes[operation.axis - 1]
            axes[operation.axis - 1] = (shape[operation.axis - 1], stride * operation.step)
            offset += operation.begin * stride
            continue
        reshaped = _reshaped(axes, shape)
        if reshaped is None:
            return None
        axes = reshaped
    merged = _merged(axes)
    tokens = prod(shapes[-1][:-1])
    total = prod(lengths) // tokens
    wanted = [(tokens, total), (width, 1)] if tokens != 1 else [(width, 1)]
    if merged != _merged(wanted) or offset + width > total:
        return None
    return Channels(base, offset, offset + width, total)


def _merged(axes: Sequence[tuple[Length, Length]]) -> list[tuple[Length, Length]]:
    """Axes with neighbours joined that lie behind each other, without those of length 1."""
    result: list[tuple[Length, Length]] = []
    for length, stride in axes:
        if length == 1:
            continue
        if result and result[-1][1] == stride * length:
            result[-1] = (result[-1][0] * length, stride)
        else:
            result.append((length, stride))
    return result


def _reshaped(
    axes: Sequence[tuple[Length, Length]], shape: Sequence[Length]
) -> list[tuple[Length, Length]] | None:
    """Lengths and strides in another shape; None where an axis would have two strides."""
    left = _merged(axes)[::-1]
    result = []
    for needed in shape:
        if needed == 1:
            result.append((1, 1))
            continue
        if not left:
            return None
        length, stride = left.pop()
        if length % needed:
            return None
        result.append((needed, stride * (length // needed)))
        if length > needed:
            left.append((length // needed, stride))
    return None if left else result
