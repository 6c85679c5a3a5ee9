"""Resizing against the oracle: every option, odd, non-square and one-pixel images, all forms."""

import keras
import numpy as np
import pytest
import reference
from compare import assert_close

from keras_upsample import ops

pytestmark = pytest.mark.backend_neutral

SHAPES = [(2, 5, 7, 3), (1, 1, 1, 1), (1, 1, 6, 2), (3, 4, 1, 1), (1, 8, 6, 1)]
TARGETS = [{"scale": 2}, {"scale": (3, 1)}, {"scale": (4, 5)}, {"size": (3, 11)}, {"size": 8}]
COORDINATES = ("half_pixel", "align_corners", "asymmetric")
FORMS = ("operator", "taps", "matrix", "pointwise", "concat", "steps")
FUNCTIONS = {
    "nearest": ops.resize_nearest,
    "bilinear": ops.resize_bilinear,
    "bicubic": ops.resize_bicubic,
}
CUBICS = [(-0.5, "renormalize"), (-0.5, "clamp"), (-0.75, "renormalize"), (-0.75, "clamp")]


def image(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def size_of(shape: tuple[int, ...], target: dict) -> tuple[int, int]:
    if "size" in target:
        size = target["size"]
        return (size, size) if isinstance(size, int) else size
    scale = target["scale"]
    rows, columns = (scale, scale) if isinstance(scale, int) else scale
    return shape[1] * rows, shape[2] * columns


def check(interpolation: str, form: str, coordinates: str, **options: object) -> None:
    for shape in SHAPES:
        x = image(shape)
        for target in TARGETS:
            expected = reference.resize(
                x, interpolation, size_of(shape, target), coordinates, **options
            )
            with ops.resize_forms({interpolation: (form,)}):
                y = FUNCTIONS[interpolation](
                    x, **target, coordinates=coordinates, data_format="channels_last", **options
                )
                first = FUNCTIONS[interpolation](
                    np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
                    **target,
                    coordinates=coordinates,
                    data_format="channels_first",
                    **options,
                )
            tolerance = 0.0 if interpolation == "nearest" else 2e-6
            assert_close(y, expected, of_range=tolerance)
            assert_close(first, expected.transpose(0, 3, 1, 2), of_range=tolerance)


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_values(interpolation: str, form: str, coordinates: str) -> None:
    check(interpolation, form, coordinates)


@pytest.mark.parametrize(("coefficient", "border"), CUBICS)
@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
def test_bicubic_values(form: str, coordinates: str, coefficient: float, border: str) -> None:
    check("bicubic", form, coordinates, coefficient=coefficient, border=border)


@pytest.mark.parametrize("coordinates", COORDINATES)
def test_nearest_index_is_exact_at_every_size(coordinates: str) -> None:
    """float32 coordinates pick a wrong pixel at some of these: (2, 41), (14, 46), (8, 47)."""
    pairs = [(2, 41), (2, 47), (4, 55), (14, 46), (26, 22), (39, 33), (8, 47), (14, 23), (28, 39)]
    for n_in, n_out in pairs:
        x = np.arange(n_in, dtype="float32").reshape(1, 1, n_in, 1)
        expected = reference.resize(x, "nearest", (1, n_out), coordinates)
        y = ops.resize_nearest(x, size=(1, n_out), coordinates=coordinates)
        assert_close(y, expected, of_range=0.0)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.parametrize("form", FORMS)
def test_nearest_keeps_integers(dtype: str, form: str) -> None:
    x = np.arange(12).reshape(1, 3, 4, 1).astype(dtype)
    with ops.resize_forms({"nearest": (form,)}):
        y = ops.resize_nearest(keras.ops.convert_to_tensor(x, dtype=dtype), scale=2)
    assert_close(y, reference.resize(x, "nearest", (6, 8)), of_range=0.0, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_half_precision_rounds_once(interpolation: str, form: str, dtype: str) -> None:
    x = keras.ops.cast(keras.ops.convert_to_tensor(image((1, 4, 5, 2))), dtype)
    exact = keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))
    expected = reference.resize(exact, interpolation, (8, 10))
    with ops.resize_forms({interpolation: (form,)}):
        y = FUNCTIONS[interpolation](x, scale=2)
    half_a_unit = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
    assert_close(
        y, expected, of_range=0.0 if interpolation == "nearest" else half_a_unit, dtype=dtype
    )


@pytest.mark.parametrize("form", ["operator", "taps", "matrix"])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_double_precision_is_kept(interpolation: str, form: str) -> None:
    if keras.backend.backend() == "jax":
        pytest.skip("JAX computes in 32 bits unless it is told otherwise")
    x = np.random.default_rng(1).uniform(-1, 1, (1, 4, 5, 2))
    with ops.resize_forms({interpolation: (form,)}):
        y = FUNCTIONS[interpolation](keras.ops.convert_to_tensor(x, "float64"), scale=2)
    expected = reference.resize(x, interpolation, (8, 10))
    assert_close(y, expected, of_range=1e-14, dtype="float64")


def test_equal_size_is_the_input_itself() -> None:
    x = keras.ops.convert_to_tensor(image((1, 3, 4, 1)))
    for function in FUNCTIONS.values():
        assert function(x, scale=1) is x
        assert function(x, size=(3, 4)) is x
