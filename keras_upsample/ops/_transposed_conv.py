"""Transposed convolution with an explicit crop, the same on every backend."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from . import _arguments as arguments
from . import _transposed_geometry as geometry
from ._backend import (
    Size,
    add_bias,
    from_channels_last,
    image_tensor,
    length,
    on_tensorflow,
    part,
    to_channels_last,
)
from ._transposed_forms import depthwise, dilate
from ._transposed_geometry import Pair

Strides = tuple[int, ...]


def transposed_conv1d(
    x: Any,
    kernel: Any,
    *,
    scale: int | tuple[int],
    dilation: int | tuple[int] = 1,
    groups: int = 1,
    crop: Sequence[Pair] | None = None,
    bias: Any = None,
    data_format: str | None = None,
) -> Any:
    """Spread every sample of a line over a kernel: `1 2` with kernel `1 1`, scale 2 -> `1 1 2 2`.

    The same as `transposed_conv2d` for lines, (N, L, Cin) or (N, Cin, L), with a kernel
    (k, Cout/groups, Cin) and `crop` ((begin, end),).
    """
    return _transposed(x, kernel, 1, scale, dilation, groups, crop, bias, data_format)


def transposed_conv2d(
    x: Any,
    kernel: Any,
    *,
    scale: int | Pair,
    dilation: int | Pair = 1,
    groups: int = 1,
    crop: Sequence[Pair] | None = None,
    bias: Any = None,
    data_format: str | None = None,
) -> Any:
    """Spread every pixel over a kernel: `1 2` with kernel `1 1`, scale 2 -> `1 1 2 2`.

    y[o] = Σ_i Σ_j x[i] K[j] with o + begin = scale·i + dilation·j, on each axis, of length
    (n − 1)·scale + (k − 1)·dilation + 1 − begin − end.

    Args:
        x: images of floats, (N, H, W, Cin), or (N, Cin, H, W) for "channels_first".
        kernel: (kh, kw, Cout/groups, Cin), Keras' order.
        scale: stride, or (rows, columns), >= 1.
        dilation: distance between taps in pixels, or (rows, columns), >= 1: `1 2` with kernel
            `1 1`, scale 1, dilation 2 -> `1 2 1 2`.
        groups: number of channel groups; the q-th group of output channels reads only the q-th
            group of input channels. Must divide Cin and Cout.
        crop: ((begin, end), (begin, end)) pixels cut from the full result's rows and columns;
            `begin` >= 0, a negative `end` adds zeros. None leaves exactly scale · n pixels and cuts
            an odd pixel at the end.
        bias: (Cout,), added to every pixel of the output, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, H', W', Cout), or (N, Cout, H', W'), of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument; a crop that leaves no pixel.

    Reference: Dumoulin and Visin, A guide to convolution arithmetic, 2016, section 4; PyTorch's
    ConvTranspose2d.
    """
    return _transposed(x, kernel, 2, scale, dilation, groups, crop, bias, data_format)


def transposed_conv3d(
    x: Any,
    kernel: Any,
    *,
    scale: int | tuple[int, int, int],
    dilation: int | tuple[int, int, int] = 1,
    groups: int = 1,
    crop: Sequence[Pair] | None = None,
    bias: Any = None,
    data_format: str | None = None,
) -> Any:
    """Spread every voxel over a kernel: `1 2` with kernel `1 1`, scale 2 -> `1 1 2 2` on an axis.

    The same as `transposed_conv2d` for volumes, (N, D, H, W, Cin) or (N, Cin, D, H, W), with a
    kernel (kd, kh, kw, Cout/groups, Cin) and three pairs as `crop`.
    """
    return _transposed(x, kernel, 3, scale, dilation, groups, crop, bias, data_format)


def _transposed(
    x: Any,
    kernel: Any,
    rank: int,
    scale: Any,
    dilation: Any,
    groups: int,
    crop: Sequence[Pair] | None,
    bias: Any,
    data_format: str | None,
) -> Any:
    """Check, bring dilations into the kernel and groups apart, compute."""
    strides = arguments.each(scale, "scale", rank)
    rates = arguments.each(dilation, "dilation", rank)
    groups = arguments.integer(groups, "groups")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True, rank=rank)
    kernel = ops.convert_to_tensor(kernel)
    if len(kernel.shape) != rank + 2:
        taps = {1: "length", 2: "rows, columns", 3: "depth, rows, columns"}[rank]
        raise ValueError(
            f"`kernel` must have shape ({taps}, channels out, channels in). "
            f"Received shape {tuple(kernel.shape)}. Transpose or reshape it."
        )
    filters = int(kernel.shape[-2]) * groups
    geometry.check_groups(None, x.shape[arguments.channel_axis(data_format, rank)], groups)
    for axis, rate in enumerate(rates):
        kernel = dilate(kernel, axis, rate)
    reaches = [int(k) for k in kernel.shape[:rank]]
    crops = geometry.crops_of(crop, reaches, strides)
    axes = arguments.axes_of(data_format, rank)
    for axis, k, s, c in zip(axes, reaches, strides, crops, strict=True):
        if x.shape[axis] is not None:
            geometry.output_length(int(x.shape[axis]), k, s, c)
    if rank == 1:  # a picture of one row
        row = 1 if data_format == "channels_last" else 2
        x, kernel = ops.expand_dims(x, row), ops.expand_dims(kernel, 0)
        strides, crops = (1, *strides), [(0, 0), *crops]
    if groups == 1:
        y = _plain(x, kernel, strides, crops, bias, data_format)
    else:
        y = _by_groups(x, kernel, strides, groups, filters, crops, data_format)
        y = y if bias is None else add_bias(y, bias, data_format)
    return ops.squeeze(y, 1 if data_format == "channels_last" else 2) if rank == 1 else y


def _by_groups(
    x: Any,
    kernel: Any,
    strides: Strides,
    groups: int,
    filters: int,
    crops: list[Pair],
    data_format: str,
) -> Any:
    """One transposed convolution a group; a single operator where a group is one channel.

    No converter, and Keras on no backend, has an operator for groups.
    """
    rank = len(strides)
    axis = arguments.channel_axis(data_format, rank)
    channels = int(kernel.shape[-1])
    if groups == channels and rank == 2:
        x = to_channels_last(x, data_format)
        return from_channels_last(depthwise(x, kernel, strides, crops), data_format)
    size = channels // groups
    parts = []
    for group in range(groups):
        begin, end = group * size, (group + 1) * size
        own = part(kernel, rank + 1, begin, end)
        parts.append(_plain(part(x, axis, begin, end), own, strides, crops, None, data_format))
    return ops.concatenate(parts, axis=axis)


def _plain(
    x: Any, kernel: Any, strides: Strides, crops: list[Pair], bias: Any, data_format: str
) -> Any:
    """One group, taps side by side, images or volumes."""
    rank = len(strides)
    size = tuple(int(k) for k in kernel.shape[:rank])
    x = to_channels_last(x, data_format) if on_tensorflow() else x
    axes = arguments.axes_of("channels_last" if on_tensorflow() else data_format, rank)
    lengths = tuple(
        geometry.output_length(length(x, axis), k, s, c)
        for axis, k, s, c in zip(axes, size, strides, crops, strict=True)
    )
    if on_tensorflow():
        y = _on_tensorflow(x, kernel, strides, size, crops, lengths, bias)
        return from_channels_last(y, data_format)
    # "valid" is the padding that means the same on every backend; "same" is not (keras#22876).
    y = ops.conv_transpose(x, kernel, strides, padding="valid", data_format=data_format)
    # Where the kernel is smaller than the stride, its result has zeros behind the end.
    zeros = [max(s - k, 0) for k, s in zip(size, strides, strict=True)]
    y = _cut(y, axes, [(c[0], c[1] + z) for c, z in zip(crops, zeros, strict=True)])
    return y if bias is None else add_bias(y, bias, data_format)


def _on_tensorflow(
    x: Any,
    kernel: Any,
    strides: Strides,
    size: tuple[int, ...],
    crops: list[Pair],
    lengths: tuple[Size, ...],
    bias: Any,
) -> Any:
    """Emit a single operator where SAME or VALID has this geometry, else VALID and a crop.

    The bias directly follows the operator where possible, so that converters fuse the two.
    """
    from . import _tensorflow

    def biased(y: Any) -> Any:
        return y if bias is None else add_bias(y, bias, "channels_last")

    kernel = ops.cast(kernel, keras.backend.standardize_dtype(x.dtype))
    for padding, fits in (("SAME", geometry.is_same), ("VALID", geometry.is_valid)):
        if all(fits(k, s, c) for k, s, c in zip(size, strides, crops, strict=True)):
            return biased(_tensorflow.conv_transpose(x, kernel, strides, lengths, padding))
    # VALID can give up to scale − 1 zeros behind the end, so that most negative crops cost nothing.
    ends = [min(max(-end, 0), s - 1) for (_, end), s in zip(crops, strides, strict=True)]
    axes = tuple(range(1, len(strides) + 1))
    inputs = [length(x, axis) for axis in axes]
    whole = [(n - 1) * s + k + e for n, s, k, e in zip(inputs, strides, size, ends, strict=True)]
    y = _tensorflow.conv_transpose(x, kernel, strides, whole, "VALID")
    rest = [(c[0], c[1] + e) for c, e in zip(crops, ends, strict=True)]
    if any(end < 0 for _, end in rest):  # zeros are added, and they get the bias too
        return biased(_cut(y, axes, rest))
    return _cut(biased(y), axes, rest)


def _cut(y: Any, axes: Sequence[int], crops: list[Pair]) -> Any:
    """Take (begin, end) pixels off each axis; a negative end adds zeros."""
    index = [slice(None)] * len(y.shape)
    pads = [(0, 0)] * len(y.shape)
    for axis, (begin, end) in zip(axes, crops, strict=True):
        index[axis] = slice(begin or None, -end if end > 0 else None)
        pads[axis] = (0, max(-end, 0))
    if any(i != slice(None) for i in index):
        y = y[tuple(index)]
    return ops.pad(y, pads) if any(p != (0, 0) for p in pads) else y
