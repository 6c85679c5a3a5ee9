"""Max pooling that also returns the position of each maximum, and unpooling to these positions."""

from typing import Any

import keras
import numpy as np
from keras import ops

from . import _arguments as arguments
from ._align import pad_to
from ._backend import (
    Size,
    from_channels_last,
    image_tensor,
    length,
    part,
    reshape,
    sizes,
    to_channels_last,
)
from ._lacking import COMPARISONS, SELECTIONS, lacks
from ._places import SHARPNESS, first_of_largest, put_at
from ._shuffle import pixel_shuffle, pixel_unshuffle


def max_pool_with_indices(
    x: Any, pool_size: int = 2, *, data_format: str | None = None
) -> tuple[Any, Any]:
    """Return the maximum of each window and its position in it: `1 3 / 2 0 -> 3` and `1`.

    y[i, j, c] = max over a, b in 0..s−1 of x[s·i + a, s·j + b, c], indices[i, j, c] = a·s + b of
    the first such pixel in the order of the rows, as in PyTorch. Rows and columns after the last
    whole window are dropped, as in PyTorch: 5 -> 2 at s = 2.

    PyTorch's indices are positions in the whole plane, (s·i + a)·W + s·j + b; `flat_indices`
    converts to them. A position in the window does not depend on where the window lies, so it stays
    valid after cropping and tiling, and fits into 8 bits.

    Args:
        x: finite floats, (N, H, W, C), or (N, C, H, W) for "channels_first"; H, W >= s.
        pool_size: size and stride s of the windows, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        y, (N, H // s, W // s, C) or (N, C, H // s, W // s), of `x`'s dtype, and indices of the same
        shape, int32.

    Raises:
        ValueError, TypeError: a bad argument; images smaller than a window.

    Reference: Badrinarayanan, Kendall and Cipolla, SegNet, 2017, section 3; PyTorch's `MaxPool2d`
    with return_indices=True.
    """
    s = arguments.integer(pool_size, "pool_size")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    for axis in arguments.spatial_axes(data_format):
        pooled_length(x.shape[axis], s)
    x = to_channels_last(x, data_format)
    y, indices = pool(x, s)
    return from_channels_last(y, data_format), from_channels_last(indices, data_format)


def pool(x: Any, s: int, sharpness: float = SHARPNESS) -> tuple[Any, Any]:
    """`max_pool_with_indices` of (N, H, W, C), without its checks.

    Args:
        x: (N, H, W, C).
        s: the windows' size.
        sharpness: where there are no comparisons, see `first_of_largest`; indices are then floats.
    """
    for axis in (1, 2):
        x = _whole_windows(x, axis, s)  # (N, s·h, s·w, C)
    channels = x.shape[3]
    windows = pixel_unshuffle(x, s, "dcr", data_format="channels_last")  # (N, h, w, s²·C)
    if lacks(COMPARISONS):
        maps = [part(windows, 3, k * channels, (k + 1) * channels) for k in range(s * s)]
        return first_of_largest(maps, sharpness)
    y = ops.max_pool(x, s, s, "valid", data_format="channels_last")  # (N, h, w, C)
    windows = ops.reshape(windows, (-1, s * s, channels))  # (N·h·w, s², C)
    found = ops.equal(windows, ops.reshape(y, (-1, 1, channels)))
    if lacks(SELECTIONS):
        ranks = ops.cast(found, x.dtype) * _ranks(s, x.dtype)
        first = ops.cast(s * s - 1 - ops.max(ranks, axis=1), "int32")
    else:
        positions = ops.where(found, _positions(s), np.int32(s * s - 1))
        first = ops.min(positions, axis=1)  # (N·h·w, C)
    return y, reshape(first, sizes(y))  # (N, h, w, C)


