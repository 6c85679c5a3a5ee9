"""Networks that take whole pictures of one size."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_upsample import metadata
from keras_upsample.predict import load_model, predict


@pytest.fixture(scope="module")
def model():
    """The mean of the picture is in every pixel: a part of it would give others."""
    image = keras.Input((16, 24, 3))
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True)(image)
    mask = keras.layers.Conv2D(1, 1, activation="sigmoid")(image - mean)
    made = keras.Model(image, mask, name="whole")
    made.layers[-1].kernel.assign([[[[3.0], [-1.0], [2.0]]]])
    facts = metadata.Metadata(
        "whole",
        task="binary_segmentation",
        inputs=(metadata.Input(size=(16, 24), scaling=metadata.Scaling(), whole=True),),
        outputs=(metadata.Output(kind="probabilities", class_names=("other", "person")),),
    )
    return metadata.attach(made, facts)


def resized(values, height, width):
    planes = [
        Image.fromarray(values[..., c]).resize((width, height), Image.Resampling.BILINEAR)
        for c in range(values.shape[-1])
    ]
    return np.stack([np.asarray(plane) for plane in planes], -1)


@pytest.mark.parametrize("size", [(50, 40), (16, 24), (9, 70)])
def test_a_picture_is_resized_and_the_result_resized_back(model, size):
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3)).astype("uint8")
    small = resized(picture.astype("float32") / 255, 16, 24)
    expected = resized(np.asarray(model(small[None]))[0], *size)
    result = predict(model, picture, probabilities=True)
    np.testing.assert_allclose(result.probabilities[..., -1:], expected, atol=1e-5)
    clear = np.abs(expected[..., 0] - 0.5) > 1e-4
    np.testing.assert_array_equal(result.labels[clear], (expected[..., 0] >= 0.5)[clear])


def test_a_file_keeps_the_fact(model, tmp_path):
    model.save(tmp_path / "m.keras")
    assert metadata.of(keras.models.load_model(tmp_path / "m.keras")).input.whole
    again = load_model(tmp_path / "m.keras")
    picture = np.random.default_rng(2).integers(0, 256, (33, 20, 3)).astype("uint8")
    a, b = (predict(each, picture, probabilities=True).probabilities for each in (model, again))
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert metadata.Metadata.from_json(metadata.of(model).to_json()).input.whole


def test_there_are_no_tiles(model):
    with pytest.raises(ValueError, match=r"'whole' takes whole pictures, by its metadata"):
        predict(model, np.zeros((40, 40, 3), "uint8"), tile=24)
