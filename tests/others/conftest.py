"""A SavedModel and its TFLite file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from keras_upsample._others import _tf_lite


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel: a convolution, whose result is doubled by an addition, and its mean."""
    folder = tmp_path_factory.mktemp("saved") / "model"
    kernel = tf.Variable(np.linspace(-1, 1, 54, dtype="float32").reshape(3, 3, 2, 3))

    class Module(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernel = kernel

        @tf.function(input_signature=[tf.TensorSpec((1, 8, 8, 2), tf.float32, name="x")])
        def serve(self, x: Any) -> dict[str, Any]:
            y = tf.nn.conv2d(x, self.kernel, 1, "SAME")
            return {"y": tf.reduce_mean(tf.nn.relu(y) + tf.sigmoid(y), (1, 2))}

    module = Module()
    tf.saved_model.save(module, str(folder), signatures=module.serve)
    return folder


@pytest.fixture(scope="session")
def tflite(saved: Path) -> bytes:
    return _tf_lite.converted(_tf_lite.converter(saved))
