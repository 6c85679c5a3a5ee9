"""The affine map y = x A + b of a preprocessing subgraph, found by running it on pixels."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

_OPEN = 8
"""Pixels a side of the constant images, where the network leaves the size open."""


def affine_of(
    run: Callable[[np.ndarray], np.ndarray], shape: Sequence[int | None], dtype: Any
) -> tuple[np.ndarray, np.ndarray] | None:
    """A and b, by constant images of 0 and of one channel at a time; None if it is not affine.

    Args:
        run: from images to what becomes of them, both with the channels last.
        shape: of the images; None where a size is open.
        dtype: of the images.
    """
    channels = int(shape[-1] or 0)
    sizes = (shape[0] or 1, *(size or _OPEN for size in shape[1:-1]), channels)

    def pixel(values: np.ndarray) -> np.ndarray:
        """What becomes of one pixel, far from the borders of an image that holds no other."""
        result = np.asarray(run(np.broadcast_to(values.astype(dtype), sizes)))[0]
        return np.asarray(result, "float64")[tuple(size // 2 for size in result.shape[:-1])]

    offset = pixel(np.zeros(channels))
    matrix = np.stack([pixel(np.eye(channels)[c]) - offset for c in range(channels)])
    probe = np.arange(1.0, channels + 1)
    if not np.allclose(pixel(probe), probe @ matrix + offset, rtol=1e-4, atol=1e-4):
        return None  # not what it seems to be
    return matrix, offset


def changes_nothing(matrix: np.ndarray, offset: np.ndarray) -> bool:
    """Whether y = x."""
    return bool(np.array_equal(matrix, np.eye(*matrix.shape)) and not offset.any())
