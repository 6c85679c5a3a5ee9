"""Reassembly: each output pixel is a sum of an input window with weights of its own."""

import math
from collections.abc import Iterator
from typing import Any

from keras import ops

from . import _arguments as arguments
from ._backend import from_channels_last, image_tensor, part, reshape, sizes, to_channels_last
from ._lacking import PRODUCTS, lacks
from ._shuffle import pixel_shuffle


def reassemble(x: Any, kernels: Any, scale: int = 2, *, data_format: str | None = None) -> Any:
    """Upsample with a separate kernel for each output pixel.

    y[s·i + a, s·j + b, c] = sum over m, n in 0..k−1 of
        kernels[i, j, (a·s + b)·k² + m·k + n] · x[i + m − k//2, j + n − k//2, c],
    x being zero outside. The window is centred on the input pixel that nearest upsampling would
    copy: with the kernel `0 1 0` everywhere, `1 2 -> 1 1 2 2` on an axis.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first".
        kernels: (N, H, W, s²·k²), or (N, s²·k², H, W), k odd: the kernels of the s² output pixels
            of each input pixel. They are not normalized here; a softmax over the k² weights of a
            kernel makes them sum to 1.
        scale: factor s, the same for rows and columns, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·H, s·W, C), or (N, C, s·H, s·W), of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument; kernel channels that are not s² times an odd square.

    Reference: Wang et al., CARAFE, 2019, section 3.2, https://arxiv.org/abs/1905.02188
    """
    scale = arguments.integer(scale, "scale")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    kernels = ops.cast(image_tensor(kernels, floating=True, name="kernels"), x.dtype)
    axis = arguments.channel_axis(data_format)
    taps = kernels.shape[axis] // scale**2
    if taps * scale**2 != kernels.shape[axis] or math.isqrt(taps) ** 2 != taps or taps % 2 == 0:
        raise ValueError(
            f"`kernels` must have scale² · k² channels, k odd. Received: {kernels.shape[axis]} "
            f"channels at scale={scale}. Use {25 * scale**2} for 5x5 kernels."
        )
    x, kernels = (to_channels_last(value, data_format) for value in (x, kernels))
    weights = ops.reshape(kernels, (-1, scale**2, taps))  # (N·H·W, s², k²)
    return from_channels_last(weighted_windows(x, weights, scale), data_format)


def weighted_windows(x: Any, weights: Any, scale: int) -> Any:
    """Sum the windows of `x` (N, H, W, C) with weights (N·H·W, s², k²): (N, s·H, s·W, C).

    One matrix product for each of the windows' rows. All k² taps in one product take k times the
    memory; a sum of k² products of maps takes twice the time, and is for targets that lack products
    of two tensors.
    """
    size = math.isqrt(weights.shape[2])
    if lacks(PRODUCTS):
        return _by_elements(x, weights, scale, size)
    total = None
    for m, row in enumerate(window_rows(x, size)):
        # `@`, not keras.ops.matmul, which on PyTorch multiplies float64 in float32.
        taps = part(weights, 2, m * size, (m + 1) * size)  # (N·H·W, s², k)
        term = taps @ row  # (N·H·W, s², C)
        total = term if total is None else total + term
    n, h, w, c = sizes(x)
    y = reshape(total, (n, h, w, scale**2 * c))  # (N, H, W, s²·C)
    return pixel_shuffle(y, scale, "dcr", data_format="channels_last")


def _by_elements(x: Any, weights: Any, scale: int, size: int) -> Any:
    """`weighted_windows` as s² sums of k² products of a map of weights and a moved image."""
    n, h, w, _ = sizes(x)
    phases, taps = scale**2, size**2
    weights = reshape(weights, (n, h, w, phases * taps))  # (N, H, W, s²·k²)
    moved = list(moved_images(zeros_around(x, size), size, size))
    sums = []
    for phase in range(phases):
        terms = [
            part(weights, 3, phase * taps + t, phase * taps + t + 1) * moved[t] for t in range(taps)
        ]
        while len(terms) > 1:  # in pairs: a long chain would round one sum again and again
            pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
            terms = pairs + terms[2 * len(pairs) :]
        sums.append(terms[0])
    y = ops.concatenate(sums, axis=3) if phases > 1 else sums[0]  # (N, H, W, s²·C)
    return pixel_shuffle(y, scale, "dcr", data_format="channels_last")


def moved_images(x: Any, rows: int, columns: int) -> Iterator[Any]:
    """Yield what each tap of a window sees, row by row: (N, H, W, C).

    `x` has the pixels around that the window reaches: (N, H + rows - 1, W + columns - 1, C).
    """
    for m in range(rows):
        row = part(x, 1, m, m + 1 - rows or None)
        for n in range(columns):
            yield part(row, 2, n, n + 1 - columns or None)


def window_rows(x: Any, size: int) -> Iterator[Any]:
    """Yield the rows, top to bottom, of each pixel's window of size² pixels: (N·H·W, size, C).

    Outside, the image is zero.
    """
    return rows_of_windows(zeros_around(x, size), size)


def zeros_around(x: Any, size: int) -> Any:
    """An image with size // 2 zeros around it."""
    reach = size // 2
    pads = ((0, 0), (reach, reach), (reach, reach), (0, 0))
    return ops.pad(x, pads) if reach else x


def repeat_edges(x: Any, pads: tuple[tuple[int, int], tuple[int, int]]) -> Any:
    """An image with ((above, below), (left, right)) more pixels, each equal to its nearest."""
    for axis, (before, behind) in zip((1, 2), pads, strict=True):
        first, last = part(x, axis, 0, 1), part(x, axis, -1, None)
        if before or behind:
            x = ops.concatenate([*[first] * before, x, *[last] * behind], axis=axis)
    return x


def rows_of_windows(x: Any, size: int) -> Iterator[Any]:
    """`window_rows` of an image with size // 2 pixels around it: (N, H + size - 1, ...)."""
    channels = x.shape[3]
    # Ends are counted from the end, so that no slice depends on a size that only the graph knows.
    shifted = [part(x, 2, n, n + 1 - size or None) for n in range(size)]
    if size > 1:
        x = ops.concatenate(shifted, axis=3)  # (N, H + size − 1, W, size·C)
    for m in range(size):
        row = part(x, 1, m, m + 1 - size or None)  # (N, H, W, size·C)
        yield ops.reshape(row, (-1, size, channels))
