"""The range of pictures that preprocessing in a network, y = x A + b, is made for."""

import numpy as np

_RANGES = ((0.0, 1.0), (0.0, 255.0), (0.0, 65535.0))
"""What pictures are scaled to before a network sees them; the last are 16-bit values as stored."""


def natural_range(matrix: np.ndarray, offset: np.ndarray) -> tuple[float, float] | None:
    """The range of pictures for which y = x A + b gives what networks are trained on.

    That is [0, 1], [−0.5, 0.5], [−1, 1], or numbers around 0 that are spread by about 1 (mean and
    deviation taken off) or by about 255 (a mean taken off, as Caffe did). Where two ranges would
    do, or none, nothing is known.

    Args:
        matrix: (channels in, channels out).
        offset: (channels out,).
    """
    fitting = [ends for ends in _RANGES if _natural(*_ends(matrix, offset, ends))]
    return fitting[0] if len(fitting) == 1 else None


def range_of_integers(low: float, high: float) -> tuple[float, float] | None:
    """The range of pictures that integers stand for, of which `low` and `high` are the ends.

    A converter makes them of the images that it was shown, whose darkest and lightest pixels are
    near the ends of what the network was trained on. None where that is another range.
    """
    for ends in (*_RANGES[:2], (-1.0, 1.0)):
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
