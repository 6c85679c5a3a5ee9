"""Positions in a pooling window, and PyTorch's positions in the plane."""

from typing import Any

from keras import ops

from . import _arguments as arguments
from ._backend import image_tensor, length


def flat_indices(
    indices: Any, pool_size: int, width: int, *, data_format: str | None = None
) -> Any:
    """Turn positions in the window into PyTorch's: `1` at i = 0, j = 1 -> `3` at s = 2.

    (s·i + a)·W + s·j + b for indices[i, j] = a·s + b.

    Args:
        indices: whole numbers, (N, h, w, C), or (N, C, h, w) for "channels_first".
        pool_size: s, >= 1.
        width: width W of the image that was pooled, in pixels.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        PyTorch's positions, of the same shape, int64 (int32 on JAX). PyTorch's layout is
        "channels_first".

    Raises:
        ValueError, TypeError: a bad argument.

    Reference: PyTorch's `MaxPool2d` with return_indices=True.
    """
    s = arguments.integer(pool_size, "pool_size")
    width = arguments.integer(width, "width")
    indices, (i, j) = _with_places(indices, "indices", data_format)
    a, b = indices // s, indices % s
    return (s * i + a) * width + s * j + b


def window_indices(flat: Any, pool_size: int, width: int, *, data_format: str | None = None) -> Any:
    """Undo `flat_indices`: `3` -> `1` at s = 2.

    Args:
        flat: PyTorch's indices, (N, h, w, C), or (N, C, h, w) for "channels_first".
        pool_size, width, data_format: as for `flat_indices`.

    Returns:
        Positions in the window, of the same shape, int32, for `max_unpool`. The windows must not
        overlap.

    Raises:
        ValueError, TypeError: a bad argument.
    """
    s = arguments.integer(pool_size, "pool_size")
    width = arguments.integer(width, "width")
    flat, _ = _with_places(flat, "flat", data_format)
    row, column = flat // width, flat % width
    return ops.cast(row % s * s + column % s, "int32")


def _with_places(values: Any, name: str, data_format: str | None) -> tuple[Any, tuple[Any, Any]]:
    """Return the values as int64, and i and j in shapes that go with them."""
    values = ops.cast(image_tensor(values, name=name), "int64")
    places = []
    for axis in arguments.spatial_axes(arguments.data_format_of(data_format)):
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        places.append(ops.reshape(ops.arange(length(values, axis), dtype="int64"), shape))
    return values, (places[0], places[1])
