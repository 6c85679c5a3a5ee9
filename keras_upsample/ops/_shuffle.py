"""Pixel shuffle and its inverse, in both channel orders."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import (
    from_channels_last,
    image_tensor,
    on_tensorflow,
    reshape,
    sizes,
    to_channels_last,
)
from ._lacking import SHUFFLE, lacks


def pixel_shuffle(x: Any, scale: int, order: str = "dcr", *, data_format: str | None = None) -> Any:
    """Move blocks of channels into space: channels `1 2 3 4` of one pixel -> `1 2 / 3 4`.

    y[s·i + a, s·j + b, c] = x[i, j, (a·s + b)·C + c] for order "dcr" (TensorFlow, ONNX DCR),
    x[i, j, c·s² + a·s + b] for order "crd" (PyTorch, ONNX CRD).

    Args:
        x: (N, H, W, s²·C), or (N, s²·C, H, W) for "channels_first".
        scale: factor s, the same for rows and columns, >= 1.
        order: "dcr" or "crd".
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·H, s·W, C), or (N, C, s·H, s·W).

    Raises:
        ValueError, TypeError: a bad argument; channels that s² does not divide.

    Reference: Shi et al., Real-time single image and video super-resolution, 2016, section 3.2.
    """
    scale = arguments.integer(scale, "scale")
    arguments.one_of(order, "order", arguments.ORDERS)
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x)
    shuffled_channels(x.shape[arguments.channel_axis(data_format)], scale)
    if scale == 1:
        return x
    x = to_channels_last(x, data_format)
    if lacks(SHUFFLE) and order == "dcr":
        return from_channels_last(interleave([x], (scale, scale)), data_format)
    if lacks(SHUFFLE):
        kernel = _one_hot(x.shape[3], scale, order, x.dtype)
        y = ops.conv_transpose(x, kernel, scale, "valid", data_format="channels_last")
        return from_channels_last(y, data_format)
    if on_tensorflow():
        from . import _tensorflow

        if order == "crd":
            x = swap_channels(x, first=x.shape[3] // scale**2)  # (N, H, W, s²·C), now "dcr"
        return from_channels_last(_tensorflow.depth_to_space(x, scale), data_format)
    n, h, w, channels = sizes(x)
    c = channels // scale**2
    if order == "dcr":
        x = ops.reshape(x, (n, h, w, scale, scale, c))  # (N, H, W, a, b, C)
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (N, H, a, W, b, C)
    else:
        x = ops.reshape(x, (n, h, w, c, scale, scale))  # (N, H, W, C, a, b)
        x = ops.transpose(x, (0, 1, 4, 2, 5, 3))  # (N, H, a, W, b, C)
    x = ops.reshape(x, (n, h * scale, w * scale, c))  # (N, s·H, s·W, C)
    return from_channels_last(x, data_format)


def interleave(maps: Sequence[Any], scale: tuple[int, int]) -> Any:
    """Put maps side by side: one for each of s rows of a block, with its t columns in the channels.

    y[s·i + a, t·j + b, c] = maps[a][i, j, b·C + c]. Every row of maps[a] is already t·W pixels of
    C channels in memory, so only the rows are moved, by a concatenation.

    Args:
        maps: s tensors (N, H, W, t·C), channels last; or one (N, H, W, s·t·C), cut into them.
        scale: s and t.

    Returns:
        (N, s·H, t·W, C).
    """
    rows, columns = scale
    if len(maps) < rows:
        width = maps[0].shape[3] // rows
        maps = [maps[0][..., a * width : (a + 1) * width] for a in range(rows)]
    n, h, w, channels = sizes(maps[0])
    wide = [reshape(x, (n, h, w * columns, channels // columns)) for x in maps]
    y = wide[0] if rows == 1 else ops.concatenate(wide, axis=2)  # (N, H, s·t·W, C)
    return reshape(y, (n, h * rows, w * columns, channels // columns))


def _one_hot(channels: int, scale: int, order: str, dtype: Any) -> Any:
    """Zeros and ones (s, s, C, s²·C): 1 where channel s²·C of a pixel is C of the block's (s, s).

    A transposed convolution of stride s with it is the shuffle, a convolution its inverse.
    """
    filters = channels // scale**2
    kernel: Any = np.eye(channels)
    if order == "dcr":
        kernel = kernel.reshape(scale, scale, filters, channels)
    else:
        kernel = kernel.reshape(filters, scale, scale, channels).transpose(1, 2, 0, 3)
    return ops.convert_to_tensor(kernel, dtype=dtype)


def pixel_unshuffle(
    x: Any, scale: int, order: str = "dcr", *, data_format: str | None = None
) -> Any:
    """Undo `pixel_shuffle`: `1 2 / 3 4` -> one pixel with channels `1 2 3 4`.

    Args:
        x: (N, s·H, s·W, C), or (N, C, s·H, s·W) for "channels_first".
        scale: factor s, >= 1.
        order: "dcr" or "crd": the order of the s² positions of a block in the channels.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, H, W, s²·C), or (N, s²·C, H, W).

    Raises:
        ValueError, TypeError: a bad argument; a height or width that s does not divide.
    """
    scale = arguments.integer(scale, "scale")
    arguments.one_of(order, "order", arguments.ORDERS)
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x)
    for axis in arguments.spatial_axes(data_format):
        unshuffled_length(x.shape[axis], scale)
    if scale == 1:
        return x
    x = to_channels_last(x, data_format)
    if lacks(SHUFFLE):
        kernel = _one_hot(x.shape[3] * scale**2, scale, order, x.dtype)
        y = ops.conv(x, kernel, scale, "valid", data_format="channels_last")
        return from_channels_last(y, data_format)
    if on_tensorflow():
        from . import _tensorflow

        x = _tensorflow.space_to_depth(x, scale)  # (N, H, W, s²·C), "dcr"
        if order == "crd":
            x = swap_channels(x, first=scale**2)
        return from_channels_last(x, data_format)
    n, rows, columns, c = sizes(x)
    h, w = rows // scale, columns // scale
    x = ops.reshape(x, (n, h, scale, w, scale, c))  # (N, H, a, W, b, C)
    axes = (0, 1, 3, 2, 4, 5) if order == "dcr" else (0, 1, 3, 5, 2, 4)
    x = ops.transpose(x, axes)  # (N, H, W, a, b, C) or (N, H, W, C, a, b)
    x = ops.reshape(x, (n, h, w, scale**2 * c))  # (N, H, W, s²·C)
    return from_channels_last(x, data_format)


def swap_channels(x: Any, first: int) -> Any:
    """Turn channels laid out as (first, second) into (second, first), at rank 3.

    The rank never exceeds 4, because mobile GPU delegates accept no more.
    """
    shape = tuple(x.shape) if tuple(x.shape).count(None) < 2 else sizes(x)
    n, h, w, channels = shape
    x = ops.reshape(x, (-1, first, channels // first))  # (N·H·W, first, second)
    x = ops.transpose(x, (0, 2, 1))  # (N·H·W, second, first)
    return reshape(x, (n, h, w, channels))  # (N, H, W, second·first)


def shuffled_channels(channels: int | None, scale: int) -> int | None:
    """Return the channels after a shuffle, or raise if they do not divide."""
    if channels is None:
        return None
    if channels % scale**2:
        below = channels // scale**2 * scale**2
        raise ValueError(
            f"`scale`={scale} needs a number of channels that {scale**2} divides. Received: "
            f"{channels} channels. Use {below + scale**2} channels{f' or {below}' * (below > 0)}."
        )
    return channels // scale**2


def unshuffled_length(length: int | None, scale: int) -> int | None:
    """Return a height or width after an unshuffle, or raise if it does not divide."""
    if length is None:
        return None
    if length % scale:
        raise ValueError(
            f"`scale`={scale} needs a height and width that it divides. Received: {length} pixels. "
            f"Pad to {-(-length // scale) * scale} first, e.g. by PadToMultiple2D({scale})."
        )
    return length // scale
