"""Group normalisation: a form that keeps its digits, equal to Keras' layer in every option."""

import keras
import numpy as np
import pytest
from compare import assert_close
from exporting import FORMATS, answers, assert_same, distinctive, noise, picture, write


def grouped(size, **options) -> keras.Model:
    inputs = keras.Input((*size, 3), name="x")
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    options = {"groups": 4, "name": "y", **options}
    return distinctive(keras.Model(inputs, keras.layers.GroupNormalization(**options)(x)))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"groups": 1},
        {"groups": -1},
        {"groups": 8},
        {"scale": False},
        {"center": False},
        {"epsilon": 0.5},
        {"axis": 3},
        {"axis": 2},  # not ours: Keras' own form
    ],
)
def test_options(options, kind, tmp_path) -> None:
    model = grouped((24, 20), **options)
    x = noise(1, 24, 20, 3)
    path = write(model, tmp_path, kind, images=picture())
    assert_same(path, {"x": x}, {"y": model(x)}, of_range=1e-5)


def test_open_sizes(tmp_path) -> None:
    model = grouped((None, None))
    path = write(model, tmp_path, "onnx")
    for shape in ((1, 9, 7, 3), (3, 1, 5, 3), (2, 16, 16, 3)):
        x = noise(*shape)
        assert_same(path, {"x": x}, {"y": model(x)}, of_range=1e-5)


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_digits_on_a_large_image(kind, tmp_path) -> None:
    """Against float64, not against Keras, which is itself further off."""
    size = (256, 256)
    inputs = keras.Input((*size, 8), name="x")
    model = keras.Model(inputs, keras.layers.GroupNormalization(4, name="y")(inputs))
    x = (0.3 * noise(1, *size, 8) + 1).astype("float32")
    groups = x.astype(np.float64).reshape(1, *size, 4, 2)
    mean = groups.mean((1, 2, 4), keepdims=True)
    variance = groups.var((1, 2, 4), keepdims=True)
    exact = ((groups - mean) / np.sqrt(variance + 1e-3)).reshape(x.shape)
    path = write(model, tmp_path, kind, images=[x[0]])
    assert_close(answers(path, {"x": x})["y"], exact, of_range=1e-5)
