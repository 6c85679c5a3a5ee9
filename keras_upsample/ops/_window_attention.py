"""Window attention: each output pixel looks at the input pixels in a window around it."""

import math
from typing import Any

import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import from_channels_last, image_tensor, part, to_channels_last
from ._joint_bilateral import check_guide, outside
from ._reassemble import weighted_windows
from ._shuffle import pixel_unshuffle
from ._similarity import products_of_rank_4

_FAR = 1e4  # what is taken off a logit that counts nothing; half precision holds twice as much


def window_attention(
    queries: Any,
    keys: Any,
    values: Any,
    scale: int,
    *,
    heads: int = 1,
    window_ratio: float = 0.1,
    data_format: str | None = None,
) -> Any:
    """Upsample values by attention to those in a window, whose weights heads agree on.

    y[p] = sum over q of A(p, q) values[q], A the mean over g heads of the softmax over q of
    queries_g[p] · keys_g[q] / sqrt(C/g). With u the place of p in the small image, from 0 to its
    length L on each axis, q runs over floor(u − ρL) <= q < ceil(u + ρL) inside the image: over 3
    pixels of 10 in their middle for ρ = 0.1. Equal queries give a mean: `1 4 7 -> 2.5 2.5 4 4 5.5
    5.5` with a window of 3.

    Args:
        queries: floats, (N, s·H, s·W, C), or (N, C, s·H, s·W) for "channels_first".
        keys: floats, (N, H, W, C), or (N, C, H, W); their size must be known.
        values: floats, (N, H, W, D), or (N, D, H, W), any number D of channels.
        scale: factor s, the same for rows and columns, >= 1.
        heads: number g of groups of channels, which divides C.
        window_ratio: ρ, half of the window as a share of the image, in (0, 1].
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·H, s·W, D), or (N, D, s·H, s·W), of the dtype of `values`.

    Raises:
        ValueError, TypeError: a bad argument; sizes that are unknown or don't fit.

    Reference: Wimmer et al., AnyUp: Universal Feature Upsampling, 2025, section 3,
    https://arxiv.org/abs/2510.12764
    """
    scale = arguments.integer(scale, "scale")
    heads = arguments.integer(heads, "heads")
    window_ratio = share(window_ratio, "window_ratio")
    data_format = arguments.data_format_of(data_format)
    values = image_tensor(values, floating=True, name="values")
    queries, keys = (
        ops.cast(image_tensor(x, floating=True, name=name), values.dtype)
        for x, name in ((queries, "queries"), (keys, "keys"))
    )
    check_guide(tuple(keys.shape), tuple(queries.shape), scale, data_format, "queries", "`keys`")
    check_guide(tuple(keys.shape), tuple(values.shape), 1, data_format, "values", "`keys`")
    queries, keys, values = (to_channels_last(x, data_format) for x in (queries, keys, values))
    if queries.shape[3] != keys.shape[3] or keys.shape[3] % heads:
        raise ValueError(
            "`queries` and `keys` must have the same number of channels, which `heads` divides. "
            f"Received: {queries.shape[3]} and {keys.shape[3]}, heads={heads}."
        )
    y = attend(queries, keys, values, scale, heads, window_ratio)
    return from_channels_last(y, data_format)


def share(value: Any, name: str) -> float:
    """Return `value` as a float in (0, 1]."""
    number = arguments.positive(value, name)
    if number > 1:
        raise ValueError(f"`{name}` must be at most 1. Received: {value!r}. Pass, say, 0.1.")
    return number


def attend(
    queries: Any, keys: Any, values: Any, scale: int, heads: int, window_ratio: float
) -> Any:
    """`window_attention` of channels-last maps."""
    lengths = known_size(keys.shape[1:3])
    size, inside = windows(lengths, scale, window_ratio)
    dtype = keys.dtype
    farther = ops.convert_to_tensor((inside - 1)[None, None] * _FAR, dtype=dtype)  # (1, 1, s², k²)
    farther = farther + outside(keys, size) * -_FAR  # (1, N·H·W, s², k²)
    channels = keys.shape[3] // heads
    queries = queries * channels**-0.5
    kernels = []
    for head in range(heads):
        ends = head * channels, (head + 1) * channels
        blocks = pixel_unshuffle(part(queries, 3, *ends), scale, data_format="channels_last")
        logits = products_of_rank_4(blocks, part(keys, 3, *ends), size)  # (1, N·H·W, s², k²)
        kernels.append(ops.softmax(logits + farther, axis=-1))
    weights = sum(kernels[1:], start=kernels[0]) * (1 / heads)
    weights = ops.reshape(weights, (-1, scale**2, size**2))
    return weighted_windows(values, weights, scale)


def known_size(size: Any) -> tuple[int, int]:
    """Height and width of the keys, or an error: the windows are shares of them."""
    if None in tuple(size):
        raise ValueError(
            "Window attention needs a known height and width, as its windows are shares of them. "
            f"Received: {tuple(size)}. Name them in the Input, e.g. (14, 14, 384)."
        )
    rows, columns = size
    return int(rows), int(columns)


def windows(lengths: tuple[int, int], scale: int, ratio: float) -> tuple[int, np.ndarray]:
    """An odd size k that holds the window of every output pixel, and what of it counts.

    Returns:
        k, and zeros and ones (s², k²).
    """
    ends = []
    for length in lengths:
        reach = ratio * length
        for a in range(scale):
            at = (a + 0.5) / scale
            ends.append((math.floor(at - reach), math.ceil(at + reach) - 1))
    far = max(max(-first, last) for first, last in ends)
    taps = np.arange(-far, far + 1)
    lines = np.array([(taps >= first) & (taps <= last) for first, last in ends], float)
    rows, columns = lines[:scale], lines[scale:]  # (s, k) each
    both = rows[:, None, :, None] * columns[None, :, None, :]  # (s, s, k, k)
    return 2 * far + 1, both.reshape(scale**2, -1)
