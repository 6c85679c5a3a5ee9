"""Checks of arguments, shared by ops and layers: what was received, what is allowed, what to do."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import keras

COORDINATES = ("half_pixel", "align_corners", "asymmetric")
BORDERS = ("renormalize", "clamp")
ORDERS = ("dcr", "crd")
DATA_FORMATS = ("channels_last", "channels_first")


def integer(value: Any, name: str, *, minimum: int = 1) -> int:
    """Return `value` as an int, or raise if it is not a whole number >= `minimum`."""
    advice = f"Pass a whole number, e.g. `{name}={max(2, minimum)}`."
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"`{name}` must be an int >= {minimum}. Received: {value!r}. {advice}")
    number = operator.index(value)
    if number < minimum:
        raise ValueError(f"`{name}` must be an int >= {minimum}. Received: {value!r}. {advice}")
    return number


def odd(value: Any, name: str) -> int:
    """Return `value` as an odd int >= 1."""
    number = integer(value, name)
    if number % 2 == 0:
        raise ValueError(
            f"`{name}` must be odd, so that it has a middle. Received: {value!r}. "
            f"Use {number - 1} or {number + 1}."
        )
    return number


def pair(value: Any, name: str, *, minimum: int = 1) -> tuple[int, int]:
    """Return (rows, columns) from an int or a pair of ints >= `minimum`."""
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError(
                f"`{name}` must be an int or a pair (rows, columns). Received {len(value)} values: "
                f"{value!r}. Pass one int for both axes, or two."
            )
        rows, columns = (integer(item, name, minimum=minimum) for item in value)
        return rows, columns
    number = integer(value, name, minimum=minimum)
    return number, number


def one_of(value: Any, name: str, allowed: Sequence[Any]) -> Any:
    """Return `value`, or raise with the list of what is allowed."""
    if not isinstance(value, str | None) or value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(
            f"`{name}` must be one of {choices}. Received: {value!r}. Pick one of these."
        )
    return value


def finite(value: Any, name: str) -> float:
    """Return `value` as a finite float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(
            f"`{name}` must be a finite number. Received: {value!r}. Try -0.5 or -0.75."
        )
    return float(value)


def positive(value: Any, name: str) -> float:
    """Return `value` as a finite float > 0."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value <= 0:
        raise ValueError(
            f"`{name}` must be a finite number > 0. Received: {value!r}. Pass one, e.g. 0.5."
        )
    return float(value)


def scale_or_size(scale: Any, size: Any) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return the two as pairs, exactly one of them None."""
    if (scale is None) == (size is None):
        raise ValueError(
            "Exactly one of `scale` (factor) and `size` (pixels) must be given. "
            f"Received: scale={scale!r}, size={size!r}. Drop one of them."
        )
    if scale is not None:
        return pair(scale, "scale"), None
    return None, pair(size, "size")


def data_format_of(data_format: Any) -> str:
    """Return the data format, Keras' configured one for None."""
    if data_format is None:
        return keras.config.image_data_format()
    return one_of(data_format, "data_format", DATA_FORMATS)


def spatial_axes(data_format: str) -> tuple[int, int]:
    """Return the axes of height and width of a batch of images."""
    return (1, 2) if data_format == "channels_last" else (2, 3)


def channel_axis(data_format: str) -> int:
    """Return the axis of the channels of a batch of images."""
    return 3 if data_format == "channels_last" else 1


def check_rank(shape: Sequence[int | None], name: str = "x") -> None:
    """Raise unless `shape` is that of a batch of images with at least one pixel."""
    if len(shape) != 4:
        raise ValueError(
            f"`{name}` must have 4 axes (batch, height, width, channels in the layer's data "
            f"format). Received shape {tuple(shape)}. Add the missing axis, e.g. `{name}[None]` "
            "for a single image."
        )
    if any(size == 0 for size in shape[1:]):
        raise ValueError(
            f"`{name}` must have at least one pixel and one channel. Received shape "
            f"{tuple(shape)}. Check how the image was cropped."
        )
