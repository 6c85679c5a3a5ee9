"""Bilinear resizes as products with matrices, and what is said of resizes that stay."""

import keras
import numpy as np
import pytest
import reference
from keras import layers
from lowering_checks import check_forms, model_of, target

from keras_upsample.layers import BilinearUpSampling2D
from keras_upsample.lowering import lower
from keras_upsample.lowering._rules import matrices
from keras_upsample.program._applied import KEEP
from keras_upsample.program._emitted_layers import FormedResize2D

SIZES = [((3, 4), (2, 2)), ((1, 5), (3, 2)), ((7, 1), (4, 8)), ((1, 1), (2, 5))]


@pytest.mark.parametrize(("size", "scale"), SIZES)
@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric"])
def test_ours(size: tuple, scale: tuple, coordinates: str) -> None:
    model = model_of(BilinearUpSampling2D(scale, coordinates=coordinates), *size, 3)
    out = tuple(n * s for n, s in zip(size, scale, strict=True))

    def oracle(x: np.ndarray) -> np.ndarray:
        return reference.resize(x, "bilinear", out, coordinates)

    assert check_forms(model, matrices, oracle) == {"matrices"}


@pytest.mark.parametrize("out", [(7, 5), (4, 9)])
def test_other_factors(out: tuple) -> None:
    def oracle(x: np.ndarray) -> np.ndarray:
        return reference.resize(x, "bilinear", out, "half_pixel")

    for layer in (layers.Resizing(*out), BilinearUpSampling2D(size=out)):
        assert check_forms(model_of(layer, 3, 5, 2), matrices, oracle) == {"matrices"}


@pytest.mark.parametrize("size", [(3, 4), (1, 5)])
def test_stock_layers(size: tuple) -> None:
    out = (2 * size[0], 3 * size[1])
    for layer in (
        layers.UpSampling2D((2, 3), interpolation="bilinear"),
        layers.Resizing(*out),
        lambda x: keras.ops.image.resize(x, out),
    ):

        def oracle(x: np.ndarray) -> np.ndarray:
            return reference.resize(x, "bilinear", out, "half_pixel")

        assert check_forms(model_of(layer, *size, 2), matrices, oracle) == {"matrices"}


def test_the_lowered_model_can_be_saved(tmp_path) -> None:
    model = model_of(BilinearUpSampling2D(2), 3, 4, 2)
    lowered = lower(model, target({matrices.NAME: "matrices"})).model
    assert any(type(layer) is FormedResize2D for layer in lowered.layers)
    lowered.save(tmp_path / "lowered.keras")
    again = keras.models.load_model(tmp_path / "lowered.keras")
    x = np.random.default_rng(0).random((2, 3, 4, 2), "float32")
    np.testing.assert_array_equal(again(x), lowered(x))


@pytest.mark.parametrize(
    ("layer", "size", "reason"),
    [
        (layers.UpSampling2D(2), (4, 4), "nothing but the model's output reads it"),
        (layers.Resizing(5, 7, "bicubic"), (4, 4), "no rule has another form"),
        (BilinearUpSampling2D(2), (None, None), "its size is open"),
        (layers.UpSampling2D(2, interpolation="bicubic"), (4, 4), "no rule has another form"),
    ],
)
def test_what_stays_is_named_with_the_reason(layer, size, reason) -> None:
    # a layer of an earlier test would be known to its model
    layer = type(layer).from_config(layer.get_config())
    entries = lower(model_of(layer, *size, 2), target()).applied
    assert [(entry.layers, entry.form) for entry in entries] == [((layer.name,), KEEP)]
    assert reason in entries[0].gain


def test_a_shared_transposed_convolution_is_named() -> None:
    shared = layers.Conv2DTranspose(2, 2, 2)
    x, y = keras.Input((4, 4, 2)), keras.Input((4, 4, 2))
    entries = lower(keras.Model([x, y], [shared(x), shared(y)]), target()).applied
    assert {entry.gain for entry in entries} == {f"`transposed`: layer {shared.name!r} is shared"}
