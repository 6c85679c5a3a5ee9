"""Transposed convolutions that no backend has an operator for, by operators that all have."""

from typing import Any

from keras import ops

from ._backend import part
from ._shuffle import interleave, pixel_shuffle, swap_channels
from ._transposed_geometry import Pair


def dilate(kernel: Any, axis: int, rate: int) -> Any:
    """Put rate − 1 zeros between the taps on one axis: `1 2` -> `1 0 2` at 2."""
    taps = int(kernel.shape[axis])
    if rate == 1 or taps == 1:
        return kernel
    shape = [int(n) for n in kernel.shape]
    kernel = ops.expand_dims(kernel, axis + 1)
    pads = [(0, 0)] * len(kernel.shape)
    pads[axis + 1] = (0, rate - 1)
    kernel = ops.pad(kernel, pads)  # each tap and the zeros behind it
    shape[axis] = taps * rate
    return part(ops.reshape(kernel, shape), axis, 0, (taps - 1) * rate + 1)


def depthwise(x: Any, kernel: Any, strides: tuple[int, ...], crops: list[Pair]) -> Any:
    """Every channel spread over kernels of its own: a depthwise convolution and a shuffle.

    Output s·q + p of the full result is Σ_m x[q − m] K[s·m + p]: each of the s phases p is a
    convolution at the resolution of `x`, and the shuffle puts the phases side by side.

    Args:
        x: (N, H, W, C).
        kernel: (kh, kw, m, C), m results a channel.
        strides, crops: (rows, columns); `crops` as of `transposed_conv2d`.

    Returns:
        (N, H', W', C·m), the m results of a channel next to each other.
    """
    channels, multiplier = int(kernel.shape[3]), int(kernel.shape[2])
    pads, cuts = [(0, 0)], []
    for axis, (stride, crop) in enumerate(zip(strides, crops, strict=True)):
        kernel, around, cut = _phases(kernel, axis, stride, crop)
        pads.append(around)
        cuts.append(cut)
    (rows, columns), (s, t) = (int(n) for n in kernel.shape[:2]), strides
    kernel = ops.reshape(kernel, (rows // s, s, columns // t, t, multiplier, channels))
    kernel = ops.flip(kernel, (0, 2))
    kernel = ops.transpose(kernel, (0, 2, 5, 4, 1, 3))  # (kh/s, kw/t, C, m, s, t)
    kernel = ops.reshape(kernel, (rows // s, columns // t, channels, multiplier * s * t))
    x = _frame(x, [*pads, (0, 0)])
    y = ops.depthwise_conv(
        x, ops.cast(kernel, x.dtype), padding="valid", data_format="channels_last"
    )  # (N, H'/s, W'/t, C·m·s·t)
    if s == t:
        y = pixel_shuffle(y, s, "crd", data_format="channels_last")
    else:
        y = swap_channels(y, first=channels * multiplier)  # (N, H'/s, W'/t, s·t·C·m)
        y = interleave([y], (s, t))  # (N, H', W', C·m)
    for axis, cut in enumerate(cuts, 1):
        if cut > 0:
            y = part(y, axis, 0, -cut)
    return y


def _phases(kernel: Any, axis: int, stride: int, crop: Pair) -> tuple[Any, Pair, int]:
    """Lay one axis out for `depthwise`.

    Returns:
        the kernel with zeros around, so that a whole number of blocks of `stride` taps is taken off
        the begin and the last block is whole; what is added to x at both ends (negative: taken
        off); what is then too much at the end of the result.
    """
    taps = int(kernel.shape[axis])
    shift = -crop[0] % stride
    blocks = -(-(taps + shift) // stride)
    first = (crop[0] + shift) // stride  # whole blocks taken off the begin
    left = taps - crop[0] - crop[1]  # the result has (n − 1)·stride + left
    more = -(-left // stride)
    pads = [(0, 0)] * len(kernel.shape)
    pads[axis] = (shift, blocks * stride - shift - taps)
    return ops.pad(kernel, pads), (blocks - 1 - first, first + more - 1), more * stride - left


def _frame(x: Any, pads: list[Pair]) -> Any:
    """Add zeros at both ends of each axis, or take off where negative."""
    for axis, (begin, end) in enumerate(pads):
        if min(begin, end) < 0:
            x = part(x, axis, max(-begin, 0), min(end, 0) or None)
    added = [(max(begin, 0), max(end, 0)) for begin, end in pads]
    return ops.pad(x, added) if any(added_pair != (0, 0) for added_pair in added) else x
