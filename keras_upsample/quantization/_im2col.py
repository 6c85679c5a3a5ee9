"""im2col: a convolution as a matrix of weights times a matrix of input windows."""

from typing import Any, cast

import numpy as np

from ..program._keras_reader import same_pads
from ..program._operations import Convolution, Pads, Transposed


def channel_axes(view: Convolution | Transposed) -> tuple[int, ...]:
    """The axes of a kernel over which a quantiser has one step."""
    if isinstance(view, Transposed):
        return 0, 1, 3
    return (0, 1) if view.depthwise else (0, 1, 2)


def rows_of(kernel: np.ndarray, view: Convolution | Transposed) -> np.ndarray:
    """Kernel -> (groups, rows, columns)."""
    if isinstance(view, Transposed):
        return kernel.reshape(1, -1, kernel.shape[3])
    if view.depthwise:
        return kernel.reshape(-1, *kernel.shape[2:]).transpose(1, 2, 0)
    return kernel.reshape(1, -1, kernel.shape[3]).transpose(0, 2, 1)


def kernel_of(rows: np.ndarray, view: Convolution | Transposed) -> np.ndarray:
    """The inverse of `rows_of`."""
    shape = tuple(int(n) for n in view.kernel.shape)
    if isinstance(view, Transposed):
        return rows.reshape(shape)
    order = (2, 0, 1) if view.depthwise else (0, 2, 1)
    return rows.transpose(order).reshape(shape)


def columns_of(x: np.ndarray, view: Convolution | Transposed, rng: Any, count: int) -> np.ndarray:
    """What the weights multiply at some places of the output: (groups, places, columns)."""
    batch, channels = x.shape[0], x.shape[3]
    if isinstance(view, Transposed):
        pixels = x.reshape(-1, channels)
        return pixels[_some(len(pixels), count, rng)][None]
    pads = view.pads
    if isinstance(pads, str):  # "same", of an open size; the image at hand has one
        pads = cast(Pads, same_pads(x.shape[1:3], view.size, view.strides, view.dilation))
    x = np.pad(x, ((0, 0), *pads, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(view.size, view.dilation, strict=True)]
    down, right = (
        (n - r) // s + 1 for n, r, s in zip(x.shape[1:3], reach, view.strides, strict=True)
    )
    chosen = _some(batch * down * right, count, rng)
    image, row, column = np.unravel_index(chosen, (batch, down, right))
    row, column = row * view.strides[0], column * view.strides[1]
    taps = [
        x[image, row + i * view.dilation[0], column + j * view.dilation[1]]
        for i in range(view.size[0])
        for j in range(view.size[1])
    ]
    stacked = np.stack(taps, axis=1)  # (places, taps, channels)
    if view.depthwise:
        return stacked.transpose(2, 0, 1)
    return stacked.reshape(1, len(chosen), -1)


def _some(total: int, count: int, rng: Any) -> np.ndarray:
    return rng.choice(total, count, replace=False) if total > count else np.arange(total)
