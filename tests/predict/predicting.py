"""Helpers of the tests of prediction: predictors that are NumPy functions, and pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_upsample.predict import Predictor
from keras_upsample.predict._networks import Network

RNG = np.random.default_rng(31)


def predictor(
    run: Callable[[np.ndarray], np.ndarray] = np.copy,
    *,
    channels: int | None = 3,
    outputs: int = 3,
    scale: int = 1,
    stride: int = 1,
    size: tuple[int | None, int | None] = (None, None),
    **fields: Any,
) -> Predictor:
    """A NumPy function as a model; by default the brightest channel of a pixel is its class."""
    network = Network(run, "numpy", channels, size, "probabilities", lambda: stride)
    fields = {"enlarges": False, "logits": False, **fields}
    return Predictor(network, outputs, scale, **fields)


def picture(height: int = 13, width: int = 17, channels: int = 3, dtype: str = "uint8") -> Any:
    """Noise, no pixel with two channels alike."""
    most = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    steps = np.stack([RNG.permutation(channels) for _ in range(height * width)])
    values = (steps + RNG.uniform(0.1, 0.9, steps.shape)) / channels * most
    return values.reshape(height, width, channels).astype(dtype)


def box(radius: int) -> Callable[[np.ndarray], np.ndarray]:
    """Mean over (2·radius + 1)² pixels with zeros outside: a convolution with that much sight."""

    def run(image: np.ndarray) -> np.ndarray:
        side = 2 * radius + 1
        padded = np.pad(image, ((radius, radius), (radius, radius), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(0, 1))
        return windows.mean(axis=(3, 4), dtype="float64").astype("float32")

    return run
