"""Bootstrap intervals over images."""

from collections.abc import Callable, Mapping

import numpy as np

LEVEL = 0.95


def intervals(
    images: int, count: int, seed: int, scores: Callable[[np.ndarray], Mapping[str, float]]
) -> dict[str, tuple[float, float]]:
    """The percentile interval of each score over samples of images with replacement.

    Args:
        images: number of images; with fewer than 2 there is no interval.
        count: number of samples; 0 for no interval.
        seed: seed of the samples.
        scores: numbers of the images in a sample -> the scores of the sample.

    Returns:
        Score -> the ends of the middle 95% of its values; samples in which it is not a number are
        left out.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 13.3.
    """
    if images < 2 or count < 1:
        return {}
    rng = np.random.default_rng(seed)
    drawn = [scores(rng.integers(images, size=images)) for _ in range(count)]
    tail = 100 * (1 - LEVEL) / 2
    found = {}
    for name in drawn[0]:
        values = np.array([one[name] for one in drawn])
        values = values[np.isfinite(values)]
        if values.size:
            low, high = np.percentile(values, (tail, 100 - tail))
            found[name] = (float(low), float(high))
    return found
