"""Steps of 8-bit weights beside 16-bit activations: those that leave the least error."""

import keras
import numpy as np
import pytest
import reference
from keras import layers

from keras_upsample import export, runtimes, zoo
from keras_upsample.formats._tflite_steps import fitting_steps
from keras_upsample.layers import BicubicUpSampling2D

BICUBIC = np.array([[-9, 29, 111, -3], [-3, 111, 29, -9]]) / 128
SIZE = (9, 14, 3)


def held(rows: np.ndarray, step: np.ndarray) -> np.ndarray:
    return np.round(rows / step[:, None])


def test_taps_of_a_resize_are_exact():
    step = np.abs(BICUBIC).max(1) / 127
    steps, whole = fitting_steps(BICUBIC, held(BICUBIC, step), step)
    np.testing.assert_allclose(steps, 1 / 128, rtol=1e-12)
    np.testing.assert_array_equal(whole, BICUBIC * 128)
    assert abs((held(BICUBIC, step) * step[:, None]).sum(1) - 1).min() > 3e-3


def test_weights_on_the_grid_keep_their_step():
    whole = np.array([[127, -50, 3], [64, 127, 1]])
    step = np.array([0.01, 0.3])
    steps, given = fitting_steps(whole * step[:, None], whole, step)
    np.testing.assert_array_equal(steps, step)
    np.testing.assert_array_equal(given, whole)


def test_no_row_gets_worse_and_none_beyond_8_bits():
    rows = np.random.default_rng(0).normal(size=(200, 9))
    rows[3] = 0
    step = np.where(rows.any(1), np.abs(rows).max(1) / 127, 1)

    def cost(error: np.ndarray) -> np.ndarray:
        return error.sum(1) ** 2 + 0.1 * (error**2).sum(1)

    old = held(rows, step)
    steps, whole = fitting_steps(rows, old, step)
    before, after = (cost(a * b[:, None] - rows) for a, b in ((old, step), (whole, steps)))
    assert (after <= before).all()
    assert np.mean(after < before) > 0.3
    assert np.abs(whole).max() <= 127
    np.testing.assert_array_equal(whole, np.round(whole))


@pytest.mark.parametrize("runtime", ["litert", "tflm"])
def test_bicubic_with_16_bits(runtime, tmp_path):
    """An oracle of plain loops, at an odd size: 42 dB in the converter's steps."""
    if not runtimes.available()[runtime]:
        pytest.skip(f"{runtime} is not installed")
    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, BicubicUpSampling2D(2)(image))
    x = np.random.default_rng(0).random((1, *SIZE), "float32")
    path = tmp_path / "m.tflite"
    export.to_tflite(model, path, precision="int16x8", images=[x[0]])
    (y,) = runtimes.load(path, runtime=runtime)({"image": x}).values()
    wanted = reference.resize(x, "bicubic", (18, 28))
    error = np.mean((y - wanted) ** 2) / np.mean(wanted**2)
    assert 10 * np.log10(error) < -75


def test_biases_count_in_the_new_steps(tmp_path):
    """A convolution with the taps of a resize, a bias, and two channels that differ."""
    image = keras.Input((8, 11, 1), name="image")
    conv = layers.Conv2D(2, (1, 4), padding="same", name="taps")
    model = keras.Model(image, conv(image))
    conv.set_weights([BICUBIC.T[None, :, None] * [1, 3], np.array([0.7, -1.3])])
    x = np.random.default_rng(1).random((1, 8, 11, 1), "float32")
    path = tmp_path / "m.tflite"
    export.to_tflite(model, path, precision="int16x8", images=[x[0]], lower=False)
    (y,) = runtimes.load(path)({"image": x}).values()
    wanted = np.asarray(model(x), "float64")
    error = ((y - wanted) ** 2).mean(axis=(0, 1, 2)) / (wanted**2).mean(axis=(0, 1, 2))
    assert (10 * np.log10(error) < -75).all()


def test_the_preset_meets_its_gate(tmp_path):
    model = zoo.espcn((64, 64, 3), weights="photos_x2")
    report = export.to_tflite(model, tmp_path / "m.tflite", precision="int16x8")
    assert min(d.snr_db for check in report.verifications for d in check.differences) > 55
