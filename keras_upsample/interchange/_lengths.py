"""Lengths of stored tensors, where Keras leaves them open."""

from collections.abc import Sequence
from math import prod
from weakref import WeakKeyDictionary

from ..program._graph import Tensor
from ._open import FIX_THE_SIZE, Length, Open, opened
from ._unread import OpenSizeError

_NOTED: WeakKeyDictionary[Tensor, tuple[Length, ...]] = WeakKeyDictionary()


def lengths_of(tensor: Tensor) -> tuple[Length, ...]:
    """Of the stored axes; the batch, which Keras keeps open, counts as one image.

    Raises:
        UnreadError: one is open, and nothing is known of it.
    """
    if tensor in _NOTED:
        return _NOTED[tensor]
    lengths = tensor.shape[1:]
    if None in lengths:
        raise OpenSizeError(FIX_THE_SIZE)
    return (1, *(int(n) for n in lengths if n is not None))


def note_lengths(tensor: Tensor, lengths: Sequence[Length]) -> None:
    """Remember them, where Keras does not know one."""
    if None in tensor.shape[1:]:
        _NOTED[tensor] = (1, *lengths[1:])


def note_seen(
    tensor: Tensor,
    order: Sequence[int],
    seen: Sequence[tuple[int, ...]],
    inputs: Sequence[Tensor],
) -> None:
    """Remember the lengths of what a node made, from its shapes at several sizes.

    Args:
        tensor: as it is stored.
        order: which axis of ONNX each stored axis is, or a part of.
        seen: its shape in the order of ONNX, at each size.
        inputs: what the node read; several open parts of one axis are as long as their open axes.
    """
    stored = tensor.shape
    if tensor in _NOTED or None not in stored[1:]:
        return
    result: list[Length] = [1, *(-1 if n is None else int(n) for n in stored[1:])]
    for axis in set(order):
        places = [place for place, each in enumerate(order) if each == axis and place]
        missing = [place for place in places if stored[place] is None]
        if not missing:
            continue
        whole = opened([shape[axis] for shape in seen])
        rest = prod(result[place] for place in places if place not in missing)
        found: list[Length] | None = [whole // rest] if len(missing) == 1 else None
        for other in inputs if found is None else ():
            parts = [n for n in _NOTED.get(other, ()) if isinstance(n, Open)]
            if len(parts) == len(missing) and prod([*parts, rest]) == whole:
                found = parts
        if found is None:
            return
        for place, length in zip(missing, found, strict=True):
            result[place] = length
    _NOTED[tensor] = tuple(result)


def is_open(lengths: Sequence[Length]) -> bool:
    """Whether one of them is."""
    return any(isinstance(n, Open) for n in lengths)
