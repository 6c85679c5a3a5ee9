"""AnyUp in files: features of a convolution, enlarged by the image that they were made of."""

import keras
import pytest
from exporting import assert_same, distinctive, noise, picture, write

from keras_upsample import layers


def net() -> keras.Model:
    image = keras.Input((16, 24, 3), name="image")
    features = keras.layers.Conv2D(6, 4, strides=4, name="features")(image)
    up = layers.AnyUp2D(4, embedding=16, heads=2, window_ratio=0.2, name="y")
    return distinctive(keras.Model(image, up([features, image])))


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_anyup(kind, tmp_path):
    model = net()
    x = noise(1, 16, 24, 3)
    path = write(model, tmp_path, kind, images=picture(16, 24))
    assert_same(path, {"image": x}, {"y": model(x)})
