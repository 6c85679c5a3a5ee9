"""Networks of open sizes that refuse 256 x 256 pixels: they take multiples of 3, 5 or 7."""

import keras
import pytest
from exporting import assert_same, distinctive, noise, write
from keras import layers

import keras_upsample as ku


def network(stride):
    """Down and up by a stride, and a skip that meets the rest at its multiples alone."""
    x = keras.Input((None, None, 3), name="image")
    skip = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    y = layers.Conv2D(4, stride, strides=stride, activation="relu")(skip)
    y = layers.UpSampling2D(stride)(y)
    return distinctive(
        keras.Model(x, layers.Conv2D(2, 1, name="y")(layers.Concatenate()([skip, y])))
    )


def unshuffled(stride):
    x = keras.Input((None, None, 3), name="image")
    y = ku.layers.PixelUnshuffle2D(stride)(x)
    return distinctive(keras.Model(x, layers.Conv2D(2, 1, name="y")(y)))


@pytest.mark.parametrize("kind", ["saved_model", "onnx"])
@pytest.mark.parametrize("make, stride", [(network, 3), (network, 14), (unshuffled, 5)])
def test_sizes_stay_open(make, stride, kind, tmp_path):
    model = make(stride)
    path = write(model, tmp_path, kind)
    for size in ((stride, 2 * stride), (4 * stride, 3 * stride)):
        image = noise(2, *size, 3)
        assert_same(path, {"image": image}, {"y": model(image)}, of_range=2e-5)


def test_a_file_of_fixed_size_has_one_that_the_model_takes(tmp_path):
    model = network(3)
    path = write(model, tmp_path, "tflite")
    image = noise(1, 288, 288, 3)
    assert_same(path, {"image": image}, {"y": model(image)}, of_range=2e-5)
