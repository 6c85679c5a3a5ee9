"""Resizing to the height and width of another tensor."""

from functools import partial
from typing import Any

from . import _arguments as arguments
from . import _sampling as sampling
from ._backend import Size, computing_type, image_tensor, length
from ._resample import by_taps
from ._resize import resize_bilinear, resize_nearest

INTERPOLATIONS = ("bilinear", "nearest")


def resize_like(
    x: Any,
    reference: Any,
    *,
    interpolation: str = "bilinear",
    coordinates: str = "half_pixel",
    data_format: str | None = None,
) -> Any:
    """Resize to the height and width of a reference: `1 2 -> 1 1.25 1.75 2` for 4 columns.

    What `resize_bilinear` and `resize_nearest` compute for `size=`, where the size need not be
    known before the graph runs.

    Args:
        x: images, (N, H, W, C), or (N, C, H, W) for "channels_first"; floats for "bilinear".
        reference: any tensor of 4 axes, whose height and width are taken.
        interpolation: "bilinear" or "nearest".
        coordinates: "half_pixel", "align_corners" or "asymmetric".
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The resized images, of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.
    """
    arguments.one_of(interpolation, "interpolation", INTERPOLATIONS)
    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    data_format = arguments.data_format_of(data_format)
    linear = interpolation == "bilinear"
    x = image_tensor(x, floating=linear)
    axes = arguments.spatial_axes(data_format)
    target = tuple(length(reference, axis) for axis in axes)
    return resize_to(x, target, interpolation, coordinates, data_format)


def resize_to(
    x: Any, target: tuple[Size, ...], interpolation: str, coordinates: str, data_format: str
) -> Any:
    """Resize to (rows, columns), numbers or scalars of the graph."""
    linear = interpolation == "bilinear"
    axes = arguments.spatial_axes(data_format)
    if all(isinstance(n, int) for n in target):
        resize = resize_bilinear if linear else resize_nearest
        return resize(x, size=target, coordinates=coordinates, data_format=data_format)
    options = {"coordinates": coordinates}
    if linear:
        options["kind"] = computing_type(x)
    taps_of = partial(sampling.linear_taps if linear else sampling.nearest_taps, **options)
    return by_taps(x, None, target, axes, taps_of)
