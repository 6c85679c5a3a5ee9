"""Volumes: against the model itself, and NumPy for what its output means."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import export
from keras_upsample.predict import load_model, predict, predict_to_files

SIZE = (6, 8, 10)


def net(sizes=SIZE, classes=3, channels=1, activation=None) -> keras.Model:
    keras.utils.set_random_seed(5)
    x = keras.Input((*sizes, channels), name="volume")
    y = layers.Conv3D(4, 3, padding="same", activation="relu")(x)
    z = layers.Conv3DTranspose(4, 2, 2)(layers.MaxPooling3D(2)(y))
    y = layers.Concatenate()([y, z])
    return keras.Model(x, layers.Conv3D(classes, 1, activation=activation, name="y")(y))


def volume(*shape, seed=4) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, "uint8")


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values.astype("float64") - values.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


@pytest.mark.filterwarnings("ignore:Nothing says")
@pytest.mark.parametrize("kind", ["keras", "saved_model", "tflite", "onnx"])
def test_classes(kind, tmp_path) -> None:
    model, scene = net(), volume(*SIZE)
    source = model
    if kind != "keras":
        path = tmp_path / {"saved_model": "s", "tflite": "m.tflite", "onnx": "m.onnx"}[kind]
        getattr(export, f"to_{kind}")(model, path)
        source = path
    result = predict(source, scene, probabilities=True)
    logits = np.asarray(model(scene[None, ..., None] / np.float32(255)))[0]
    np.testing.assert_allclose(result.probabilities, softmax(logits), atol=2e-6)
    assert result.labels.shape == SIZE
    assert result.labels.dtype == np.uint8
    assert np.array_equal(result.labels, logits.argmax(-1))


def test_open_sizes_channels_and_one_class() -> None:
    model = net((None, None, None), 1, 2, "sigmoid")
    scene = volume(4, 6, 12, 2)
    given = np.asarray(model(scene[None] / np.float32(255)))[0, ..., 0]
    assert np.array_equal(predict(model, scene).labels, given >= 0.5)


@pytest.mark.filterwarnings("ignore:Nothing says")
def test_what_is_refused(tmp_path) -> None:
    predictor = load_model(net())
    for bad, message in [
        (volume(6, 8, 9), r"takes volumes of 6 x 8 x 10 x 1 .*Received: \(6, 8, 9, 1\)"),
        (volume(6, 8), r"array \(D, H, W\).*Received: shape \(6, 8\)"),
        ("scan.tif", r"array \(D, H, W\).*'scan.tif'"),
        (np.full(SIZE, np.nan, "float32"), "NaN or infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            predict(predictor, bad)
    with pytest.raises(ValueError, match="`tile` is for images"):
        predict(predictor, volume(*SIZE), tile=4)
    with pytest.raises(ValueError, match=r"takes volumes.*`predict`"):
        predict_to_files(predictor, tmp_path, tmp_path / "out")
