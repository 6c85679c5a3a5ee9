"""Lanczos and area resizing: values in every form, laws, other libraries' numbers."""

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient
from PIL import Image

from keras_upsample import ops

pytestmark = pytest.mark.backend_neutral

SHAPES = [(2, 5, 7, 3), (1, 1, 1, 1), (1, 1, 6, 2), (3, 4, 1, 1)]
TARGETS = [{"scale": 2}, {"scale": (3, 1)}, {"size": (3, 11)}, {"size": 8}]
COORDINATES = ("half_pixel", "align_corners", "asymmetric")


def image(shape: tuple[int, ...], seed: int = 41) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def size_of(shape: tuple[int, ...], target: dict) -> tuple[int, int]:
    rows, columns = np.broadcast_to(target.get("size", target.get("scale")), 2).tolist()
    return (rows, columns) if "size" in target else (shape[1] * rows, shape[2] * columns)


@pytest.mark.parametrize(
    ("lobes", "border"), [(2, "clamp"), (3, "renormalize"), (3, "clamp"), (4, "renormalize")]
)
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("form", ["taps", "matrix"])
def test_lanczos(form: str, coordinates: str, lobes: int, border: str) -> None:
    options = {"coordinates": coordinates, "lobes": lobes, "border": border}
    for shape in SHAPES:
        x = image(shape)
        for target in TARGETS[:3]:
            size = size_of(shape, target)
            expected = reference.resize(x, "lanczos", size, **options)
            with ops.resize_forms({"lanczos": (form,)}):
                y = ops.resize_lanczos(x, **target, **options)
                z = ops.resize_lanczos(first(x), **target, **options, data_format="channels_first")
            assert_close(y, expected, of_range=2e-6)
            assert_close(z, first(expected), of_range=2e-6)


def test_lanczos_is_that_of_pillow() -> None:
    """Pillow smooths when it makes smaller, and only then."""
    x = image((1, 9, 13, 1))
    for size in [(18, 26), (27, 13), (20, 31)]:
        picture = Image.fromarray(x[0, :, :, 0]).resize(size[::-1], Image.Resampling.LANCZOS)
        expected = np.asarray(picture)[None, ..., None]
        assert_close(ops.resize_lanczos(x, size=size), expected, of_range=1e-5)


def test_literal_lanczos() -> None:
    y = as_numpy(ops.resize_lanczos(np.float32([0, 1]).reshape(1, 1, 2, 1), scale=(1, 2)))[0]
    np.testing.assert_allclose(y.ravel(), [-0.1755, 0.2329, 0.7671, 1.1755], atol=5e-5)


@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
def test_area(form: str) -> None:
    for shape in SHAPES:
        x = image(shape)
        for target in [*TARGETS, {"size": (1, 2)}, {"size": (2, 7)}, {"size": (10, 3)}]:
            expected = reference.resize(x, "area", size_of(shape, target))
            with ops.resize_forms({"area": (form,)}):
                y = ops.resize_area(x, **target)
                z = ops.resize_area(first(x), **target, data_format="channels_first")
            assert_close(y, expected, of_range=1e-6)
            assert_close(z, first(expected), of_range=1e-6)


def test_literal_area() -> None:
    def resized(values: list[float], columns: int) -> list[float]:
        y = ops.resize_area(np.float32(values).reshape(1, 1, -1, 1), size=(1, columns))
        return as_numpy(y)[0].ravel().tolist()

    assert resized([1, 3, 5, 7], 2) == [2, 6]
    assert resized([1, 2], 4) == [1, 1, 2, 2]
    assert resized([1, 2], 3) == [1, 1.5, 2]
    np.testing.assert_allclose(resized([1, 2, 3], 2), [4 / 3, 8 / 3], rtol=1e-6)


@pytest.mark.parametrize("pair", [(7, 3), (5, 13), (100, 99), (12, 4), (641, 480)])
def test_area_keeps_the_mean_and_weighs_every_pixel_alike(pair: tuple[int, int]) -> None:
    """Each output pixel is a mean; each input pixel counts n_out/n_in in all of them together."""
    n_in, n_out = pair
    x = np.random.default_rng(42).random((1, n_in, 1, 1)).astype("float32")
    y = as_numpy(ops.resize_area(x, size=(n_out, 1)))[0]
    np.testing.assert_allclose(y.mean(), x.mean(dtype="float64"), rtol=1e-5)

    def total(value: object) -> object:
        return keras.ops.sum(ops.resize_area(value, size=(n_out, 1)))

    np.testing.assert_allclose(gradient(total, x), n_out / n_in, rtol=1e-5)


def test_a_whole_scale_of_area_is_nearest_to_the_bit() -> None:
    x = image((1, 4, 5, 2))
    expected = as_numpy(ops.resize_nearest(x, scale=(2, 3)))[0]
    assert np.array_equal(as_numpy(ops.resize_area(x, scale=(2, 3)))[0], expected)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
def test_half_precision_rounds_once(form: str, dtype: str) -> None:
    x = keras.ops.cast(keras.ops.convert_to_tensor(image((1, 4, 6, 2))), dtype)
    exact = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    half_a_unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    with ops.resize_forms({"lanczos": (form,), "area": (form,)}):
        y = ops.resize_lanczos(x, size=(7, 9))
        expected = reference.resize(exact, "lanczos", (7, 9))
        assert_close(y, expected, of_range=half_a_unit, dtype=dtype)
        for size in [(2, 3), (3, 5)]:
            expected = reference.resize(exact, "area", size)
            y = ops.resize_area(x, size=size)
            assert_close(y, expected, of_range=half_a_unit, dtype=dtype)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX computes in 32 bits")
def test_double_precision_is_kept() -> None:
    x = np.random.default_rng(43).uniform(-1, 1, (1, 4, 6, 2))
    wide = keras.ops.convert_to_tensor(x, "float64")
    for form in ("operator", "taps", "matrix"):
        with ops.resize_forms({"lanczos": (form,), "area": (form,)}):
            y = ops.resize_lanczos(wide, scale=2)
            expected = reference.resize(x, "lanczos", (8, 12))
            assert_close(y, expected, of_range=1e-14, dtype="float64")
            for size in [(2, 3), (3, 5)]:
                y = ops.resize_area(wide, size=size)
                expected = reference.resize(x, "area", size)
                assert_close(y, expected, of_range=1e-14, dtype="float64")


X = np.zeros((1, 4, 4, 1), "float32")
BAD = [
    (lambda: ops.resize_lanczos(X, scale=2, lobes=5), "`lobes` must be 2, 3 or 4. Received: 5"),
    (lambda: ops.resize_lanczos(X, scale=2, lobes=1), "`lobes` must be an int >= 2"),
    (lambda: ops.resize_lanczos(X, scale=2, border="wrap"), "`border` must be one of"),
    (lambda: ops.resize_lanczos(X, scale=2, coordinates="corner"), "`coordinates` must be one of"),
    (lambda: ops.resize_area(X), "Exactly one of `scale`"),
    (lambda: ops.resize_area(X, scale=0.5), "`scale` must be an int >= 1"),
    (lambda: ops.resize_area(X.astype("int32"), size=2), "`x` must hold floats"),
    (lambda: ops.resize_area(X, size=(2, 0)), "`size` must be an int >= 1"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
