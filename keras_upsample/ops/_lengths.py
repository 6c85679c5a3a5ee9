"""Resizing of lines and volumes, by the resizing of images one or two axes at a time."""

from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops

from . import _arguments as arguments
from ._antialias import check_antialias
from ._backend import computing_type, image_tensor, reshape, sizes
from ._resize import resize_bilinear, resize_nearest

INTERPOLATIONS = ("nearest", "linear")
Lengths = int | tuple[int, ...]


def resize1d(
    x: Any,
    *,
    scale: Lengths | None = None,
    size: Lengths | None = None,
    interpolation: str = "nearest",
    coordinates: str = "half_pixel",
    antialias: bool = False,
    data_format: str | None = None,
) -> Any:
    """Resize lines: `1 2 -> 1 1 2 2` by "nearest", `1 2 -> 1 1.25 1.75 2` by "linear".

    Uses the formulas of `resize_nearest` and `resize_bilinear` on the one axis.

    Args:
        x: lines, (N, L, C), or (N, C, L) for "channels_first"; floats unless "nearest".
        scale: factor, whole and >= 1.
        size: output samples; exactly one of `scale` and `size`.
        interpolation: "nearest" or "linear".
        coordinates: "half_pixel", "align_corners" or "asymmetric".
        antialias: as for `resize_bilinear`; for "linear" only.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The resized lines, of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.
    """
    factors, target = lengths_of(scale, size, 1)
    data_format = arguments.data_format_of(data_format)
    resize = _resize_by_matrix(interpolation, coordinates, antialias, data_format)
    x = image_tensor(x, floating=interpolation != "nearest", rank=1)
    row = 1 if data_format == "channels_last" else 2
    x = ops.expand_dims(x, row)  # a picture of one row
    y = resize(x, scale=(1, *factors)) if factors else resize(x, size=(1, *target))
    return ops.squeeze(y, row)


def resize3d(
    x: Any,
    *,
    scale: Lengths | None = None,
    size: Lengths | None = None,
    interpolation: str = "nearest",
    coordinates: str = "half_pixel",
    antialias: bool = False,
    data_format: str | None = None,
) -> Any:
    """Resize volumes: on each axis `1 2 -> 1 1 2 2` by "nearest", `1 1.25 1.75 2` by "linear".

    Uses the formulas of `resize_nearest` and `resize_bilinear` on each of three axes ("trilinear").

    Args:
        x: volumes, (N, D, H, W, C), or (N, C, D, H, W) for "channels_first"; floats unless
            "nearest".
        scale: factor, or (depth, rows, columns) factors, whole and >= 1.
        size: output voxels, or (depth, rows, columns); exactly one of `scale` and `size`.

    The other arguments, the result and the errors are those of `resize1d`. Half precision is
    computed in float32 and rounded once.
    """
    factors, target = lengths_of(scale, size, 3)
    data_format = arguments.data_format_of(data_format)
    resize = _resize_by_matrix(interpolation, coordinates, antialias, data_format)
    x = image_tensor(x, floating=interpolation != "nearest", rank=3)
    dtype = x.dtype
    if interpolation != "nearest":
        x = ops.cast(x, computing_type(x))
    first = data_format == "channels_first"
    n, *rest = sizes(x)
    c, d, h, w = rest if first else (rest[3], *rest[:3])
    # The pictures of all depths: the depths join the batch or, channels first, the channels.
    x = ops.reshape(x, (n, c * d, h, w) if first else (-1, h, w, c))
    x = resize(x, scale=factors[1:]) if factors else resize(x, size=target[1:])
    h, w = (h * factors[1], w * factors[2]) if factors else target[1:]
    # The depth as the rows of one picture of H·W columns.
    x = reshape(x, (n, c, d, h * w) if first else (n, d, h * w, c))
    x = resize(x, scale=(factors[0], 1)) if factors else resize(x, size=(target[0], h * w))
    d = d * factors[0] if factors else target[0]
    x = reshape(x, (n, c, d, h, w) if first else (n, d, h, w, c))
    return ops.cast(x, dtype)


def lengths_of(scale: Any, size: Any, rank: int) -> tuple[Any, Any]:
    """Return the two with a number for each axis, exactly one of them None."""
    arguments.one_of_scale_and_size(scale, size)
    if scale is not None:
        return arguments.each(scale, "scale", rank), None
    return None, arguments.each(size, "size", rank)


def check_interpolation(interpolation: str, coordinates: str, antialias: bool) -> None:
    """Raise unless there is such an interpolation."""
    arguments.one_of(interpolation, "interpolation", INTERPOLATIONS)
    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    if check_antialias(antialias, coordinates) and interpolation == "nearest":
        raise ValueError(
            "`antialias=True` needs `interpolation='linear'`. Received: interpolation='nearest'. "
            "Leave one of the two out."
        )


def _resize_by_matrix(
    interpolation: str, coordinates: str, antialias: bool, data_format: str
) -> Callable[..., Any]:
    """Return the resize of images by that interpolation."""
    check_interpolation(interpolation, coordinates, antialias)
    shared: dict[str, Any] = {"coordinates": coordinates, "data_format": data_format}
    if interpolation == "nearest":
        return partial(resize_nearest, **shared)
    return partial(resize_bilinear, **shared, antialias=antialias)
