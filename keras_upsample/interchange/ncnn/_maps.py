"""Crops, pads, concatenations, pools, resizes and shuffles."""

from typing import Any

from ...program._array_operations import Reduction
from ...program._operations import (
    Concatenation,
    Crop,
    Pads,
    Pool,
    Resize,
    Shuffle,
    ZeroPadding,
)
from .._layers import Pad2D
from ._fractions import fraction_of, resized_by_fraction
from ._param import NcnnError
from ._place import Place
from ._value import ONE, Extent, Value

_UNSET = -233
_ROWS, _COLUMNS = 1, 2  # axes of (C, H, W)


def split(p: Place) -> list[Value]:
    """Split: the blob itself, several times."""
    p.none_but()
    return [p.value()] * len(p.layer.outputs)


def unchanged(p: Place) -> Value:
    """Noop, and Dropout, which does nothing at inference."""
    return p.value()


def concat(p: Place) -> Value:
    """Concat of channels."""
    p.none_but(0)
    values, axis = p.values(), p.whole(0)
    first = values[0]
    if axis not in (0, -1 if first.vector else -3):
        raise NcnnError(f"axis {axis}; channels are axis 0")
    for value in values[1:]:
        if value.rows.above(first.rows) or value.columns.above(first.columns):
            raise NcnnError("blobs of different sizes")
    return p.like(first, p.write(Concatenation([value.tensor for value in values])))


def crop(p: Place) -> Value:
    """Crop of rows and columns: by offsets, by begins and ends, or to the size of a second blob."""
    x = p.value()
    if x.vector:
        raise NcnnError("a blob of one axis")
    if len(p.inputs) > 1:
        begins, ends = _crop_like(p, x, p.value(1))
    elif 9 in p.layer.parameters:
        begins, ends = _crop_between(p, x)
    else:
        begins, ends = _crop_by_offsets(p, x)
    if min(*begins, *ends) < 0:
        raise NcnnError(f"a crop of {begins} at the top and left, {ends} at the bottom and right")
    cut: Pads = ((begins[0], ends[0]), (begins[1], ends[1]))
    extents = [extent.plus(-sum(each)) for extent, each in zip(x.extents, cut, strict=True)]
    p.check(extents)
    return p.sized(p.write(Crop(x.tensor, cut)), extents)


def _crop_by_offsets(p: Place, x: Value) -> tuple[tuple[int, int], tuple[int, int]]:
    p.none_but(0, 1, 2, 3, 4, 5, 6, 7, 8)
    if p.whole(2) or p.whole(8) or p.whole(5) not in (_UNSET, x.channels):
        raise NcnnError("a crop of channels")
    begins, ends = (p.whole(1), p.whole(0)), [p.whole(7), p.whole(6)]
    for place, stated in enumerate((p.whole(4), p.whole(3))):
        if stated == _UNSET:
            continue
        length = x.extents[place].known()
        if length is None or stated < 1:
            raise NcnnError(f"{stated} rows or columns of an open size")
        ends[place] = max(length - begins[place] - stated, ends[place])
    return begins, (ends[0], ends[1])


def _crop_like(p: Place, x: Value, like: Value) -> tuple[tuple[int, int], tuple[int, int]]:
    p.none_but(0, 1)
    if like.vector or like.channels != x.channels:
        raise NcnnError("a second blob of other channels")
    begins = p.whole(1), p.whole(0)
    too_many = x.rows.above(like.rows), x.columns.above(like.columns)
    return begins, (too_many[0] - begins[0], too_many[1] - begins[1])


def _crop_between(p: Place, x: Value) -> tuple[tuple[int, int], tuple[int, int]]:
    p.none_but(9, 10, 11)
    starts, ends = p.array(9), p.array(10)
    axes = p.array(11) or tuple(range(len(starts)))
    if not len(starts) == len(ends) == len(axes):
        raise NcnnError(f"{len(starts)} begins, {len(ends)} ends and {len(axes)} axes")
    begin, end = {_ROWS: 0, _COLUMNS: 0}, {_ROWS: 0, _COLUMNS: 0}
    for axis, first, last in zip(axes, starts, ends, strict=True):
        place = int(axis) % 3
        if place not in begin:
            raise NcnnError("a crop of channels")
        begin[place] = 0 if first == _UNSET else int(first)
        end[place] = 0 if last == _UNSET else -int(last)
        if begin[place] < 0 or end[place] < 0:
            length = x.extents[place - 1].known()
            if length is None:
                raise NcnnError(
                    f"from {first} to {last} of an open size. Pass a fixed `input_shape`"
                )
            begin[place] += length if begin[place] < 0 else 0
            end[place] += length if end[place] < 0 else 0
    return (begin[_ROWS], begin[_COLUMNS]), (max(end[_ROWS], 0), max(end[_COLUMNS], 0))


def padding(p: Place) -> Value:
    """Padding of rows and columns: a constant, the border repeated, or reflected without it."""
    p.none_but(0, 1, 2, 3, 4, 5)
    x, kind, value = p.value(), p.whole(4), float(p.number(5))
    pads: Pads = ((p.whole(0), p.whole(1)), (p.whole(2), p.whole(3)))
    p.moderate("pads", *pads[0], *pads[1])
    if x.vector or min(map(min, pads)) < 0 or kind not in (0, 1, 2):
        raise NcnnError(f"pads {pads} of kind {kind}")
    if kind == 0 and value == 0:
        tensor = p.write(ZeroPadding(x.tensor, pads))
    else:
        mode = ("constant", "edge", "reflect")[kind]
        for extent, pad in zip(x.extents, pads, strict=True):
            length = extent.known()
            if mode == "reflect" and length is not None and max(pad) >= length:
                raise NcnnError(f"a reflection of {max(pad)} pixels of {length}")
        tensor = p.call(Pad2D(pads, mode, value, name=p.name), x.tensor)
    return p.sized(tensor, [e.plus(sum(pad)) for e, pad in zip(x.extents, pads, strict=True)])


