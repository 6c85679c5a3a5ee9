"""Patches of images and volumes in ONNX, where the batch or the sizes are open.

The oracle is TensorFlow, whose own operators the Keras model runs.
"""

import keras
import pytest
import tensorflow as tf
from exporting import assert_same, noise, write
from keras import layers

from keras_upsample import runtimes


class Patches(layers.Layer):
    """TensorFlow's own operators, which Keras' function of the same name does not call."""

    def __init__(self, padding, integers, **options):
        super().__init__(**options)
        self.padding, self.integers = padding, integers

    def call(self, x):
        if len(x.shape) == 5:
            sizes, strides = [1, 3, 2, 2, 1], [1, 2, 1, 2, 1]
            return {"volume": tf.extract_volume_patches(x, sizes, strides, self.padding)}
        x = tf.cast(100 * x, tf.int32) if self.integers else x
        kinds = {"next": (2, 3, 1), "far": (1, 1, 2), "both": (2, 3, 2)}
        found = {
            name: tf.image.extract_patches(
                x, [1, 3, 2, 1], [1, down, across, 1], [1, rate, rate, 1], self.padding
            )
            for name, (down, across, rate) in kinds.items()
        }
        return {name: tf.cast(y, tf.float32) for name, y in found.items()}


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize(
    "size, integers, tried",
    [
        ((9, 8, 2), False, [(9, 8, 2)]),
        ((9, 8, 2), True, [(9, 8, 2)]),
        ((None, None, 1), False, [(9, 8, 1), (14, 7, 1)]),
        ((None, None, None, 2), False, [(7, 6, 5, 2), (4, 9, 8, 2)]),
    ],
)
def test_patches(size, integers, tried, padding, tmp_path):
    x = keras.Input(size, name="x")
    model = keras.Model(x, Patches(padding, integers)(x))
    images = [noise(*tried[0])] if len(size) == 3 else None
    runner = runtimes.load(write(model, tmp_path, "onnx", images=images))
    for batch, shape in enumerate(tried, start=2):
        given = noise(batch, *shape)
        assert_same(runner, {"x": given}, model(given), of_range=1e-6)
