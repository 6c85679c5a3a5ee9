"""Packages for MediaPipe: ImageSegmenter takes what `package` writes, and `package` refuses what
ImageSegmenter refuses (test_metadata_mediapipe.py shows that it does)."""

import keras
import media
import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import photograph
from keras_upsample.export import package
from keras_upsample.metadata import IMAGENET, Input, Metadata, Output, Scaling, attach

NAMES = ("sky", "road", "car")


def network(scaling=None, kind="logits", channels=3):
    image = keras.Input((32, 48, channels), name="image")
    x = keras.layers.Conv2D(6, 3, padding="same", activation="tanh")(image)
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="scores")(x), name="net")
    inputs = (Input("image", scaling=scaling or Scaling()),)
    return attach(
        model,
        Metadata("net", task="segmentation", inputs=inputs, outputs=(Output("", kind, NAMES),)),
    )


@media.needed
def test_image_segmenter_takes_it(tmp_path):
    Image.fromarray(photograph("astronaut")).resize((48, 32)).save(tmp_path / "picture.png")
    model = network(IMAGENET)
    report = package(model, tmp_path / "out", "mediapipe", scaling="inside")
    assert report.path == str(tmp_path / "out" / "net.tflite") == report.artefact.path
    found = media.segment(tmp_path / "out" / "net.tflite", tmp_path / "picture.png", tmp_path)
    assert found["labels"] == list(NAMES)
    values = found["pixels"][None] / 255 * np.array(IMAGENET.scale) + np.array(IMAGENET.offset)
    scores = np.asarray(model(values.astype("float32")), "float64")[0]
    e = np.exp(scores - scores.max(-1, keepdims=True))
    np.testing.assert_allclose(found["confidence"], e / e.sum(-1, keepdims=True), atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "options", "why"),
    [
        ({"scaling": IMAGENET}, {}, r"one mean and standard deviation.*--scaling inside"),
        ({"scaling": Scaling("percentiles")}, {}, "a mean and a standard deviation of pixels"),
        ({"channels": 1}, {}, "one RGB picture"),
        ({}, {"head": "argmax"}, "not a class map"),
        ({}, {"resizable": True}, "`resizable` is not for MediaPipe"),
    ],
)
def test_what_it_would_refuse_is_not_written(tmp_path, arguments, options, why):
    with pytest.raises(ValueError, match=why):
        package(network(**arguments), tmp_path / "out", "mediapipe", **options)
    assert not (tmp_path / "out").exists()
