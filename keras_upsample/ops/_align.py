"""Cropping and padding that bring two feature maps to one size; known sizes leave no operator."""

from typing import Any

from keras import ops

from . import _arguments as arguments
from ._backend import Size, on_tensorflow, sizes


def fit(x: Any, reference: Any, data_format: str) -> Any:
    """Return `x` with the height and width of `reference`.

    What is too much is lost at the bottom and at the right, what is missing is zero there.
    """
    axes = arguments.spatial_axes(data_format)
    target = sizes(reference)
    x = crop_end(x, reference, data_format)
    have = sizes(x)
    missing = []
    for axis in axes:
        known = isinstance(have[axis], int) and isinstance(target[axis], int)
        if known:
            missing.append(max(target[axis] - have[axis], 0))
        else:
            missing.append(ops.maximum(target[axis] - have[axis], 0))
    return _pad_end(x, missing, axes, [reference.shape[axis] for axis in axes])


def crop_end(x: Any, reference: Any, data_format: str) -> Any:
    """Return the top left part of `x` that is as large as `reference`, or all of `x` if smaller."""
    axes = arguments.spatial_axes(data_format)
    if all(x.shape[a] is not None and x.shape[a] == reference.shape[a] for a in axes):
        return x
    have, target = sizes(x), sizes(reference)
    index = [slice(None)] * 4
    for axis in axes:
        static = isinstance(have[axis], int) and isinstance(target[axis], int)
        if not static or have[axis] > target[axis]:
            index[axis] = slice(0, target[axis])
    return x[tuple(index)] if any(i != slice(None) for i in index) else x


def crop_centre(x: Any, reference: Any, data_format: str) -> Any:
    """Return the central part of `x` of the smaller of both sizes; an odd pixel is lost at the end.

    Reference: Ronneberger et al., U-Net, 2015, figure 1 ("copy and crop").
    """
    axes = arguments.spatial_axes(data_format)
    have, other = sizes(x), sizes(reference)
    index = [slice(None)] * 4
    for axis in axes:
        if isinstance(have[axis], int) and isinstance(other[axis], int):
            excess = max(have[axis] - other[axis], 0)
            if excess == 0:
                continue
        else:
            excess = ops.maximum(have[axis] - other[axis], 0)
        begin = excess // 2
        index[axis] = slice(begin, begin + have[axis] - excess)
    return x[tuple(index)] if any(i != slice(None) for i in index) else x


def pad_to_multiple(x: Any, multiple: tuple[int, int], data_format: str) -> Any:
    """Pad zeros below and to the right until `multiple` divides height and width."""
    axes = arguments.spatial_axes(data_format)
    known = sizes(x)
    missing = [(-known[axis]) % m for axis, m in zip(axes, multiple, strict=True)]
    return _pad_end(
        x,
        missing,
        axes,
        [padded_length(x.shape[a], m) for a, m in zip(axes, multiple, strict=True)],
    )


def padded_length(length: int | None, multiple: int) -> int | None:
    """Return `length` rounded up to a multiple."""
    return None if length is None else -(-length // multiple) * multiple


def _pad_end(x: Any, missing: list[Size], axes: tuple[int, int], result: list[int | None]) -> Any:
    if all(isinstance(m, int) for m in missing) and not any(missing):
        return x
    pads: list[list[Any]] = [[0, 0] for _ in range(4)]
    for axis, m in zip(axes, missing, strict=True):
        pads[axis] = [0, m]
    if not on_tensorflow():
        return ops.pad(x, pads)
    from ._tensorflow import pad

    shape = list(x.shape)
    for axis, length in zip(axes, result, strict=True):
        shape[axis] = length
    return pad(x, pads, shape)
