"""Pixel shuffle and its inverse against the oracle."""

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from gradients import gradient

from keras_upsample import ops
from keras_upsample.ops._lacking import NAMES, lacking

pytestmark = pytest.mark.backend_neutral


def image(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("shape", [(2, 3, 5, 2), (1, 1, 1, 1), (1, 4, 1, 3)])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("lacks", [frozenset(), NAMES], ids=len)
def test_values(order: str, scale: int, shape: tuple[int, ...], lacks: frozenset[str]) -> None:
    with lacking(lacks):
        check_values(order, scale, shape)


def check_values(order: str, scale: int, shape: tuple[int, ...]) -> None:
    n, h, w, c = shape
    x = image((n, h, w, c * scale**2))
    y = reference.pixel_shuffle(x, scale, order)
    options = {"data_format": "channels_first"}
    assert_close(ops.pixel_shuffle(x, scale, order), y, of_range=0)
    assert_close(ops.pixel_shuffle(first(x), scale, order, **options), first(y), of_range=0)
    y = y.astype("float32")
    assert_close(ops.pixel_unshuffle(y, scale, order), x, of_range=0)
    assert_close(ops.pixel_unshuffle(first(y), scale, order, **options), first(x), of_range=0)


@pytest.mark.parametrize("order", ["dcr", "crd"])
def test_gradient_of_a_shuffle_is_the_unshuffle(order: str) -> None:
    w = image((1, 6, 4, 2))

    def inner(x: object) -> object:
        y = ops.pixel_shuffle(x, 2, order)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(w))

    expected = reference.pixel_unshuffle(w, 2, order)
    assert_close(gradient(inner, image((1, 3, 2, 8))), expected, of_range=0)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int32", "uint8"])
@pytest.mark.parametrize("order", ["dcr", "crd"])
def test_dtype_is_kept(order: str, dtype: str) -> None:
    x = np.arange(48).reshape(1, 2, 3, 8)
    y = ops.pixel_shuffle(keras.ops.cast(keras.ops.convert_to_tensor(x), dtype), 2, order)
    expected = reference.pixel_shuffle(x, 2, order)
    assert_close(keras.ops.cast(y, "float32"), expected, of_range=0)
    assert keras.backend.standardize_dtype(y.dtype) == dtype