def max_unpool(
    x: Any,
    indices: Any,
    pool_size: int = 2,
    *,
    size: int | tuple[int, int] | None = None,
    data_format: str | None = None,
) -> Any:
    """Put each value at the position of its maximum, zeros elsewhere: `3`, `1` -> `0 3 / 0 0`.

    y[s·i + a, s·j + b, c] = x[i, j, c] where indices[i, j, c] = a·s + b, else 0.

    Args:
        x: floats, (N, h, w, C), or (N, C, h, w) for "channels_first".
        indices: whole numbers of the same shape, as `max_pool_with_indices` returns them. A
            value whose position is outside 0..s²−1 is dropped.
        pool_size: s, >= 1.
        size: rows and columns of the result, s·h <= rows < s·h + s; zeros are added at the end.
            Needed if s does not divide the size that was pooled. None: s·h and s·w.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·h, s·w, C), (N, *size, C) or the same with channels second, of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument; shapes that differ; an impossible size.

    Reference: Badrinarayanan, Kendall and Cipolla, SegNet, 2017, section 3; PyTorch's
    `MaxUnpool2d`.
    """
    s = arguments.integer(pool_size, "pool_size")
    target = None if size is None else arguments.pair(size, "size")
    data_format = arguments.data_format_of(data_format)
    x, indices = image_tensor(x, floating=True), image_tensor(indices, name="indices")
    check_indices(tuple(x.shape), tuple(indices.shape))
    dtype = keras.backend.standardize_dtype(indices.dtype)
    if not dtype.startswith(("int", "uint")):
        raise TypeError(
            f"`indices` must hold whole numbers. Received: {dtype}. Pass the second output of "
            "max_pool_with_indices, or cast to int32."
        )
    if target is not None:
        axes = arguments.spatial_axes(data_format)
        for want, have in zip(target, (x.shape[axis] for axis in axes), strict=True):
            check_unpooled_length(want, have, s, "size")
    y = unpool(x, indices, s, data_format)
    return y if target is None else pad_to(y, target, data_format)


def unpool(x: Any, indices: Any, s: int, data_format: str) -> Any:
    """`max_unpool` to s·h and s·w, without its checks."""
    x, indices = (to_channels_last(value, data_format) for value in (x, indices))
    n, h, w, channels = sizes(x)
    if lacks(COMPARISONS):
        windows = ops.concatenate(put_at(x, ops.cast(indices, x.dtype), s * s), axis=3)
    else:
        here = ops.reshape(ops.cast(indices, "int32"), (-1, 1, channels))  # (N·h·w, 1, C)
        values = ops.reshape(x, (-1, 1, channels))
        if lacks(SELECTIONS):
            numbers = ops.convert_to_tensor(_positions(s), dtype=x.dtype)
            windows = values * ops.cast(ops.equal(ops.cast(here, x.dtype), numbers), x.dtype)
        else:
            here = ops.equal(here, _positions(s))  # (N·h·w, s², C)
            windows = ops.where(here, values, ops.zeros((), x.dtype))
        windows = reshape(windows, (n, h, w, s * s * channels))  # (N, h, w, s²·C)
    y = pixel_shuffle(windows, s, "dcr", data_format="channels_last")  # (N, s·h, s·w, C)
    return from_channels_last(y, data_format)


def _positions(s: int) -> np.ndarray:
    return np.arange(s * s, dtype="int32").reshape(1, -1, 1)  # (1, s², 1)


def _ranks(s: int, dtype: Any) -> Any:
    """Of the positions, so that the first has the largest: (1, s², 1)."""
    return ops.convert_to_tensor(s * s - 1 - _positions(s), dtype=dtype)


def _whole_windows(x: Any, axis: int, s: int) -> Any:
    have: Size = length(x, axis)
    if isinstance(have, int) and have % s == 0:
        return x
    return part(x, axis, 0, have // s * s)


def pooled_length(n: int | None, s: int) -> int | None:
    """Return a height or width after pooling, or raise if there is no whole window."""
    if n is None:
        return None
    if n < s:
        raise ValueError(
            f"`pool_size`={s} needs at least {s} rows and columns. Received: {n} pixels. Pad the "
            f"image first, e.g. by PadToMultiple2D({s})."
        )
    return n // s


def check_indices(shape: tuple[int | None, ...], indices: tuple[int | None, ...]) -> None:
    """Raise where the two are known to have different shapes."""
    differ = any(
        a is not None and b is not None and a != b for a, b in zip(shape, indices, strict=True)
    )
    if differ:
        raise ValueError(
            f"`indices` must have the shape of the values, {shape}. Received: {indices}. Bring the "
            "values to the indices' channels first, e.g. by a 1x1 convolution."
        )


def check_unpooled_length(want: int | None, have: int | None, s: int, name: str) -> None:
    """Raise unless pooling `want` pixels gives `have`."""
    if want is not None and have is not None and want // s != have:
        raise ValueError(
            f"`{name}` must be a size that pooling by {s} makes {have}. Received: {want}. Use "
            f"{s * have} to {s * have + s - 1}."
        )
