"""Reshapes of tensors whose axes lie in another order than ONNX': which axes split, which join."""

from collections.abc import Sequence
from typing import Any

from ._unread import OpenSizeError


def regrouped(
    lengths: Sequence[Any], order: Sequence[int], shape: Sequence[Any], batch: int
) -> tuple[tuple[Any, ...], tuple[int, ...]] | None:
    """What a Reshape makes of a stored tensor without moving data.

    A stored axis is split where it lies. Axes that are joined stay apart, as parts of one axis of
    ONNX. The batch, of length 1, becomes an axis of length 1, or joins a neighbour.

    Args:
        lengths: of the stored axes, 1 for the batch, which is the first.
        order: which axis of ONNX each of them is (a part of).
        shape: ONNX' new shape.
        batch: which axis of it is the batch, if that is of length 1.

    Returns:
        The stored tensor's new lengths and order; None if data must move.

    Example: an image (N, H, W, C) = (1, 4, 5, 6), in ONNX (N, C, H, W), becomes (N, C, HW)
        >>> regrouped((1, 4, 5, 6), (0, 2, 3, 1), (1, 6, 20), 0)
        ((1, 4, 5, 6), (0, 2, 2, 1))
    """
    try:
        pieces = _factored(lengths, order, shape)
    except OpenSizeError:  # whether an axis splits depends on the size, so that data move
        return None
    if pieces is None:
        return None
    stored: list[tuple[int, int]] = []  # length, axis of ONNX
    for place in range(1, len(lengths)):
        stored += [(length, axis) for at, length, axis in pieces if at == place]
    for axis in range(len(shape)):
        places = [at for at, _, found in pieces if found == axis]
        if places != sorted(places):
            return None
    batch = batch_axis(batch, shape)
    for axis, length in enumerate(shape):
        if length == 1 and axis != batch:
            before = [i for i, (_, found) in enumerate(stored) if found < axis]
            stored.insert(max(before) + 1 if before else 0, (1, axis))
    return (1, *(n for n, _ in stored)), (batch, *(axis for _, axis in stored))


def _factored(
    lengths: Sequence[Any], order: Sequence[int], shape: Sequence[Any]
) -> list[tuple[int, int, int]] | None:
    """Pieces of the stored axes, in ONNX' order: (stored axis, length, new axis of ONNX)."""
    rank = max(order) + 1
    parts = [place for axis in range(rank) for place, found in enumerate(order) if found == axis]
    left = [(place, lengths[place]) for place in parts if lengths[place] > 1][::-1]
    pieces = []
    for axis, needed in enumerate(shape):
        while needed > 1:
            if not left:
                return None
            place, length = left.pop()
            if length > needed:
                if length % needed:
                    return None
                left.append((place, length // needed))
                length = needed
            elif needed % length:
                return None
            pieces.append((place, length, axis))
            needed //= length
    return None if left else pieces


def batch_axis(wanted: int, shape: Sequence[int]) -> int:
    """Which axis of a new shape is the batch: the wanted one, another of length 1, or a part."""
    wanted = min(wanted, len(shape) - 1)
    if shape[wanted] == 1:
        return wanted
    return next((axis for axis, length in enumerate(shape) if length == 1), wanted)
