"""Helpers of the zoo's tests."""

import keras
import numpy as np
import pytest


@pytest.fixture
def images():
    """`images(height, width)`: two seeded images with values in [0, 1]."""

    def make(height, width, channels=3, batch=2):
        rng = np.random.default_rng(height * 1000 + width)
        return rng.random((batch, height, width, channels), "float32")

    return make


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(7)


@pytest.fixture
def half_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    yield
    keras.config.set_dtype_policy(before)


@pytest.fixture
def symmetrise():
    """Makes every kernel of a model equal to its mirror image, in height and in width."""

    def apply(model):
        for layer in model.layers:
            values = layer.get_weights()
            for i, value in enumerate(values):
                if value.ndim == 4:
                    value = value + value[::-1]
                    values[i] = (value + value[:, ::-1]) / 4
            layer.set_weights(values)

    return apply
