"""A blur that removes an upsampler's checkerboard."""

from typing import Any

import keras
import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import (
    computing_type,
    from_channels_last,
    image_tensor,
    part,
    to_channels_last,
)


def checkerboard_blur(x: Any, scale: int = 2, *, data_format: str | None = None) -> Any:
    """Average over one period of an upsampler's pattern: `1 3 1 3 -> 2 2 2 2` at scale 2.

    y = b * x on each axis. For odd s, b has s taps of 1/s. For even s it has s + 1 taps, so that
    the image does not shift, and the two at the ends are half as large: `1/4 1/2 1/4` at s = 2. All
    s phases of the pattern get the same weight, so a pattern that repeats every s pixels (such as
    a pixel shuffle's output for a constant) becomes its mean. A pixel outside the image is a copy
    of the one s pixels further in: the pattern continues there, so it vanishes at the border too.

    After nearest upsampling this gives half-pixel bilinear upsampling: `1 1 2 2 -> 1 1.25 1.75 2`.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first"; H, W >= s.
        scale: s, the factor of the upsampling before the blur, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The blurred images, of `x`'s size and dtype. Half precision is computed in float32 and
        rounded once.

    Raises:
        ValueError, TypeError: a bad argument; images smaller than s; an unknown number of
            channels.

    Reference: Sugawara, Shiota and Kiya, Super-resolution using convolutional neural networks
    without any checkerboard artifacts, 2018, section 3 (box); Zhang, Making convolutional networks
    shift-invariant again, 2019 (the triangle `1/4 1/2 1/4`).
    """
    scale = arguments.integer(scale, "scale")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    for axis in arguments.spatial_axes(data_format):
        if x.shape[axis] is not None and x.shape[axis] < scale:
            raise ValueError(
                f"`x` must have at least `scale`={scale} rows and columns. Received shape "
                f"{tuple(x.shape)}. Pass what an upsampling by {scale} made."
            )
    if x.shape[arguments.channel_axis(data_format)] is None:
        raise ValueError(
            f"`x` must have a known number of channels. Received shape {tuple(x.shape)}. "
            "Name it, e.g. keras.Input((None, None, 3))."
        )
    if scale == 1:
        return x
    dtype = keras.backend.standardize_dtype(x.dtype)
    x = to_channels_last(x, data_format)
    x = ops.cast(x, computing_type(x))
    reach = scale // 2
    for axis in (1, 2):
        x = _continue(x, axis, scale, reach)  # (N, H + 2r, W, C), then (N, H + 2r, W + 2r, C)
    kernel = np.repeat(np.multiply.outer(_period(scale), _period(scale))[..., None], x.shape[3], 2)
    kernel = ops.convert_to_tensor(kernel[..., None], dtype=x.dtype)  # (k, k, C, 1)
    y = ops.depthwise_conv(x, kernel, padding="valid", data_format="channels_last")
    return from_channels_last(ops.cast(y, dtype), data_format)


def _period(scale: int) -> np.ndarray:
    """The taps b."""
    taps = np.ones(scale + 1 - scale % 2)
    if scale % 2 == 0:
        taps[[0, -1]] = 0.5
    return taps / scale


def _continue(x: Any, axis: int, scale: int, reach: int) -> Any:
    """Continue the pattern of `x` by `reach` pixels at both ends of an axis."""
    first = part(x, axis, scale - reach, scale)
    last = part(x, axis, -scale, reach - scale)  # counted from the end: only the graph may know it
    return ops.concatenate([first, x, last], axis=axis)
