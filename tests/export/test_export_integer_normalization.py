"""Normalisations in files of 16-bit activations, against the float model."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import data, export, runtimes
from keras_upsample.formats._target_model import model_for_target
from keras_upsample.targets import target_named

SIZE = (23, 30)
IMAGES = [data.photograph(name, SIZE) for name in list(data.PHOTOGRAPHS)[:9]]
STACKS = {
    "groups": lambda: [layers.GroupNormalization(4), layers.ReLU(), convolution(), groups(2)],
    "one_group": lambda: [groups(1), convolution()],
    "layer": lambda: [layers.LayerNormalization(), layers.ReLU(), convolution(), layer()],
    "whole": lambda: [layer(axis=[1, 2, 3]), convolution()],
    "plain": lambda: [layer(center=False, scale=False), convolution()],
    "root_mean_square": lambda: [layers.RMSNormalization(), convolution()],
    "unit": lambda: [layers.UnitNormalization(), convolution()],
    "next": lambda: [
        layers.DepthwiseConv2D(7, padding="same"),
        layer(epsilon=1e-6),
        layers.Dense(16, activation="gelu"),
        layers.Dense(8),
    ],
    "tokens": lambda: [layers.Reshape((-1, 8)), layer(), layers.Dense(8), groups(2)],
}


def convolution(filters: int = 8) -> layers.Layer:
    return layers.Conv2D(filters, 3, padding="same")


def groups(count: int, **options) -> layers.Layer:
    return layers.GroupNormalization(count, **options)


def layer(**options) -> layers.Layer:
    return layers.LayerNormalization(**options)


def net(stack: str) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((*SIZE, 3), name="image"), convolution(), *STACKS[stack]()]
    )
    rng = np.random.default_rng(0)
    for each in model.layers:
        if "Normalization" in type(each).__name__:
            for weight in each.weights:
                spread = rng.normal(0, 0.3, weight.shape)
                weight.assign(spread if "beta" in weight.path else 1 + spread)
    return model


@pytest.mark.parametrize("stack", STACKS)
def test_sixteen_bits(stack: str, tmp_path) -> None:
    model, path = net(stack), tmp_path / "m.tflite"
    export.to_tflite(
        model, path, precision="int16x8", images=IMAGES[8:], representative_data=IMAGES[:8]
    )
    x = IMAGES[8][None] / np.float32(255)
    (given,) = runtimes.load(path)({"image": x}).values()
    wanted = np.asarray(model(x), "float64")
    assert 10 * np.log10(wanted.var() / np.mean((given - wanted) ** 2)) > 40


@pytest.mark.parametrize("stack", STACKS)
def test_the_form_is_exact_in_floats(stack: str) -> None:
    model = net(stack)
    x = np.float32([image / 255 for image in IMAGES[:3]]) * 40
    wanted = np.asarray(model(x), "float64")
    with model_for_target(model, target_named("tflite_int16x8")):
        given = np.asarray(model(x))
    assert np.abs(given - wanted).max() < 2e-5 * np.ptp(wanted)
    assert not any("call" in vars(each) for each in model.layers)
