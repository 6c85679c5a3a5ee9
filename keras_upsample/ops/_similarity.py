"""Similarity: inner products of each output pixel with the input pixels in its window."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import from_channels_last, image_tensor, reshape, sizes, to_channels_last
from ._joint_bilateral import check_guide
from ._lacking import PRODUCTS, lacks
from ._reassemble import moved_images, window_rows, zeros_around
from ._shuffle import pixel_unshuffle


def window_similarity(
    queries: Any, keys: Any, scale: int = 2, size: int = 5, *, data_format: str | None = None
) -> Any:
    """Compare each pixel of a large map with the pixels of a window of a small map.

    z[i, j, (a·s + b)·k² + m·k + n] =
        sum over c of queries[s·i + a, s·j + b, c] · keys[i + m − k//2, j + n − k//2, c],
    keys being zero outside. A softmax over the k² products of an output pixel makes a kernel for
    `reassemble`, whose channels have the same order. On an axis with k = 3, the queries `1 2` and
    the key `5` give `0 5 0` and `0 10 0`.

    Args:
        queries: floats, (N, s·H, s·W, C), or (N, C, s·H, s·W) for "channels_first".
        keys: floats, (N, H, W, C), or (N, C, H, W).
        scale: factor s, the same for rows and columns, >= 1.
        size: size k of the windows, odd.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, H, W, s²·k²), or (N, s²·k², H, W), of the dtype of `queries`.

    Raises:
        ValueError, TypeError: a bad argument; queries that are not s times as large; different
            numbers of channels.

    Reference: Lu et al., SAPA: Similarity-Aware Point Affiliation for Feature Upsampling, NeurIPS
    2022, section 3, https://arxiv.org/abs/2209.12866
    """
    scale = arguments.integer(scale, "scale")
    size = arguments.odd(size, "size")
    data_format = arguments.data_format_of(data_format)
    queries = image_tensor(queries, floating=True, name="queries")
    keys = ops.cast(image_tensor(keys, floating=True, name="keys"), queries.dtype)
    check_guide(tuple(keys.shape), tuple(queries.shape), scale, data_format, "queries", "`keys`")
    axis = arguments.channel_axis(data_format)
    if queries.shape[axis] != keys.shape[axis]:
        raise ValueError(
            "`queries` and `keys` must have the same number of channels. Received: "
            f"{queries.shape[axis]} and {keys.shape[axis]}. Project one of them first."
        )
    queries, keys = (to_channels_last(value, data_format) for value in (queries, keys))
    blocks = pixel_unshuffle(queries, scale, data_format="channels_last")  # (N, H, W, s²·C)
    n, h, w, _ = sizes(keys)
    products = reshape(window_products(blocks, keys, size), (n, h, w, scale**2 * size**2))
    return from_channels_last(products, data_format)


def window_products(blocks: Any, keys: Any, size: int) -> Any:
    """`window_similarity` of the s² queries of each pixel, (N, H, W, s²·C): (N·H·W, s², k²).

    A row of the window is on the left of the product, so that only the queries, once, and the
    result are transposed, and not all k rows.
    """
    phases = blocks.shape[3] // keys.shape[3]
    if lacks(PRODUCTS):
        return _by_elements(blocks, keys, phases, size)
    products = list(_products_of_rows(blocks, keys, phases, size))
    y = ops.concatenate(products, axis=1) if size > 1 else products[0]  # (N·H·W, k², s²)
    return ops.transpose(y, (0, 2, 1))


def products_of_rank_4(blocks: Any, keys: Any, size: int) -> Any:
    """`window_products` as (1, N·H·W, s², k²), to which constants may be added.

    LiteRT's GPU accelerator adds constants of rank 3 wrongly, and TFLite's converter drops an axis
    of 1 where a single reshape adds it.
    """
    phases = blocks.shape[3] // keys.shape[3]
    if lacks(PRODUCTS):
        return ops.reshape(_by_elements(blocks, keys, phases, size), (1, -1, phases, size**2))
    rows = [
        ops.reshape(row, (1, -1, size, phases))
        for row in _products_of_rows(blocks, keys, phases, size)
    ]
    y = ops.concatenate(rows, axis=2) if size > 1 else rows[0]  # (1, N·H·W, k², s²)
    return ops.transpose(y, (0, 1, 3, 2))


def _products_of_rows(blocks: Any, keys: Any, phases: int, size: int) -> Iterator[Any]:
    """Yield the products with each row of the windows: (N·H·W, k, s²)."""
    blocks = ops.reshape(blocks, (-1, phases, keys.shape[3]))
    blocks = ops.transpose(blocks, (0, 2, 1))  # (N·H·W, C, s²)
    for row in window_rows(keys, size):
        yield row @ blocks


def _by_elements(blocks: Any, keys: Any, phases: int, size: int) -> Any:
    """The same by products of maps; sums over channels are convolutions with ones."""
    channels, taps = keys.shape[3], size**2
    ones = np.kron(np.eye(phases), np.ones((channels, 1)))  # (s²·C, s²)
    total = ops.convert_to_tensor(ones[None, None], dtype=keys.dtype)
    sums = []
    for moved in moved_images(zeros_around(keys, size), size, size):
        repeated = ops.concatenate([moved] * phases, axis=3) if phases > 1 else moved
        sums.append(ops.conv(blocks * repeated, total, data_format="channels_last"))
    y = ops.concatenate(sums, axis=3) if taps > 1 else sums[0]  # (N, H, W, k²·s²)
    if phases > 1 and taps > 1:
        # A convolution, because a transpose of these axes stays on the CPU of some accelerators.
        order = np.arange(taps * phases).reshape(taps, phases).T.reshape(-1)
        turn = np.eye(taps * phases)[:, order]
        kernel = ops.convert_to_tensor(turn[None, None], dtype=keys.dtype)
        y = ops.conv(y, kernel, data_format="channels_last")  # (N, H, W, s²·k²)
    return ops.reshape(y, (-1, phases, taps))
