"""Adaptive pooling, resizing and reshaping to a reference's size: plain loops, laws, open sizes."""

import math

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient

from keras_upsample import layers, ops

pytestmark = pytest.mark.backend_neutral

SHAPES = [(2, 5, 7, 3), (1, 1, 1, 2), (2, 12, 6, 1), (1, 64, 48, 2)]
SIZES = [1, 2, 3, 6, (4, 11)]


def image(*shape: int, seed: int = 51) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def pooled(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """PyTorch's definition, window by window."""
    _, h, w, _ = x.shape
    y = np.zeros((len(x), rows, columns, x.shape[3]))
    for i in range(rows):
        for j in range(columns):
            down = slice(math.floor(i * h / rows), math.ceil((i + 1) * h / rows))
            across = slice(math.floor(j * w / columns), math.ceil((j + 1) * w / columns))
            y[:, i, j] = x[:, down, across].astype("float64").mean(axis=(1, 2))
    return y


@pytest.mark.parametrize("form", ["operator", "taps", "matrix", "pointwise"])
def test_adaptive_average_pool(form: str) -> None:
    for shape in SHAPES:
        x = image(*shape)
        for size in SIZES:
            expected = pooled(x, *np.broadcast_to(size, 2).tolist())
            with ops.resize_forms({"area": (form,)}):
                y = ops.adaptive_average_pool(x, size=size)
                z = ops.adaptive_average_pool(first(x), size=size, data_format="channels_first")
            assert_close(y, expected, of_range=2e-6)
            assert_close(z, first(expected), of_range=2e-6)


def test_literal_adaptive_average_pool() -> None:
    def line(values: list[float], columns: int) -> list[float]:
        x = np.float32(values).reshape(1, 1, -1, 1)
        return as_numpy(ops.adaptive_average_pool(x, size=(1, columns)))[0].ravel().tolist()

    assert line([1, 2, 3], 2) == [1.5, 2.5]
    assert line([1, 2], 3) == [1, 1.5, 2]
    assert line([1, 3, 5, 7], 2) == [2, 6]
    assert line([1, 2, 3, 6], 1) == [3]


def test_the_gradient_of_adaptive_pooling_is_its_adjoint() -> None:
    """<Ax, y> = <x, Aᵀy>, and Aᵀy is what the gradient gives."""
    x, y = image(2, 7, 5, 3), image(2, 3, 6, 3, seed=52)

    def product(value: object) -> object:
        means = ops.adaptive_average_pool(value, size=(3, 6))
        return keras.ops.sum(means * keras.ops.convert_to_tensor(y))

    back = gradient(product, x)
    ahead = float(as_numpy(product(keras.ops.convert_to_tensor(x)))[0])
    assert abs(ahead - float(np.sum(back * x))) < 1e-4
    probe = np.zeros_like(x)
    probe[1, 4, 2, 1] = 1
    expected = float(np.sum(pooled(probe, 3, 6) * y))
    assert abs(back[1, 4, 2, 1] - expected) < 1e-6


@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_resize_like(interpolation: str, coordinates: str) -> None:
    x = image(2, 3, 5, 2)
    options = {"interpolation": interpolation, "coordinates": coordinates}
    for size in [(7, 9), (3, 1), (2, 20), (6, 10)]:
        other = np.zeros((1, *size, 4), "float32")
        expected = reference.resize(x, interpolation, size, coordinates)
        assert_close(ops.resize_like(x, other, **options), expected, of_range=2e-6)
        y = ops.resize_like(first(x), first(other), data_format="channels_first", **options)
        assert_close(y, first(expected), of_range=2e-6)


def at_open_size(layer: keras.layers.Layer, *arrays: np.ndarray) -> np.ndarray:
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("only TensorFlow's graphs have open sizes")
    shapes = [(*(None,) * (a.ndim - 1), a.shape[-1]) for a in arrays]
    run = tf.function(
        lambda *x: layer(list(x) if len(x) > 1 else x[0]),
        input_signature=[tf.TensorSpec(shape, "float32") for shape in shapes],
    )
    return run(*arrays).numpy()


def test_open_sizes() -> None:
    for shape in SHAPES:
        x = image(*shape)
        for size in (3, (6, 2)):
            y = at_open_size(layers.AdaptiveAveragePooling2D(size), x)
            assert_close(y, pooled(x, *np.broadcast_to(size, 2).tolist()), of_range=2e-6)
    x = image(2, 3, 5, 2)
    for coordinates in ("half_pixel", "align_corners"):
        for size in [(7, 9), (1, 3), (3, 5)]:
            like = layers.ResizeLike2D(coordinates=coordinates)
            y = at_open_size(like, x, np.zeros((1, *size, 1), "float32"))
            expected = reference.resize(x, "bilinear", size, coordinates)
            assert_close(y, expected, of_range=2e-6)
    x = image(2, 3, 5, 2)
    y = at_open_size(layers.ReshapeLike2D(), x.reshape(2, 15, 2), np.zeros((2, 3, 5, 9), "float32"))
    assert np.array_equal(y, x)


def test_reshape_like_in_both_orders_and_after_saving(tmp_path) -> None:
    x, other = image(2, 3, 5, 4), np.zeros((2, 3, 5, 1), "float32")
    assert np.array_equal(as_numpy(layers.ReshapeLike2D()([x.reshape(2, 15, 4), other]))[0], x)
    tokens = first(x).reshape(2, 4, 15)
    y = layers.ReshapeLike2D(data_format="channels_first")([tokens, first(other)])
    assert np.array_equal(as_numpy(y)[0], first(x))
    inputs = [keras.Input((None, 4)), keras.Input((None, None, 1))]
    model = keras.Model(inputs, layers.ReshapeLike2D()(inputs))
    assert model.output_shape == (None, None, None, 4)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert np.array_equal(as_numpy(loaded([x.reshape(2, 15, 4), other]))[0], x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: ops.adaptive_average_pool(image(1, 2, 2, 1), size=0),
            "`size` must be an int >= 1",
        ),
        (lambda: layers.AdaptiveAveragePooling2D((2, 2, 2)), "`size` must be an int or a pair"),
        (
            lambda: ops.resize_like(image(1, 2, 2, 1), image(1, 2, 2, 1), interpolation="cubic"),
            "`interpolation` must be one of 'bilinear', 'nearest'",
        ),
        (lambda: layers.ResizeLike2D(coordinates="corners"), "`coordinates` must be one of"),
        (
            lambda: layers.ResizeLike2D()(keras.Input((4, 4, 3))),
            r"must be the list \[x, reference\]",
        ),
        (
            lambda: layers.ReshapeLike2D()([keras.Input((17, 3)), keras.Input((4, 4, 3))]),
            "4 x 4 = 16 tokens.*Take class tokens off",
        ),
        (
            lambda: layers.ReshapeLike2D()([keras.Input((16, None)), keras.Input((4, 4, 3))]),
            "known number of channels",
        ),
    ],
)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
