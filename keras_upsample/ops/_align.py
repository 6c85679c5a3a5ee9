"""Cropping and padding that bring two feature maps to one size; known sizes leave no operator."""

from typing import Any

from keras import ops

from . import _arguments as arguments
from ._backend import Size, length, on_tensorflow


def fit(x: Any, reference: Any, data_format: str) -> Any:
    """Return `x` with the height and width of `reference`.

    A larger `x` is cropped at the bottom and the right, a smaller one is padded with zeros there.
    """
    axes = arguments.spatial_axes(data_format)
    x = crop_end(x, reference, data_format)
    missing = []
    for axis in axes:
        excess = length(reference, axis) - length(x, axis)
        missing.append(max(excess, 0) if isinstance(excess, int) else ops.maximum(excess, 0))
    return _pad_end(x, missing, axes, [reference.shape[axis] for axis in axes])


def pad_to(x: Any, size: tuple[int, int], data_format: str) -> Any:
    """Return `x` with zeros below and to the right up to `size`, which is not smaller."""
    axes = arguments.spatial_axes(data_format)
    missing = [want - length(x, axis) for want, axis in zip(size, axes, strict=True)]
    return _pad_end(x, missing, axes, list(size))


def crop_end(x: Any, reference: Any, data_format: str) -> Any:
    """Return the top left part of `x` that is as large as `reference`, or all of `x` if smaller."""
    axes = arguments.spatial_axes(data_format)
    if all(x.shape[a] is not None and x.shape[a] == reference.shape[a] for a in axes):
        return x
    index = [slice(None)] * 4
    for axis in axes:
        have, target = length(x, axis), length(reference, axis)
        if not (isinstance(have, int) and isinstance(target, int) and have <= target):
            index[axis] = slice(0, target)
    return x[tuple(index)] if any(i != slice(None) for i in index) else x


def crop_centre(x: Any, reference: Any, data_format: str) -> Any:
    """Return the central part of `x` of the smaller of both sizes; an odd pixel is cut at the end.

    Reference: Ronneberger et al., U-Net, 2015, figure 1 ("copy and crop").
    """
    axes = arguments.spatial_axes(data_format)
    index = [slice(None)] * 4
    for axis in axes:
        have, other = length(x, axis), length(reference, axis)
        excess = have - other
        excess = max(excess, 0) if isinstance(excess, int) else ops.maximum(excess, 0)
        if not (isinstance(excess, int) and excess == 0):
            begin = excess // 2
            index[axis] = slice(begin, begin + have - excess)
    return x[tuple(index)] if any(i != slice(None) for i in index) else x


def pad_to_multiple(
    x: Any, multiple: tuple[int, int], data_format: str, at_least: tuple[int, int] = (1, 1)
) -> Any:
    """Pad zeros below and to the right until `multiple` divides height and width.

    Neither ends below the multiple that `at_least` is, or is rounded up to.
    """
    axes = arguments.spatial_axes(data_format)
    missing, result = [], []
    for axis, m, least in zip(axes, multiple, at_least, strict=True):
        n, floor = length(x, axis), -(-least // m) * m
        rest = (-n) % m
        if isinstance(n, int):
            rest = max(rest, floor - n)
        elif floor > m:  # else a multiple is enough by itself
            rest = ops.maximum(rest, floor - n)
        missing.append(rest)
        result.append(padded_length(x.shape[axis], m, least))
    return _pad_end(x, missing, axes, result)


def padded_length(n: int | None, multiple: int, at_least: int = 1) -> int | None:
    """Return `n`, or `at_least` if that is more, rounded up to a multiple."""
    return None if n is None else -(-max(n, at_least) // multiple) * multiple


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
    for axis, known in zip(axes, result, strict=True):
        shape[axis] = known
    return pad(x, pads, shape)
