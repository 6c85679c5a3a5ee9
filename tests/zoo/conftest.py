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


@pytest.fixture
def small_encoder(narrow_encoder):
    """In place of a `keras.applications` network a 3x3 convolution a stage, so that nothing but
    the decoder costs time. Mirror-symmetric but for its kernels."""

    def encode(image, *_, atrous=False, **__):
        features, x = {}, image
        for i, stride in enumerate((2, 4, 8, 16, 32)):
            if not (atrous and stride == 32):
                x = keras.layers.MaxPooling2D(2, name=f"encoder_pool{i}")(x)
            layer = keras.layers.Conv2D(
                i + 3, 3, padding="same", activation="relu", name=f"encoder_conv{i}"
            )
            features[stride] = x = layer(x)
        return features

    narrow_encoder(encode)


@pytest.fixture
def narrow_encoder(monkeypatch):
    """Puts another function in place of the encoders of every decoder that takes any."""
    from keras_upsample.zoo import (
        _deeplab_v3_plus,
        _fpn,
        _manet,
        _pan,
        _pspnet,
        _segformer,
        _upernet,
    )

    def replace(encode):
        for module in (_deeplab_v3_plus, _fpn, _manet, _pan, _pspnet, _segformer, _upernet):
            monkeypatch.setattr(module, "encode", encode)

    return replace
