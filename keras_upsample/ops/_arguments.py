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
    rows, columns = each(value, name, 2, minimum=minimum)
    return rows, columns


_SEVERAL = {
    1: "an int",
    2: "an int or a pair (rows, columns)",
    3: "an int or three (depth, rows, columns)",
}


def each(value: Any, name: str, rank: int, *, minimum: int = 1) -> tuple[int, ...]:
    """Return an int >= `minimum` for each of `rank` axes, from one int or from as many."""
    if isinstance(value, list | tuple):
        if len(value) != rank:
            advice = {1: "one", 2: "one int for both axes, or two", 3: "one int for all, or three"}
            raise ValueError(
                f"`{name}` must be {_SEVERAL[rank]}. Received {len(value)} values: "
                f"{value!r}. Pass {advice[rank]}."
            )
        return tuple(integer(item, name, minimum=minimum) for item in value)
    return (integer(value, name, minimum=minimum),) * rank


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
    one_of_scale_and_size(scale, size)
    if scale is not None:
        return pair(scale, "scale"), None
    return None, pair(size, "size")


def one_of_scale_and_size(scale: Any, size: Any) -> None:
    """Raise unless exactly one of the two is given."""
    if (scale is None) == (size is None):
        raise ValueError(
            "Exactly one of `scale` (factor) and `size` (pixels) must be given. "
            f"Received: scale={scale!r}, size={size!r}. Drop one of them."
        )


def data_format_of(data_format: Any) -> str:
    """Return the data format, Keras' configured one for None."""
    if data_format is None:
        return keras.config.image_data_format()
    return one_of(data_format, "data_format", DATA_FORMATS)


def spatial_axes(data_format: str) -> tuple[int, int]:
    """Return the axes of height and width of a batch of images."""
    return (1, 2) if data_format == "channels_last" else (2, 3)


def axes_of(data_format: str, rank: int) -> tuple[int, ...]:
    """Return the axes of a batch's lengths: 1 for lines, 2 for images, 3 for volumes."""
    first = 1 if data_format == "channels_last" else 2
    return tuple(range(first, first + rank))


def channel_axis(data_format: str, rank: int = 2) -> int:
    """Return the axis of the channels of a batch, by default of images."""
    return rank + 1 if data_format == "channels_last" else 1


_LENGTHS = {1: "length", 2: "height, width", 3: "depth, height, width"}


def check_rank(shape: Sequence[int | None], name: str = "x", rank: int = 2) -> None:
    """Raise unless `shape` is that of a batch with at least one pixel, of images by default."""
    if len(shape) != rank + 2:
        single = {1: "a single line", 2: "a single image", 3: "a single volume"}[rank]
        raise ValueError(
            f"`{name}` must have {rank + 2} axes (batch, {_LENGTHS[rank]}, channels in the layer's "
            f"data format). Received shape {tuple(shape)}. Add the missing axis, e.g. "
            f"`{name}[None]` for {single}."
        )
    if any(size == 0 for size in shape[1:]):
        raise ValueError(
            f"`{name}` must have at least one pixel and one channel. Received shape "
            f"{tuple(shape)}. Check how the image was cropped."
        )
