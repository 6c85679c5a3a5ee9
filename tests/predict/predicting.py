"""Helpers of the tests of prediction: predictors that are NumPy functions, and pictures."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_upsample.metadata import Output
from keras_upsample.metadata._scaling import scaling_named
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
    output = Output("probabilities", "probabilities")
    network = Network(run, "numpy", channels, size, output, lambda: stride)
    if fields.pop("enlarges", False):
        fields |= {"task": "super_resolution", "kind": "picture"}
    if fields.pop("logits", False):
        fields["kind"] = "logits"
    if "normalization" in fields:
        fields["scaling"] = scaling_named(fields.pop("normalization"))
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


def small_net(channels: int = 3, size: tuple[int | None, int | None] = (None, None)) -> Any:
    """A Keras network of stride 2 that sees 2 pixels far, with weights that no initialiser gives.

    One 3x3 convolution (1 pixel), then blocks of 2x2 (1 pixel more at most), then 1x1.
    """
    import keras

    from keras_upsample import layers

    image = keras.Input((*size, channels), name="image")
    x = layers.PadToMultiple2D(2)(image)
    skip = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.MaxPooling2D(2)(skip)
    x = keras.layers.Conv2D(6, 1, activation="relu")(x)
    x = layers.TransposedConv2D(4, 2, kernel_size=2)(x)
    x = keras.layers.Concatenate()([x, skip])
    x = layers.CropLike2D()([x, image])
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="logits")(x), name="small")
    rng = np.random.default_rng(36)
    for weight in model.weights:
        weight.assign(rng.normal(0, 1 / max(1, np.prod(weight.shape[:-1])) ** 0.5, weight.shape))
    return model
