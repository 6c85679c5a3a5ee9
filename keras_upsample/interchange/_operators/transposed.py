"""Transposed convolutions of lines, images and volumes."""

from collections.abc import Sequence
from typing import Any

from ...program._keras_writer import writable
from ...program._operations import Transposed
from .._context import Context, UnreadError
from .._value import Value
from ._windows import Around, spatial
from .parts import cropped


def conv_transpose(c: Context) -> Value:
    """ConvTranspose: kernel (C, M / groups, rows, columns)."""
    from ... import layers

    x = spatial(c, c.value())
    kernel, bias = c.constant(1), c.constant(2)
    axes, groups = x.rank - 2, c.attribute("group", 1)
    if kernel.ndim != x.rank or kernel.shape[0] != x.shape[1] or kernel.shape[0] % groups:
        raise UnreadError(
            f"a kernel {kernel.shape} in {groups} groups for an input {x.shape}, batch first"
        )
    size = kernel.shape[2:]
    strides = c.attribute("strides", (1,) * axes)
    dilation = c.attribute("dilations", (1,) * axes)
    if len(strides) != axes or len(dilation) != axes or min(*strides, *dilation) < 1:
        raise UnreadError(f"strides {strides} and dilations {dilation} for {axes} axes")
    crop = _crop(c, x, [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)], strides)
    turned = kernel.transpose(*range(2, x.rank), 1, 0)
    if axes == 2 and groups == 1 and max(dilation) == 1:
        made = Transposed(
            x.tensor, turned, bias, None, (strides[0], strides[1]), (crop[0], crop[1])
        )
        if writable(made):
            return c.like(x, c.write(made))
    # The layer crops as much at both ends, and adds less than a step behind; the rest is cut off.
    padding = [max(min(begin, end), 0) for begin, end in crop]
    more = [max(-end, 0) for _, end in crop]
    steps = zip(more, strides, dilation, strict=True)
    if any(begin < 0 for begin, _ in crop) or any(m >= max(s, d) for m, s, d in steps):
        raise UnreadError(
            f"pads {crop}, which add more rows than strides {strides} and dilations {dilation} "
            "leave empty. Follow it by a Pad"
        )
    kinds: dict[int, Any] = {
        1: layers.TransposedConv1D,
        2: layers.TransposedConv2D,
        3: layers.TransposedConv3D,
    }
    layer = kinds[axes](
        kernel.shape[1] * groups,
        strides,
        size,
        padding=padding,
        output_padding=more,
        dilation_rate=dilation,
        groups=groups,
        use_bias=bias is not None,
        initializer="zeros",
        data_format="channels_last",
        name=c.name,
    )
    y = c.like(x, c.call(layer, x.tensor))
    layer.kernel.assign(turned)
    if bias is not None:
        layer.bias.assign(bias)
    rest = [(b - p, e + m - p) for (b, e), p, m in zip(crop, padding, more, strict=True)]
    return cropped(c, y, [(0, 0), (0, 0), *rest]) if any(map(any, rest)) else y


def _crop(c: Context, x: Value, reaches: Sequence[int], strides: Sequence[int]) -> Around:
    """(Begin, end) cut from the whole result on each axis; a negative end adds to it."""
    axes = x.rank - 2
    more = c.attribute("output_padding", (0,) * axes)
    auto = c.attribute("auto_pad", "NOTSET")
    asked = c.attribute("output_shape", ())[-axes:]
    lengths = x.shape[2:]
    if not asked and auto in ("SAME_UPPER", "SAME_LOWER"):
        asked = tuple(n * s for n, s in zip(lengths, strides, strict=True))
    pads = c.attribute("pads", (0,) * 2 * axes)
    if len(more) != axes or len(pads) != 2 * axes or (asked and len(asked) != axes):
        raise UnreadError(f"pads {pads}, output_padding {more}, output_shape {asked}")
    result = []
    for axis in range(axes):
        begin, end = pads[axis], pads[axis + axes]
        if asked:
            whole = (lengths[axis] - 1) * strides[axis] + reaches[axis] + more[axis]
            total = whole - asked[axis]
            begin = total // 2 if auto == "SAME_UPPER" else total - total // 2
            if total < 0:  # nothing to cut: rows are added behind
                begin = 0
            end = total - begin
        elif auto == "VALID":
            begin = end = 0
        result.append((int(begin), int(end - more[axis])))
    return result


KINDS = {"ConvTranspose": conv_transpose}
