"""The share of an image's energy in the checkerboard of a strided upsampler."""

from typing import Any

import numpy as np

from . import _arguments as arguments

_CONSTANT = 1e-6  # variation below this share of the largest magnitude is rounding


def checkerboard_energy(x: Any, period: int = 2) -> float:
    """Return the share of an image's energy at the frequencies of a pattern of `period` pixels.

        sum of |X(f)|² over f in B  /  sum of |X(f)|² over all f,

    X is the Fourier transform of w (x − m) on both axes, w a Hann window (without it, the jump from
    one side of the image to the other would count), m the mean under w. B holds the frequencies
    (f, g), in cycles a pixel, within 1/(4p) on both axes of a harmonic (k/p, l/p), (k, l) not
    (0, 0): at p = 2 of (1/2, 0), (0, 1/2) and (1/2, 1/2), i.e. stripes in rows, in columns, and a
    checkerboard. B has a width because the strength of a pattern in a real picture changes from
    place to place.

    A checkerboard or stripes: 1. A constant image: 0. A ramp: below 1e-4. White noise: the area of
    B, (p² − 1)/(4 p²), 0.19 at p = 2. Channels and images of a batch are added up.

    Args:
        x: floats, (H, W), (H, W, C) or (N, H, W, C): a feature map, logits, or an upsampler's
            response to an impulse or to a constant.
        period: p, the stride of the upsampling in pixels, >= 2. Several strides of 2 leave the
            periods 2, 4, 8.

    Returns:
        A float in [0, 1]. Variation below 1e-6 of the largest magnitude counts as rounding: 0.

    Raises:
        ValueError, TypeError: a bad argument; images under 4p pixels on an axis; not finite.

    Reference: the pattern is that of Odena, Dumoulin and Olah, Deconvolution and Checkerboard
    Artifacts, Distill 2016; the measure is ours.
    """
    period = arguments.whole(period, "period", 2)
    x = arguments.images(x, "x")
    if not np.all(np.isfinite(x)):
        raise ValueError("`x` must be finite. Received NaN or infinity. Look where they come from.")
    height, width = x.shape[1:3]
    if min(height, width) < 4 * period:
        raise ValueError(
            f"`x` must have at least {4 * period} pixels on each axis at period={period}. "
            f"Received: {height} x {width}. Tile or pad it."
        )
    window = np.outer(_hann(height), _hann(width))[..., None]  # (H, W, 1)
    mean = (window * x).sum(axis=(1, 2), keepdims=True) / window.sum()
    varying = x - mean
    if np.abs(varying).max() <= _CONSTANT * np.abs(x).max():
        return 0.0
    energy = np.abs(np.fft.fft2(window * varying, axes=(1, 2))) ** 2  # (N, H, W, C)
    (near_row, base_row), (near_column, base_column) = (_near(n, period) for n in (height, width))
    inside = np.outer(near_row, near_column) & ~np.outer(base_row, base_column)
    return float(energy[:, inside].sum() / energy.sum())


def _hann(length: int) -> np.ndarray:
    """The periodic window, whose own spectrum is three bins wide."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def _near(length: int, period: int) -> tuple[np.ndarray, np.ndarray]:
    """Which frequencies lie within 1/(4p) of a multiple of 1/p, and which of the multiple 0."""
    # In whole numbers, |f p − k| <= 1/4 with f = i/n: a bin on the edge is never lost to rounding.
    steps = np.arange(length) * period
    harmonic = (steps + length // 2) // length
    near = 4 * np.abs(steps - harmonic * length) <= length
    return near, near & (harmonic % period == 0)
