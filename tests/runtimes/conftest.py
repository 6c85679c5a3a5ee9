"""Small artefacts, made once."""

import keras
import numpy as np
import pytest

from keras_upsample import export
from keras_upsample.export import _verify


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """`{"saved_model": path, "tflite": path, "onnx": path}` of one model, and the model."""
    folder = tmp_path_factory.mktemp("artefacts")
    keras.utils.set_random_seed(4)
    image = keras.Input((8, 6, 3), name="image")
    first = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    outputs = {
        "logits": keras.layers.Conv2DTranspose(2, 2, 2)(first),
        "score": keras.layers.GlobalAveragePooling2D()(first),
    }
    model = keras.Model(image, outputs, name="small")
    images = [np.random.default_rng(1).random((8, 6, 3), "float32")]
    patch = pytest.MonkeyPatch()
    patch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))
    export.export(model, folder, images=images, input_shape=(8, 6, 3))
    patch.undo()
    paths = {
        "saved_model": folder / "saved_model",
        "tflite": folder / "small.tflite",
        "onnx": folder / "small.onnx",
    }
    return paths, model
