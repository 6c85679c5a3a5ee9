"""Signal-to-noise ratio."""

import numpy as np


def decibels(signal: float, noise: float) -> float:
    """10 log10(signal / noise) of a variance and a mean square; inf where there is no noise."""
    if not noise:
        return float("inf")
    return float(10 * np.log10(signal / noise)) if signal else float("-inf")
