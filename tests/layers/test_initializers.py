"""What the initial kernels make of a layer: plain interpolation."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close

from keras_upsample import initializers, layers

pytestmark = pytest.mark.backend_neutral


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(15).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("scale", [2, 3])
def test_icnr_starts_a_subpixel_convolution_as_nearest(scale: int, order: str) -> None:
    layer = layers.SubpixelConv2D(3, scale, order=order)
    x = image((2, 4, 5, 2))
    y = as_numpy(layer(x))[0]
    kernel = as_numpy(layer.kernel)[0]  # any of the equal kernels is the small convolution's
    small = kernel[..., :3] if order == "dcr" else kernel[..., :: scale**2]
    assert np.ptp(small) > 0
    expected = reference.resize(reference.conv_same(x, small), "nearest", (4 * scale, 5 * scale))
    assert_close(y, expected, of_range=2e-6)


@pytest.mark.parametrize("order", ["dcr", "crd"])
def test_subpixel_convolution_with_any_kernel(order: str) -> None:
    layer = layers.SubpixelConv2D(
        3, 2, (3, 5), order=order, initializer="glorot_normal", bias_initializer="normal"
    )
    x = image((2, 4, 5, 2))
    y = layer(x)
    kernel, bias = (as_numpy(weight)[0] for weight in layer.weights)
    expected = reference.pixel_shuffle(reference.conv_same(x, kernel, bias), 2, order)
    assert_close(y, expected, of_range=2e-6)


@pytest.mark.parametrize(
    ("scale", "kernel"), [(2, 2), (2, 3), (2, 4), (3, 3), (3, 5), (2, 6), (2, 5), ((2, 3), (4, 9))]
)
def test_icnr_starts_a_transposed_convolution_as_nearest(scale: object, kernel: object) -> None:
    """A pixel of a small convolution is repeated over every block of the output."""
    layer = layers.TransposedConv2D(3, scale, kernel, initializer="icnr")
    x = image((1, 5, 6, 2))
    y = as_numpy(layer(x))[0]
    rows, columns = layer.scale
    block = y[:, ::rows, ::columns]
    assert np.ptp(block) > 0.1
    expected = reference.resize(block, "nearest", (5 * rows, 6 * columns))
    assert_close(y, expected, of_range=1e-6)


def test_icnr_blocks_are_aligned_with_the_crop() -> None:
    make = initializers.TransposedICNR(2, (1, 0), "ones")
    kernel = as_numpy(make((4, 5, 1, 1)))[0][:, :, 0, 0]
    assert kernel[:, 0].tolist() == [0, 1, 1, 0]
    assert kernel[1].tolist() == [1, 1, 1, 1, 0]


def test_bilinear_kernel() -> None:
    kernel = as_numpy(initializers.BilinearDeconvolution()((1, 4, 3, 3)))[0]
    assert kernel[0, :, 1, 1].tolist() == [0.25, 0.75, 0.75, 0.25]
    assert kernel[0, :, 0, 1].tolist() == [0, 0, 0, 0]
    assert np.array_equal(kernel[..., 0, 0], kernel[..., 2, 2])
    odd = as_numpy(initializers.BilinearDeconvolution()((5, 1, 2, 1)))[0]
    assert_close(odd[:, 0, 0, 0], np.array([1, 2, 3, 2, 1]) / 3)
    assert not odd[:, 0, 1].any()


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_bilinear_start_is_half_pixel_bilinear_inside(scale: int) -> None:
    """At the borders it sees zeros where interpolation repeats the last pixel."""
    layer = layers.TransposedConv2D(2, scale, 2 * scale if scale > 1 else 1, initializer="bilinear")
    x = image((1, 5, 6, 2))
    y = as_numpy(layer(x))[0]
    expected = reference.resize(x, "bilinear", (5 * scale, 6 * scale))
    inside = (slice(None), slice(scale, -scale), slice(scale, -scale))
    assert_close(y[inside], expected[inside], of_range=1e-6)
    if scale > 1:
        assert np.abs(y - expected).max() > 0.05


@pytest.mark.parametrize("scale", [2, 3, 5])
def test_bilinear_default_kernel_keeps_constants_inside(scale: int) -> None:
    layer = layers.TransposedConv2D(1, scale, initializer="bilinear")
    assert layer.kernel_size == (2 * scale - scale % 2,) * 2
    y = as_numpy(layer(np.ones((1, 4, 4, 1), "float32")))[0]
    inside = y[:, scale:-scale, scale:-scale]
    assert_close(inside, np.ones(inside.shape))


def test_config_round_trip() -> None:
    made = [
        initializers.ICNR(3, keras.initializers.HeNormal(seed=1), order="crd"),
        initializers.TransposedICNR((2, 3), (1, 0), keras.initializers.HeNormal(seed=1)),
        initializers.BilinearDeconvolution(),
    ]
    for initializer in made:
        again = keras.initializers.deserialize(keras.initializers.serialize(initializer))
        assert type(again) is type(initializer)
        shape = (4, 6, 2, 9)
        assert np.array_equal(as_numpy(again(shape))[0], as_numpy(initializer(shape))[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.ICNR(0), "`scale` must be an int >= 1"),
        (lambda: initializers.ICNR(2, order="x"), "`order` must be one of"),
        (lambda: initializers.ICNR(2, "nothing"), "`base_initializer` must be a Keras"),
        (lambda: initializers.ICNR(2)((3, 3, 4, 6)), "multiple of 4 output channels"),
        (lambda: initializers.TransposedICNR(2, -1), "`crop` must be an int >= 0"),
        (lambda: initializers.TransposedICNR(3)((2, 3, 1, 1)), "whole block of 3 taps"),
    ],
)
def test_bad_argument(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


KINDS = {1: layers.TransposedConv1D, 2: layers.TransposedConv2D, 3: layers.TransposedConv3D}


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("rank", KINDS)
def test_transposed_layers_of_every_rank_start_as_interpolation(rank: int, groups: int) -> None:
    x = np.random.default_rng(3).uniform(-1, 1, (2, *(4, 5, 3)[:rank], 4)).astype("float32")
    icnr = KINDS[rank](4, 2, initializer="icnr", groups=groups)
    y = as_numpy(icnr(x))[0]
    first = y[(slice(None), *(slice(None, None, 2),) * rank)]
    copied = first
    for axis in range(1, rank + 1):
        copied = np.repeat(copied, 2, axis=axis)
    assert np.abs(first).max() > 0.1
    assert_close(y, copied, of_range=1e-6)
    linear = KINDS[rank](4, 2, initializer="bilinear", groups=groups)
    expected = x.astype("float64")
    for axis in range(1, rank + 1):  # one axis at a time, by the oracle for images
        line = np.moveaxis(expected, axis, 1)
        flat = line.reshape(len(line), line.shape[1], -1, 1)
        flat = reference.resize(flat, "bilinear", (2 * flat.shape[1], flat.shape[2]))
        expected = np.moveaxis(flat.reshape(len(line), -1, *line.shape[2:]), 1, axis)
    inner = (slice(None), *(slice(1, -1),) * rank)
    assert_close(as_numpy(linear(x))[0][inner], expected[inner], of_range=2e-6)
    copy = type(linear).from_config(linear.get_config())
    assert copy.initializer.get_config() == {"groups": groups}
