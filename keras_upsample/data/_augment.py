"""Augmentation of images and their masks in pairs.

Imports Keras and TensorFlow: it is imported in functions only.
"""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

DRAWS = 64  # more seeds than one step takes


class Draws(keras.random.SeedGenerator):
    """The seeds of one step: (seed, 64·step), (seed, 64·step + 1), ...

    Keras' own generator counts on from call to call, so that step 1000 needs the 999 before it.
    """

    def __init__(self, seed: int, step: Any) -> None:
        self._seed, self._number = tf.constant(seed, "int64"), DRAWS * step

    def next(self, ordered: bool = True) -> Any:
        self._number += 1
        return tf.stack([self._seed, self._number - 1])


def extent(size: int, zoom: tuple[float, float], rotation: float) -> int:
    """Rows and columns that a crop of `size` and the pixels around it may be made of."""
    reach = math.sqrt(2) if rotation else 1.0
    return math.ceil((size + 2) * reach / zoom[0]) + 1


def augmentation(
    seed: int,
    *,
    size: int,
    zoom: tuple[float, float],
    rotation: float,
    contrast: float,
    gamma: tuple[float, float],
    blur: float,
    noise: float,
) -> Callable[[Any, Any, Any], tuple[Any, Any]]:
    """A function of (step, images, labels): (B, E, E, C) and (B, E, E) -> crops of `size`."""
    around: list[Any] = []
    if zoom != (1.0, 1.0):
        # Keras' factor is that of the coordinates, less one: 0.25 makes things smaller.
        factor = (1 / zoom[1] - 1, 1 / zoom[0] - 1)
        around.append(keras.layers.RandomZoom(factor, fill_mode="reflect"))
    if rotation:
        around.append(keras.layers.RandomRotation(rotation, fill_mode="reflect"))
    # `RandomFlip("horizontal_and_vertical")` draws one number for both, i.e. half turns.
    inside: list[Any] = [
        keras.layers.RandomFlip("horizontal"),
        keras.layers.RandomFlip("vertical"),
    ]
    if contrast:
        # A plain number would raise the contrast only.
        inside.append(keras.layers.RandomContrast((contrast, contrast), value_range=(0, 1)))

    for layer in (*around, *inside):
        layer.backend.set_backend("tensorflow")  # tf.data is its own, whatever Keras runs on

    def augment(step: Any, x: Any, y: Any) -> tuple[Any, Any]:
        draws = Draws(seed, step)
        x, y = through(around, x, tf.cast(y, "float32")[..., None], draws)
        first = (y.shape[1] - size) // 2
        x = _blur(x[:, first - 1 : first + size + 1, first - 1 : first + size + 1], blur, draws)
        y = y[:, first : first + size, first : first + size]
        x, y = through(inside, x, y, draws)
        return _expose(x, gamma, noise, draws), tf.cast(y[..., 0], "int32")

    return augment


def through(layers: list[Any], x: Any, y: Any, draws: Draws) -> tuple[Any, Any]:
    """Images (B, H, W, C) and masks (B, H, W, 1), changed by the same layers in the same way."""
    for layer in layers:
        change = layer.get_random_transformation(x, training=True, seed=draws)
        x = layer.transform_images(x, change)
        y = layer.transform_segmentation_masks(y, change)
    return x, y


def _blur(x: Any, share: float, draws: Draws) -> Any:
    """(w, 1 - 2w, w) along rows and columns, w up to 1/3; (B, n + 2, n + 2, C) -> (B, n, n, C).

    Instead of `RandomGaussianBlur`: its depthwise convolution takes as long as all the rest
    together, has one sigma for the whole batch, and darkens the edges.
    """
    if not share:
        return x[:, 1:-1, 1:-1]
    shape = (x.shape[0], 1, 1, 1)
    chosen = tf.random.stateless_uniform(shape, draws.next()) < share
    w = tf.where(chosen, tf.random.stateless_uniform(shape, draws.next(), 0.0, 1 / 3), 0.0)
    x = (1 - 2 * w) * x[:, 1:-1] + w * (x[:, :-2] + x[:, 2:])
    return (1 - 2 * w) * x[:, :, 1:-1] + w * (x[:, :, :-2] + x[:, :, 2:])


def _expose(x: Any, gamma: tuple[float, float], noise: float, draws: Draws) -> Any:
    """x^g + s·n in [0, 1]; g for every image and channel, s for every image.

    Keras has no layer for exponents, and `GaussianNoise` gives all images the same s.
    """
    x = tf.clip_by_value(x, 0.0, 1.0)
    if gamma != (1.0, 1.0):
        low, high = map(math.log, gamma)
        shape = (x.shape[0], 1, 1, x.shape[-1])
        exponent = tf.exp(tf.random.stateless_uniform(shape, draws.next(), low, high))
        x = tf.exp(exponent * tf.math.log(x))  # a third of the time of x**exponent
    if noise:
        spread = tf.random.stateless_uniform((x.shape[0], 1, 1, 1), draws.next(), 0.0, noise)
        x += spread * tf.random.stateless_normal(x.shape, draws.next())
    return tf.clip_by_value(x, 0.0, 1.0)
