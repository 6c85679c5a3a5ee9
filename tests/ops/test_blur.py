"""The blur behind a shuffle: values, and the checkerboard that it takes away."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import layers, ops
from keras_upsample.metrics import checkerboard_energy

pytestmark = pytest.mark.backend_neutral


def noise(shape: tuple[int, ...], seed: int = 51) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_values(scale: int) -> None:
    for shape in [(2, 8, 12, 3), (1, 4, 4, 1), (1, 5, 7, 2)]:
        x = noise(shape)
        expected = reference.checkerboard_blur(x, scale)
        assert_close(ops.checkerboard_blur(x, scale), expected)
        first = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
        y = ops.checkerboard_blur(first, scale, data_format="channels_first")
        assert_close(y, expected.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_pattern_vanishes_up_to_the_border(scale: int) -> None:
    pattern = np.tile(noise((2, scale, scale, 3)), (1, 5, 6, 1))
    y = as_numpy(ops.checkerboard_blur(pattern, scale))[0]
    mean = pattern.astype("float64").mean(axis=(1, 2), keepdims=True)
    assert checkerboard_energy(pattern, scale) > 0.9
    assert_close(y, np.broadcast_to(mean, y.shape))


@pytest.mark.parametrize("scale", [2, 3, 4, 5])
def test_nearest_and_blur_are_bilinear(scale: int) -> None:
    x = noise((2, 4, 5, 2))
    expected = reference.resize(x, "bilinear", (4 * scale, 5 * scale))
    assert_close(ops.checkerboard_blur(ops.resize_nearest(x, scale=scale), scale), expected)


@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("scale", [2, 3])
def test_no_weights_make_a_checkerboard_of_a_constant(scale: int, order: str) -> None:
    options = {
        "initializer": keras.initializers.GlorotUniform(seed=1),
        "bias_initializer": keras.initializers.RandomNormal(seed=2),
    }
    plain = layers.SubpixelConv2D(3, scale, 1, order=order, **options)
    blurred = layers.SubpixelConv2D(3, scale, 1, order=order, blur=True, **options)
    constant = np.full((1, 12, 12, 4), 0.7, "float32")
    before = as_numpy(plain(constant))[0]
    blurred.build(constant.shape)
    blurred.set_weights(plain.get_weights())
    after = as_numpy(blurred(constant))[0]
    assert checkerboard_energy(before, scale) > 0.9
    assert checkerboard_energy(after, scale) == 0
    assert np.ptp(after, axis=(1, 2)).max() <= 1e-6
    # and little of what is not constant
    smooth = np.linspace(0.5, 1, 12, dtype="float32")[:, None, None] * np.ones((1, 12, 12, 4), "f4")
    before, after = (checkerboard_energy(as_numpy(f(smooth))[0], scale) for f in (plain, blurred))
    assert before > 0.5
    assert after < 0.1


def test_starts_as_a_convolution_and_bilinear_upsampling() -> None:
    x = noise((1, 5, 6, 3))
    layer = layers.SubpixelConv2D(2, 2, blur=True)
    y = layer(x)
    kernel = np.asarray(layer.get_weights()[0], "float64")[..., :2]
    low = reference.conv_same(x, kernel)
    assert_close(y, reference.resize(low, "bilinear", (10, 12)), of_range=2e-6)


def test_blurs_what_the_plain_layer_computes_before_its_activation() -> None:
    x = noise((1, 4, 5, 3))
    plain = layers.SubpixelConv2D(2, 3, initializer="he_normal", order="crd")
    layer = layers.SubpixelConv2D(
        2, 3, initializer="he_normal", order="crd", blur=True, activation="relu"
    )
    expected = reference.checkerboard_blur(as_numpy(plain(x))[0], 3)
    layer.build(x.shape)
    layer.set_weights(plain.get_weights())
    assert_close(layer(x), np.maximum(expected, 0), of_range=2e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_rounds_once(dtype: str) -> None:
    x = keras.ops.cast(keras.ops.convert_to_tensor(noise((1, 6, 6, 2))), dtype)
    exact = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    half_a_unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    y = ops.checkerboard_blur(x, 3)
    expected = reference.checkerboard_blur(exact, 3)
    assert_close(y, expected, of_range=half_a_unit, dtype=dtype)


BAD = [
    (lambda: ops.checkerboard_blur(np.zeros((1, 4, 2, 1), "float32"), 3), "at least `scale`=3"),
    (lambda: ops.checkerboard_blur(np.zeros((1, 4, 4, 1), "float32"), 0), "`scale` must be an int"),
    (lambda: ops.checkerboard_blur(np.zeros((1, 4, 4, 1), "int32")), "`x` must hold floats"),
    (lambda: ops.checkerboard_blur(np.zeros((4, 4, 1), "float32")), "`x` must have 4 axes"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
