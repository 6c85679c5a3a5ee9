"""The range of pictures that arithmetic at a network's door is made for."""

from collections.abc import Callable

import numpy as np

RANGES = ((0.0, 1.0), (0.0, 255.0), (0.0, 65535.0))
"""What pictures are scaled to before a network sees them; the last are 16-bit values as stored."""

OPEN = 8
"""Pixels a side of the constant image that arithmetic at an open size is tried on."""


def natural_range(matrix: np.ndarray, offset: np.ndarray) -> tuple[float, float] | None:
    """The range of pictures for which y = x A + b gives what networks are trained on.

    That is [0, 1], [−0.5, 0.5], [−1, 1], or numbers around 0 that are spread by about 1 (mean and
    deviation taken off) or by about 255 (a mean taken off, as Caffe did). Where two ranges would
    do, or none, nothing is known.

    Args:
        matrix: (channels in, channels out).
        offset: (channels out,).
    """
    fitting = [ends for ends in RANGES if _natural(*_ends(matrix, offset, ends))]
    return fitting[0] if len(fitting) == 1 else None


def range_of_integers(low: float, high: float) -> tuple[float, float] | None:
    """The range of pictures that integers stand for, of which `low` and `high` are the ends.

    A converter makes them of the images that it was shown, whose darkest and lightest pixels are
    near the ends of what the network was trained on. None where that is another range.
    """
    for ends in (*RANGES[:2], (-1.0, 1.0)):
        span = ends[1] - ends[0]
        if abs(low - ends[0]) < 0.02 * span and -0.1 * span < high - ends[1] < 0.02 * span:
            return ends
    return None


def _ends(
    matrix: np.ndarray, offset: np.ndarray, ends: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest y by channel, for x in [ends]."""
    low, high = ends
    positive, negative = matrix.clip(min=0), matrix.clip(max=0)
    least = low * positive.sum(0) + high * negative.sum(0) + offset
    largest = high * positive.sum(0) + low * negative.sum(0) + offset
    return least, largest


def _natural(low: np.ndarray, high: np.ndarray) -> bool:
    spread = high - low
    for ends in ((0, 1), (-0.5, 0.5)):
        if np.allclose(low, ends[0], atol=0.02) and np.allclose(high, ends[1], atol=0.02):
            return True
    # Not x - 0.5 of [0, 255], whose 0 is at the end of its range.
    around_zero = bool(np.all((low < -0.05 * spread) & (high > 0.05 * spread)))
    return around_zero and bool(
        np.all((spread > 1.5) & (spread < 12)) or np.all((spread > 200) & (spread < 300))
    )


def middle(values: np.ndarray) -> np.ndarray:
    """The pixel of (H, W, C) or (D, H, W, C) that is farthest from the borders, in float64."""
    return np.asarray(values, "float64")[tuple(size // 2 for size in values.shape[:-1])]


def affine_of(
    run: Callable[[np.ndarray], np.ndarray], channels: int
) -> tuple[np.ndarray | None, np.ndarray]:
    """A and b of y = x A + b, by showing 0 and one channel at a time; A is None of what is not so.

    Args:
        run: from one pixel (channels,) to one (channels out,).
        channels: of the input.
    """
    offset = run(np.zeros(channels))
    matrix = np.stack([run(np.eye(channels)[c]) - offset for c in range(channels)])
    probe = np.arange(1.0, channels + 1)
    if not np.allclose(run(probe), probe @ matrix + offset, rtol=1e-4, atol=1e-4):
        return None, offset  # not what it seems to be
    return matrix, offset


def changes_nothing(matrix: np.ndarray, offset: np.ndarray) -> bool:
    """Whether y = x."""
    return bool(np.array_equal(matrix, np.eye(*matrix.shape)) and not offset.any())
