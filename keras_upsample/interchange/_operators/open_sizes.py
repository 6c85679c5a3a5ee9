"""Operators whose result depends on the size of the image, where that stays open.

A size, a pad or the end of a slice that the graph computes is recognised by its values at the sizes
at which the file was tried: a whole multiple of a length, or the length of another tensor.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from ...program._operations import Resize
from .._context import Context, UnreadError
from .._layers import Slice
from .._lengths import is_open, note_lengths
from .._like_layers import FitLike2D, ResizeToPart2D
from .._open import FIX_THE_SIZE, Length, Open, Varying, opened
from .._unread import OpenSizeError
from .._value import CHANNELS_LAST, Value
from .parts import cropped, padded
from .resizes import COORDINATES_OF_LAYERS

_ALL = 10**9
"""tf2onnx' end of an axis that is not cut; others write larger ones."""

_DIVISORS = (2, 4, 8, 16, 32)


_REPEATS = (
    ("asymmetric", "floor"),
    ("half_pixel", "round_prefer_ceil"),
    ("half_pixel", "round_prefer_floor"),
    ("tf_half_pixel_for_nn", "floor"),
)
"""Coordinates and rounding of nearest that repeat every pixel as often, at whole factors."""


def depends_on_size(c: Context) -> bool:
    """Whether an input is open, or an array that follows from open lengths."""
    return any(
        isinstance(each, Varying) or (isinstance(each, Value) and is_open(each.shape))
        for each in c.inputs
    )


def resize(c: Context) -> Value | None:
    """Resize and Upsample by whole factors, or to the size of another tensor."""
    from ... import layers

    if c.attribute("axes") is not None or c.attribute("antialias", 0):
        raise UnreadError("`axes` or `antialias`")
    changed = _changed(c)
    x = _image(c, changed)
    if not changed:
        return x
    older = c.node.kind == "Upsample"
    mode = c.attribute("mode", "nearest")
    named = c.attribute("coordinate_transformation_mode", "asymmetric" if older else "half_pixel")
    target = _target(c, x)
    factors = _whole_factors(x.lengths[1:3], target)
    if mode == "nearest":
        rounding = "floor" if older else c.attribute("nearest_mode", "round_prefer_floor")
        if factors and (named, rounding) in _REPEATS:
            return c.like(x, c.write(Resize(x.tensor, "nearest", factors)), positive=x.positive)
        if (named, rounding) != ("asymmetric", "floor"):
            raise OpenSizeError(f"nearest, {named}, {rounding}: {FIX_THE_SIZE}")
    coordinates = COORDINATES_OF_LAYERS.get(named, "")
    linear = mode in ("linear", "bilinear")
    if not coordinates or not (linear or mode in ("nearest", "cubic")):
        raise UnreadError(f"{mode}, coordinates {named}")
    options: dict[str, Any] = {"data_format": "channels_last", "name": c.name}
    if factors and linear:
        layer: Any = layers.BilinearUpSampling2D(scale=factors, coordinates=coordinates, **options)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    if factors and mode == "cubic":
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
    if c.attribute("mode", "constant") != "constant" or np.any(c.constant(2, 0.0)):
        raise OpenSizeError(f"pads that are no zeros: {FIX_THE_SIZE}")
    if len(pads.numbers) != 8:
        raise OpenSizeError(f"pads by `axes`: {FIX_THE_SIZE}")
    begins, ends = pads.numbers[:4], pads.numbers[4:]
    x = _image(c, [axis for axis in range(4) if begins[axis] != 0 or ends[axis] != 0])
    return _fitted(c, x, begins)


def slice_(c: Context) -> Value | None:
    """Slice of rows and columns: to the size of another tensor, by fixed amounts, or by steps."""
    starts, ends = c.numbers(1), c.numbers(2)
    changed, lengths = _changed(c), c.value().shape
    fixed = not is_open([lengths[axis] for axis in changed])
    if starts is None or ends is None or (fixed and not is_open([*starts, *ends])):
        return None
    axes = c.constant(3)
    axes = range(len(ends)) if axes is None else [int(axis) % len(lengths) for axis in axes]
    steps = c.constant(4)
    steps = [1] * len(ends) if steps is None else steps.tolist()
    bounds = dict(zip(axes, zip(starts, ends, steps, strict=True), strict=True))
    first, last, step = bounds.get(c.value().order[0], (0, 1, 1))
    if (first, step) != (0, 1) or (last != 1 and last < _ALL):
        raise UnreadError("a slice of the batch")
    x = _image(c, changed)
    begins: list[Length] = [0, 0, 0, 0]
    for axis, start, step in zip(axes, starts, steps, strict=True):
        begins[axis] = start % x.shape[axis] if axis in changed else 0
        if step != 1 and axis in changed:
            x, begins[axis] = _stepped(c, x, axis, begins[axis], step), 0
    # What is cut off in front, as a pad below 0.
    return _fitted(c, x, [-1 * begin for begin in begins])


