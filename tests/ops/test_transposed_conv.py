"""Transposed convolution against the oracle, with every kind of crop."""

import itertools

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from gradients import gradient

from keras_upsample import ops

pytestmark = pytest.mark.backend_neutral

# (kernel, stride) of which some are even, some odd, some smaller than the stride.
GEOMETRIES = [(1, 1), (2, 2), (3, 2), (4, 2), (5, 2), (3, 3), (4, 3), (7, 3), (2, 1), (5, 4)]


def random(shape: tuple[int, ...], seed: int = 8) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def check(kernel: tuple[int, int], stride: tuple[int, int], crop: object) -> None:
    weights = random((*kernel, 2, 3), 9)
    if crop is None:
        rows = [((k - s) // 2, k - s - (k - s) // 2) for k, s in zip(kernel, stride, strict=True)]
        expected_crop = (rows[0], rows[1])
    else:
        expected_crop = crop
    for shape in [(2, 3, 4, 3), (1, 2, 5, 3)]:
        x = random(shape)
        expected = reference.transposed_conv(x, weights, stride, expected_crop)
        y = ops.transposed_conv2d(x, weights, scale=stride, crop=crop)
        assert_close(y, expected, of_range=2e-6)
        bias = np.array([3.0, -5.0], "float32")
        y = ops.transposed_conv2d(x, weights, scale=stride, crop=crop, bias=bias)
        assert_close(y, expected + bias, of_range=2e-6)
        y = ops.transposed_conv2d(
            np.ascontiguousarray(x.transpose(0, 3, 1, 2)),
            weights,
            scale=stride,
            crop=crop,
            data_format="channels_first",
        )
        assert_close(y, expected.transpose(0, 3, 1, 2), of_range=2e-6)


@pytest.mark.parametrize(("kernel", "stride"), GEOMETRIES)
def test_exactly_scale_times_the_input(kernel: int, stride: int) -> None:
    check((kernel, kernel), (stride, stride), None)


@pytest.mark.parametrize(
    ("kernel", "stride"), [((2, 3), (2, 2)), ((4, 5), (2, 3)), ((3, 2), (1, 2))]
)
def test_rows_unlike_columns(kernel: tuple[int, int], stride: tuple[int, int]) -> None:
    check(kernel, stride, None)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (2, 2), (1, 3), (5, 2), (4, 3)])
def test_every_crop(kernel: int, stride: int) -> None:
    """Begins 0 to 2, ends from three zeros added to two pixels taken."""
    for begin, end in itertools.product(range(3), range(-3, 3)):
        if stride + kernel - begin - end >= 1:  # of two rows, at least
            check((kernel, kernel), (stride, stride), ((begin, end), (begin, end)))
    check((kernel, kernel), (stride, stride), ((0, 0), (1, -1)))


def test_nothing_left_raises() -> None:
    with pytest.raises(ValueError, match="leaves no pixel of a length of 1"):
        ops.transposed_conv2d(
            random((1, 1, 1, 3)), random((3, 3, 2, 3)), scale=2, crop=((2, 2), (0, 0))
        )


@pytest.mark.parametrize("crop", [None, ((1, 0), (2, -1))])
def test_gradients_against_finite_differences(crop: object) -> None:
    """Central differences in float64 of the oracle; the map is linear in each argument."""
    x, weights = random((1, 2, 3, 2)), random((3, 3, 1, 2), 9)
    used = crop or ((0, 1), (0, 1))
    w = random(reference.transposed_conv(x, weights, (2, 2), used).shape, 10)

    def loss(x: np.ndarray, weights: np.ndarray) -> float:
        return float((reference.transposed_conv(x, weights, (2, 2), used) * w).sum())

    def differences(function: object, at: np.ndarray) -> np.ndarray:
        result, step = np.zeros(at.shape), 1e-3
        for index in np.ndindex(at.shape):
            moved = np.zeros(at.shape)
            moved[index] = step
            result[index] = (function(at + moved) - function(at - moved)) / (2 * step)
        return result

    def inner(x: object, weights: object) -> object:
        y = ops.transposed_conv2d(x, weights, scale=2, crop=crop)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(w))

    by_x = gradient(lambda value: inner(value, keras.ops.convert_to_tensor(weights)), x)
    assert_close(by_x, differences(lambda v: loss(v, weights), x), of_range=2e-6)
    by_kernel = gradient(lambda value: inner(keras.ops.convert_to_tensor(x), value), weights)
    assert_close(by_kernel, differences(lambda v: loss(x, v), weights), of_range=2e-6)
