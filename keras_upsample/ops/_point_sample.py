"""Bilinear sampling at points that are given as offsets from the grid of half-pixel upsampling."""

from typing import Any

import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import (
    Size,
    computing_type,
    from_channels_last,
    image_tensor,
    on_tensorflow,
    part,
    reshape,
    sizes,
    to_channels_last,
)
from ._lacking import GATHERS, lacks
from ._point_windows import WINDOW, Window, sample_windows
from ._shuffle import pixel_shuffle


def point_sample(
    x: Any, offsets: Any, scale: int = 2, *, groups: int = 1, data_format: str | None = None
) -> Any:
    """Upsample by bilinear sampling of the input at points that are given as offsets.

    y[s·i + a, s·j + b] = x(i + (a − (s − 1)/2)/s + dr, j + (b − (s − 1)/2)/s + dc). Values between
    pixels are interpolated linearly on each axis, indices clamped to the image. Offsets of zero
    give half-pixel bilinear upsampling, `1 2 -> 1 1.25 1.75 2`; dc = 1/4 gives `1 1.5 2 2`.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first".
        offsets: floats, (N, H, W, 2·s²·g), or (N, 2·s²·g, H, W), in pixels of the input: channel
            (a·s + b)·g + q is dr of the q-th group for the output pixel (a, b) of the block, and
            dc is s²·g channels later.
        scale: factor s, the same for rows and columns, >= 1.
        groups: number g of groups of C/g neighbouring channels; the channels of a group share their
            points.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·H, s·W, C), or (N, C, s·H, s·W), of `x`'s dtype. Points are computed in float32 (in
        float64 for float64) and relative to their pixel, so that they stay exact in half precision
        and in large images.

    Raises:
        ValueError, TypeError: a bad argument; numbers of channels that do not fit.

    Reference: Liu et al., Learning to upsample by learning to sample, 2023, section 3.1; PyTorch's
    `grid_sample` with padding_mode="border", align_corners=False.
    """
    scale = arguments.integer(scale, "scale")
    groups = arguments.integer(groups, "groups")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    offsets = image_tensor(offsets, floating=True, name="offsets")
    axis = arguments.channel_axis(data_format)
    check_groups(x.shape[axis], groups)
    if offsets.shape[axis] != 2 * scale**2 * groups:
        raise ValueError(
            f"`offsets` must have 2 · scale² · groups = {2 * scale**2 * groups} channels. "
            f"Received: {offsets.shape[axis]}."
        )
    x, offsets = (to_channels_last(value, data_format) for value in (x, offsets))
    half = scale**2 * groups
    rows, columns = part(offsets, 3, 0, half), part(offsets, 3, half, None)
    y = sample(x, rows, columns, scale, groups)
    return from_channels_last(y, data_format)


def check_groups(channels: int | None, groups: int) -> None:
    """Raise unless `groups` divides the channels."""
    if channels is not None and channels % groups:
        fitting = [n for n in range(1, min(channels, 16) + 1) if channels % n == 0]
        raise ValueError(
            f"`groups` must divide the number of channels. Received: groups={groups} for "
            f"{channels} channels. Use one of {', '.join(map(str, fitting))}."
        )


def sample(
    x: Any, rows: Any, columns: Any, scale: int, groups: int, window: Window = WINDOW
) -> Any:
    """`point_sample` of (N, H, W, C), with the offsets on each axis, (N, H, W, s²·g).

    No runtime but ONNX's has an operator for this, so it is made of gathers from a list of pixels;
    where there are none, of products with the pixels of a window.
    """
    if lacks(GATHERS):
        rows, columns = (
            move_points(v, axis, scale, groups) for v, axis in ((rows, 1), (columns, 2))
        )
        rows, columns = (ops.cast(value, x.dtype) for value in (rows, columns))
        return sample_windows(x, rows, columns, scale, groups, window)
    n, h, w, c = sizes(x)
    top, bottom, down = _neighbours(rows, h, 1, scale, groups)
    left, right, across = _neighbours(columns, w, 2, scale, groups)
    pixels = ops.reshape(x, (-1, c // groups))  # (N·H·W·g, C/g)
    # Constants have the images' rank: LiteRT's GPU accelerator has no right sum of integers else.
    if groups > 1:
        group = np.tile(np.arange(groups), scale**2).reshape(1, 1, 1, -1)
        group = ops.convert_to_tensor(group, dtype="int32")
        left, right = left * groups + group, right * groups + group
    if not (isinstance(n, int) and n == 1):
        first = ops.reshape(ops.arange(n, dtype="int32") * h, (-1, 1, 1, 1))
        top, bottom = top + first, bottom + first

    def read(row: Any, column: Any) -> Any:
        index = row * (w * groups) + column  # (N, H, W, s²·g)
        return _gather(pixels, ops.reshape(index, (-1,)))  # (N·H·W·s²·g, C/g)

    def between(a: Any, b: Any, t: Any) -> Any:
        return a + ops.reshape(ops.cast(t, x.dtype), (-1, 1)) * (b - a)

    y = between(
        between(read(top, left), read(top, right), across),
        between(read(bottom, left), read(bottom, right), across),
        down,
    )
    y = reshape(y, (n, h, w, scale**2 * c))  # (N, H, W, s²·C)
    return pixel_shuffle(y, scale, "dcr", data_format="channels_last")


def _neighbours(
    offsets: Any, length: Size, axis: int, scale: int, groups: int
) -> tuple[Any, Any, Any]:
    """Return the indices of the two pixels around each point, clamped, and the way between them."""
    points = move_points(offsets, axis, scale, groups)
    floor = ops.floor(points)
    shape = [1, 1, 1, 1]
    shape[axis] = -1
    pixel = ops.cast(floor, "int32") + ops.reshape(ops.arange(length, dtype="int32"), shape)
    # Clamping both is clamping the point: beyond the border they are the same pixel.
    return _clamp(pixel, length - 1), _clamp(pixel + 1, length - 1), points - floor


def move_points(offsets: Any, axis: int, scale: int, groups: int) -> Any:
    """Offsets from the grid of half-pixel upsampling -> offsets from the pixel."""
    kind = computing_type(offsets)
    steps = (np.arange(scale) - (scale - 1) / 2) / scale
    by_phase = np.repeat(steps, scale) if axis == 1 else np.tile(steps, scale)  # (s²,)
    # A tensor, because PyTorch can't add an array to one that has a gradient.
    starts = ops.convert_to_tensor(np.repeat(by_phase, groups), dtype=kind)
    return ops.cast(offsets, kind) + starts


def _clamp(index: Any, last: Size) -> Any:
    return ops.minimum(ops.maximum(index, 0), last)


def _gather(pixels: Any, indices: Any) -> Any:
    if on_tensorflow():
        # keras.ops.take adds a Less and a Select for negative indices, which there are none of.
        from ._tensorflow import gather

        return gather(pixels, indices, 0)
    return ops.take(pixels, indices, axis=0)