def _stepped(c: Context, x: Value, axis: int, begin: Length, step: int) -> Value:
    """Every second row or column, or third, and so on, up to the last."""
    stored, taken = x.stored_axis(axis), _lengths_seen(c)[axis]
    if is_open([begin]) or step < 0 or (x.shape[axis] - begin + (step - 1)) // step != taken:
        raise OpenSizeError(f"a slice with steps that ends before the last: {FIX_THE_SIZE}")
    tensor = c.call(Slice(stored, begin, None, step, name=f"{c.name}_{axis}"), x.tensor)
    note_lengths(tensor, [taken if place == stored else n for place, n in enumerate(x.lengths)])
    return c.like(x, tensor, positive=x.positive)


def _fitted(c: Context, x: Value, begins: Sequence[Length]) -> Value:
    """Zeros around, or less, so that the result has the size that was seen.

    Args:
        begins: how many in front of each axis of ONNX.
    """
    from ...layers import PadToMultiple2D

    have, target = x.lengths[1:3], _target(c, x)
    begins = [begins[axis] for axis in x.order[1:3]]
    around = [(b, new - old - b) for b, old, new in zip(begins, have, target, strict=True)]
    if not any(is_open(pads) for pads in around):
        return _fixed(c, x, around)
    multiples = _multiples(have, target) if begins == [0, 0] else None
    if multiples:
        steps, least = multiples
        layer = PadToMultiple2D(steps, at_least=least, data_format="channels_last", name=c.name)
        return c.like(x, c.call(layer, x.tensor), positive=x.positive)
    axes = tuple(axis for axis in (1, 2) if have[axis - 1] != target[axis - 1])
    more = [new - old for new, old in zip(target, have, strict=True)]
    fronts: dict[str, list[Length]] = {"end": [0, 0], "centre": [each // 2 for each in more]}
    fitting = [name for name, front in fronts.items() if front == begins]
    if not fitting:
        raise OpenSizeError(f"pads or a slice, neither at the end nor around: {FIX_THE_SIZE}")
    reference = c.image_with(
        lambda lengths: all(lengths[axis - 1] == target[axis - 1] for axis in axes)
    )
    tensor = c.call(FitLike2D(axes, fitting[0], name=c.name), x.tensor, reference)
    return c.like(x, tensor, positive=x.positive)


def _fixed(c: Context, x: Value, around: Sequence[tuple[int, int]]) -> Value:
    """As many rows and columns more, or less, at every size."""
    by_axis = dict(zip(x.order[1:3], around, strict=True))
    pairs = [by_axis.get(axis, (0, 0)) for axis in range(4)]
    x = cropped(c, x, [(max(-a, 0), max(-b, 0)) for a, b in pairs])
    return padded(c, x, [(max(a, 0), max(b, 0)) for a, b in pairs], 0.0)


def _multiples(old: Sequence[Length], new: Sequence[Length]) -> tuple[tuple[int, int], int] | None:
    """((m, m'), a), where new is old, or a if that is more, rounded up to a multiple of m.

    Above a least length there are few sizes, so that only one m may fit, of both axes or of each.
    """
    smallest = {min(n.at) if isinstance(n, Open) else n for n in new}
    for least in (1, *sorted(smallest)):
        rows, columns = (_fitting(*each, least) for each in zip(old, new, strict=True))
        both = [m for m in rows if m in columns]
        for pairs in ([(m, m) for m in both], list(product(rows, columns))):
            if pairs and (least == 1 or len(pairs) == 1):
                return pairs[0], least
    return None


def _fitting(old: Length, new: Length, least: int) -> list[int]:
    raised = opened([max(n, least) for n in old.at]) if isinstance(old, Open) else max(old, least)
    return [m for m in range(1, 129) if (raised + (m - 1)) // m * m == new]


def _image(c: Context, changed: Sequence[int]) -> Value:
    """The input, stored so that the axes of ONNX that change are its rows and columns.

    They are axes 2 and 3 of a file with channels first, 1 and 2 of one with channels last.

    Raises:
        OpenSizeError: others change too.
    """
    x = c.joined(c.value())
    if x.rank != 4:
        raise OpenSizeError(f"an input of {x.rank} dimensions, images have 4: {FIX_THE_SIZE}")
    for order in (x.order, CHANNELS_LAST[4], (0, 1, 2, 3)):
        if order[0] == 0 and set(changed) <= set(order[1:3]):
            return c.ordered(x, order)
    raise OpenSizeError(f"other axes than rows and columns change: {FIX_THE_SIZE}")


def _changed(c: Context) -> list[int]:
    """The axes of ONNX whose length the node changes."""
    lengths = zip(c.value().shape, _lengths_seen(c), strict=True)
    return [axis for axis, (old, new) in enumerate(lengths) if old != new]


def _lengths_seen(c: Context) -> list[Length]:
    """Of the node's output, the batch as 1."""
    return [opened(lengths) for lengths in zip(*c.seen, strict=True)]


def _target(c: Context, x: Value) -> tuple[Length, ...]:
    """Rows and columns of the node's output, in the order in which x is stored."""
    seen = _lengths_seen(c)
    return seen[x.order[1]], seen[x.order[2]]


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