def pooling(p: Place) -> Value:
    """Pooling: of the whole map, or of windows without padding."""
    x, mean = p.value(), bool(p.whole(0))
    kind = "mean" if mean else "max"
    if p.whole(4):
        p.none_but(0, 4)
        return Value(p.write(Reduction(x.tensor, kind, (1, 2), True)), ONE, ONE, vector=True)
    p.none_but(0, 1, 2, 5, 6, 11, 12)
    across, step = p.whole(1), p.whole(2, 1)
    size, strides = (p.whole(11, across), across), (p.whole(12, step), step)
    if min(*size, *strides) < 1:
        raise NcnnError(f"windows {size} of strides {strides}")
    extents = []
    for extent, length, each in zip(x.extents, size, strides, strict=True):
        left = extent.plus(-length)
        if p.whole(5) != 1 and not left.multiple_of(each):
            raise NcnnError("windows that reach over the border (`pad_mode` 0)")
        extents.append(left.divided(each).plus(1))
    p.check(extents)
    return p.sized(p.write(Pool(x.tensor, kind, size, strides)), extents)


def interp(p: Place) -> Value:
    """Interp: nearest, bilinear or bicubic (a = -0.75, the border repeated)."""
    p.none_but(0, 1, 2, 3, 4, 6)
    x, kind = p.value(), p.whole(0)
    if x.vector or kind not in (1, 2, 3):
        raise NcnnError(f"a resize of kind {kind}")
    corners = bool(p.whole(6))
    size = p.whole(3), p.whole(4)
    if any(size):
        p.moderate("an output of", *size)
        p.check([Extent(ONE.factor, length) for length in size])
        return _to_size(p, x, kind, size, corners)
    scale = fraction_of(p.number(1, 1.0)), fraction_of(p.number(2, 1.0))
    if all(each.denominator == 1 for each in scale):
        factors = int(scale[0]), int(scale[1])
        extents = [e.scaled(f) for e, f in zip(x.extents, factors, strict=True)]
        return p.sized(_whole(p, x, kind, factors, corners), extents)
    extents = [
        extent.scaled(each.numerator).divided(each.denominator)
        for extent, each in zip(x.extents, scale, strict=True)
    ]
    p.check(extents)
    if kind == 1 or corners:
        raise NcnnError(f"nearest, or corners that stay, by {scale[0]} and {scale[1]}")
    fits = all(e.multiple_of(s.denominator) for e, s in zip(x.extents, scale, strict=True))
    if fits and scale[0] == scale[1]:
        return p.sized(resized_by_fraction(p, x, scale[0], cubic=kind == 3), extents)
    known = extents[0].known(), extents[1].known()
    if None in known:
        raise NcnnError(
            f"a resize by {scale[0]} of sizes that may not be divisible. Pass a fixed "
            "`input_shape`, or `multiple`"
        )
    return _to_size(p, x, kind, known, corners)


def _whole(p: Place, x: Value, kind: int, factors: tuple[int, int], corners: bool) -> Any:
    from ... import layers

    if kind == 1:
        return p.write(Resize(x.tensor, "nearest", factors))
    return p.call(_layer(kind, corners, p.name, scale=factors, layers=layers), x.tensor)


def _to_size(p: Place, x: Value, kind: int, size: Any, corners: bool) -> Value:
    from ... import layers

    fixed = tuple(extent.known() for extent in x.extents)
    extents = [Extent(ONE.factor, length) for length in size]
    if kind == 1:
        if None in fixed or any(n % m for n, m in zip(size, fixed, strict=True)):
            raise NcnnError(f"nearest, to {size[0]}x{size[1]} pixels, by no whole factor")
        factors = size[0] // fixed[0], size[1] // fixed[1]
        return p.sized(p.write(Resize(x.tensor, "nearest", factors)), extents)
    layer = _layer(kind, corners, p.name, size=tuple(size), layers=layers)
    return p.sized(p.call(layer, x.tensor), extents)


def _layer(kind: int, corners: bool, name: str, layers: Any, **target: Any) -> Any:
    options: dict[str, Any] = {
        "coordinates": "align_corners" if corners else "half_pixel",
        "data_format": "channels_last",
        "name": name,
        **target,
    }
    if kind == 2:
        return layers.BilinearUpSampling2D(**options)
    return layers.BicubicUpSampling2D(coefficient=-0.75, border="clamp", **options)


def pixel_shuffle(p: Place) -> Value:
    """PixelShuffle: depth to space."""
    p.none_but(0, 1)
    x, factor, mode = p.value(), p.whole(0, 1), p.whole(1)
    if factor < 1 or x.channels % (factor * factor) or mode not in (0, 1):
        raise NcnnError(f"a factor {factor} of mode {mode} for {x.channels} channels")
    tensor = p.write(Shuffle(x.tensor, factor, ("crd", "dcr")[mode]))
    return p.sized(tensor, [extent.scaled(factor) for extent in x.extents])


KINDS = {
    "Concat": concat,
    "Crop": crop,
    "Dropout": unchanged,
    "Interp": interp,
    "Noop": unchanged,
    "Padding": padding,
    "PixelShuffle": pixel_shuffle,
    "Pooling": pooling,
    "Split": split,
}
