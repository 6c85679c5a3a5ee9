"""Every activation that Keras has, in every format, from -6 to 6."""

import keras
import numpy as np
import pytest
from exporting import FORMATS, assert_same, write

ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu",
    "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "squareplus", "tanh",
    "tanh_shrink",
)  # fmt: skip


def model_with(activation) -> keras.Model:
    inputs = keras.Input((6, 5, 4), name="x")
    return keras.Model(inputs, keras.layers.Activation(activation, name="y")(inputs))


@pytest.mark.parametrize("kind", FORMATS)
def test_activations(kind: str, tmp_path) -> None:
    """One file with an output for each, as writing a file costs more than computing one."""
    inputs = keras.Input((6, 5, 4), name="x")
    model = keras.Model(inputs, {a: keras.layers.Activation(a)(inputs) for a in ACTIVATIONS})
    x = np.linspace(-6, 6, 120, dtype="float32").reshape(1, 6, 5, 4)
    assert_same(write(model, tmp_path, kind, images=[x[0]]), {"x": x}, model(x))


@pytest.mark.parametrize("kind", FORMATS)
def test_approximate_gelu(kind: str, tmp_path) -> None:
    model = model_with(lambda x: keras.activations.gelu(x, approximate=True))
    x = np.linspace(-6, 6, 120, dtype="float32").reshape(1, 6, 5, 4)
    assert_same(write(model, tmp_path, kind, images=[x[0]]), {"x": x}, {"y": model(x)})
