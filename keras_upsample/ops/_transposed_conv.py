"""Transposed convolution whose crop is stated and is the same on every backend."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from . import _arguments as arguments
from ._backend import (
    Size,
    add_bias,
    from_channels_last,
    image_tensor,
    length,
    on_tensorflow,
    to_channels_last,
)

Pair = tuple[int, int]


def exact_crop(kernel: int, scale: int) -> Pair:
    """Return the crop (begin, end) that leaves exactly scale · n pixels of (n − 1)·scale + kernel.

    An odd pixel is lost at the end, bottom or right, as by TensorFlow's SAME.
    """
    begin = (kernel - scale) // 2
    return begin, kernel - scale - begin


def torch_crop(padding: int, output_padding: int) -> Pair:
    """Return the crop (begin, end) of PyTorch's geometry; a negative end adds zeros."""
    return padding, padding - output_padding


def output_length(n: Size, kernel: int, scale: int, crop: Pair) -> Size:
    """Return the length (n − 1)·scale + kernel − begin − end."""
    result = (n - 1) * scale + kernel - crop[0] - crop[1]
    if isinstance(result, int) and result < 1:
        raise ValueError(
            f"A transposed convolution with kernel {kernel}, scale {scale} and crop {crop} leaves "
            f"no pixel of a length of {n}. Use a larger image or a smaller `padding`."
        )
    return result


def transposed_conv2d(
    x: Any,
    kernel: Any,
    *,
    scale: int | Pair,
    crop: Sequence[Pair] | None = None,
    bias: Any = None,
    data_format: str | None = None,
) -> Any:
    """Spread every pixel over a kernel: `1 2` with kernel `1 1`, scale 2 -> `1 1 2 2`.

    y[o] = Σ_i x[i] K[o + begin − scale·i], of length (n − 1)·scale + k − begin − end.

    Args:
        x: images of floats, (N, H, W, Cin), or (N, Cin, H, W) for "channels_first".
        kernel: (kh, kw, Cout, Cin), Keras' order.
        scale: stride, or (rows, columns), >= 1.
        crop: ((begin, end), (begin, end)) pixels taken off the full result's rows and columns;
            `begin` >= 0, a negative `end` adds zeros. None leaves exactly scale · n pixels, the odd
            one being lost at the end.
        bias: (Cout,), added to every pixel of the output, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, H', W', Cout), or (N, Cout, H', W'), of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument; a crop that leaves no pixel.

    Reference: Dumoulin and Visin, A guide to convolution arithmetic, 2016, section 4.
    """
    strides = arguments.pair(scale, "scale")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    kernel = ops.convert_to_tensor(kernel)
    if len(kernel.shape) != 4:
        raise ValueError(
            "`kernel` must have shape (rows, columns, channels out, channels in). "
            f"Received shape {tuple(kernel.shape)}. Transpose or reshape it."
        )
    size = (int(kernel.shape[0]), int(kernel.shape[1]))
    crops = _crops(crop, size, strides)
    x = to_channels_last(x, data_format) if on_tensorflow() else x
    axes = (1, 2) if on_tensorflow() else arguments.spatial_axes(data_format)
    lengths = [
        output_length(length(x, axis), k, s, c)
        for axis, k, s, c in zip(axes, size, strides, crops, strict=True)
    ]
    if on_tensorflow():
        y = _on_tensorflow(x, kernel, strides, size, crops, (lengths[0], lengths[1]), bias)
        return from_channels_last(y, data_format)
    # "valid" is the padding that means the same on every backend; "same" is not (keras#22876).
    y = ops.conv_transpose(x, kernel, strides, padding="valid", data_format=data_format)
    # Where the kernel is smaller than the stride, its result has zeros behind the end.
    zeros = [max(s - k, 0) for k, s in zip(size, strides, strict=True)]
    y = _cut(y, axes, [(c[0], c[1] + z) for c, z in zip(crops, zeros, strict=True)])
    return y if bias is None else add_bias(y, bias, data_format)


def _crops(crop: Sequence[Pair] | None, size: Pair, strides: Pair) -> list[Pair]:
    if crop is None:
        return [exact_crop(k, s) for k, s in zip(size, strides, strict=True)]
    try:
        (top, bottom), (left, right) = crop
    except (TypeError, ValueError):
        raise ValueError(
            "`crop` must be ((top, bottom), (left, right)) in pixels. "
            f"Received: {crop!r}. Pass two pairs of ints."
        ) from None
    if top < 0 or left < 0:
        raise ValueError(
            f"`crop` must begin at 0 or later. Received: {crop!r}. Only the ends may be negative."
        )
    return [(top, bottom), (left, right)]


def _on_tensorflow(
    x: Any,
    kernel: Any,
    strides: Pair,
    size: Pair,
    crops: list[Pair],
    lengths: tuple[Size, Size],
    bias: Any,
) -> Any:
    """Emit a single operator where SAME or VALID has this geometry, else VALID and a crop.

    The bias stands right behind the operator where it can, so that converters fuse the two.
    """
    from . import _tensorflow

    def biased(y: Any) -> Any:
        return y if bias is None else add_bias(y, bias, "channels_last")

    kernel = ops.cast(kernel, keras.backend.standardize_dtype(x.dtype))
    for padding, fits in (("SAME", _is_same), ("VALID", _is_valid)):
        if all(fits(k, s, c) for k, s, c in zip(size, strides, crops, strict=True)):
            return biased(_tensorflow.conv2d_transpose(x, kernel, strides, lengths, padding))
    # VALID can give up to scale − 1 zeros behind the end, so that most negative crops cost nothing.
    ends = [min(max(-end, 0), s - 1) for (_, end), s in zip(crops, strides, strict=True)]
    inputs = (length(x, 1), length(x, 2))
    whole = [(n - 1) * s + k + e for n, s, k, e in zip(inputs, strides, size, ends, strict=True)]
    y = _tensorflow.conv2d_transpose(x, kernel, strides, (whole[0], whole[1]), "VALID")
    rest = [(c[0], c[1] + e) for c, e in zip(crops, ends, strict=True)]
    if any(end < 0 for _, end in rest):  # zeros are added, and they get the bias too
        return biased(_cut(y, (1, 2), rest))
    return _cut(biased(y), (1, 2), rest)


def _is_same(kernel: int, stride: int, crop: Pair) -> bool:
    """Say whether TensorFlow's SAME has this crop: the total halved, the odd pixel at the end."""
    total = crop[0] + crop[1]
    return 0 < kernel - total <= stride and crop[0] == max(total, 0) // 2


def _is_valid(kernel: int, stride: int, crop: Pair) -> bool:
    """Say whether TensorFlow's VALID has this crop: none, or less than a stride of zeros behind."""
    return crop[0] == 0 and -stride < crop[1] <= 0


def _cut(y: Any, axes: tuple[int, int], crops: list[Pair]) -> Any:
    """Take (begin, end) pixels off both axes; a negative end adds zeros."""
    index = [slice(None)] * 4
    pads = [(0, 0)] * 4
    for axis, (begin, end) in zip(axes, crops, strict=True):
        index[axis] = slice(begin or None, -end if end > 0 else None)
        pads[axis] = (0, max(-end, 0))
    if any(i != slice(None) for i in index):
        y = y[tuple(index)]
    return ops.pad(y, pads) if any(p != (0, 0) for p in pads) else y
