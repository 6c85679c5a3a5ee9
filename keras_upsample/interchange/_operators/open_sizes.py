"""Operators whose result depends on the size of the image, where that stays open.

A size, a pad or the end of a slice that the graph computes is recognised by its values at the sizes
at which the file was tried: a whole multiple of a length, or the length of another tensor.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import numpy as np

from ...program._operations import Resize
from .._context import Context, UnreadError
from .._lengths import is_open
from .._like_layers import FitLike2D, ResizeToPart2D
from .._open import FIX_THE_SIZE, Length, Varying, opened
from .._unread import OpenSizeError
from .._value import Value
from .resizes import COORDINATES_OF_LAYERS

_DIVISORS = (2, 4, 8, 16, 32)


def depends_on_size(c: Context) -> bool:
    """Whether an input is open, or an array that follows from open lengths."""
    return any(
        isinstance(each, Varying) or (isinstance(each, Value) and is_open(each.shape))
        for each in c.inputs
    )


def resize(c: Context) -> Value | None:
    """Resize and Upsample by whole factors, or to the size of another tensor."""
    from ... import layers

    x = c.image()
    if c.attribute("axes") is not None or c.attribute("antialias", 0):
        raise UnreadError("`axes` or `antialias`")
    older = c.node.kind == "Upsample"
    mode = c.attribute("mode", "nearest")
    named = c.attribute("coordinate_transformation_mode", "asymmetric" if older else "half_pixel")
    coordinates = COORDINATES_OF_LAYERS.get(named, "")
    linear = mode in ("linear", "bilinear")
    if not coordinates or not (linear or mode in ("nearest", "cubic")):
        raise UnreadError(f"{mode}, coordinates {named}")
    target = _target(c)
    factors = _whole_factors(x.shape[2:], target)
    rounding = c.attribute("nearest_mode", "round_prefer_floor")
    floors = (named, rounding) == ("asymmetric", "floor") or older
    options: dict[str, Any] = {"data_format": "channels_last", "name": c.name}
    if mode == "nearest" and not (floors or (factors and named == "half_pixel")):
        raise OpenSizeError(f"nearest, {named}, {rounding}: {FIX_THE_SIZE}")
    if factors and mode == "nearest":
        return c.like(x, c.write(Resize(x.tensor, "nearest", factors)), positive=x.positive)
    if factors and linear:
        layer: Any = layers.BilinearUpSampling2D(scale=factors, coordinates=coordinates, **options)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    if factors:
        border = "renormalize" if c.attribute("exclude_outside", 0) else "clamp"
        layer = layers.BicubicUpSampling2D(
            scale=factors,
            coordinates=coordinates,
            coefficient=c.attribute("cubic_coeff_a", -0.75),
            border=border,
            **options,
        )
        return c.like(x, c.call(layer, x.tensor))
    if mode == "cubic":
        raise OpenSizeError(f"cubic, by no whole factor: {FIX_THE_SIZE}")
    interpolation = "bilinear" if linear else "nearest"
    try:
        reference = c.image_with(lambda lengths: lengths[:2] == target)
        layer = layers.ResizeLike2D(interpolation, coordinates=coordinates, **options)
    except OpenSizeError:
        reference, divisor = _divided(c, target)
        layer = ResizeToPart2D(divisor, interpolation, coordinates, name=c.name)
    return c.like(x, c.call(layer, x.tensor, reference), positive=x.positive)


def _divided(c: Context, target: Sequence[Length]) -> tuple[Any, int]:
    """An earlier image and a whole number by which its size is divided, and rounded down.

    Raises:
        OpenSizeError: there is none.
    """
    for divisor in _DIVISORS:

        def fits(lengths: Sequence[Length], divisor: int = divisor) -> bool:
            return all(n // divisor == m for n, m in zip(lengths[:2], target, strict=True))

        with suppress(OpenSizeError):
            return c.image_with(fits), divisor
    raise OpenSizeError(f"a size that no tensor before it has: {FIX_THE_SIZE}")


def pad(c: Context) -> Value | None:
    """Pad of zeros to the size of another tensor, at the end or around the middle."""
    pads = c.inputs[1] if len(c.inputs) > 1 else None
    if not isinstance(pads, Varying):
        return None
    x = c.image()
    if c.attribute("mode", "constant") != "constant" or np.any(c.constant(2, 0.0)):
        raise OpenSizeError(f"pads that are no zeros: {FIX_THE_SIZE}")
    if any(len(each) != 8 or each[[0, 1, 4, 5]].any() for each in pads.at):
        raise OpenSizeError(f"pads of other axes than rows and columns: {FIX_THE_SIZE}")
    return _fitted(c, x, [opened(each) for each in np.stack(pads.at, axis=-1)[[2, 3]].tolist()])


def slice_(c: Context) -> Value | None:
    """Slice of rows and columns to the size of another tensor, from the start or the middle."""
    bounds = [each for each in c.inputs[1:3] if isinstance(each, Varying)]
    if not bounds:
        return None
    x = c.image()
    starts, ends = c.numbers(1), c.numbers(2)
    if starts is None or ends is None:
        return None
    axes = c.constant(3)
    axes = range(len(ends)) if axes is None else [int(axis) % 4 for axis in axes]
    steps = c.constant(4)
    if not set(axes) <= {2, 3} or (steps is not None and np.any(steps != 1)):
        raise OpenSizeError(f"a slice of other axes, or with steps: {FIX_THE_SIZE}")
    begins = dict(zip(axes, starts, strict=True))
    # What is cut off in front, as a pad below 0.
    return _fitted(c, x, [-1 * (begins.get(axis, 0) % x.shape[axis]) for axis in (2, 3)])


def _fitted(c: Context, x: Value, begins: Sequence[Length]) -> Value:
    """Zeros around, or less, so that the result has the size that was seen.

    Args:
        begins: rows and columns in front.
    """
    from ...layers import PadToMultiple2D

    have, target = x.shape[2:], _target(c)
    rows, columns = (_multiple(old, new) for old, new in zip(have, target, strict=True))
    if list(begins) == [0, 0] and rows and columns:
        layer = PadToMultiple2D((rows, columns), data_format="channels_last", name=c.name)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    axes = tuple(axis for axis in (1, 2) if have[axis - 1] != target[axis - 1])
    more = [new - old for new, old in zip(target, have, strict=True)]
    fronts: dict[str, list[Length]] = {"end": [0, 0], "centre": [each // 2 for each in more]}
    fitting = [name for name, front in fronts.items() if front == list(begins)]
    if not fitting:
        raise OpenSizeError(f"pads or a slice, neither at the end nor around: {FIX_THE_SIZE}")
    reference = c.image_with(
        lambda lengths: all(lengths[axis - 1] == target[axis - 1] for axis in axes)
    )
    tensor = c.call(FitLike2D(axes, fitting[0], name=c.name), x.tensor, reference)
    return c.like(x, tensor, positive=x.positive)


def _multiple(old: Length, new: Length) -> int | None:
    """m, where new is old rounded up to a multiple of m."""
    return next((m for m in range(1, 129) if (old + (m - 1)) // m * m == new), None)


def _target(c: Context) -> tuple[Length, ...]:
    """Rows and columns of the node's output."""
    return tuple(opened([shape[axis] for shape in c.seen]) for axis in (2, 3))


def _whole_factors(old: Sequence[Length], new: Sequence[Length]) -> tuple[int, int] | None:
    """new = s old, s whole."""
    factors = [after // before for before, after in zip(old, new, strict=True)]
    if not all(isinstance(factor, int) and factor >= 1 for factor in factors):
        return None
    if any(n * factor != m for n, m, factor in zip(old, new, factors, strict=True)):
        return None
    return factors[0], factors[1]


OF_OPEN_SIZES: Mapping[str, Callable[[Context], Value | None]] = MappingProxyType(
    {"Resize": resize, "Upsample": resize, "Pad": pad, "Slice": slice_}
)
"""Operator -> what reads it where sizes are open; None where it does not depend on them."""
