"""Transposed convolution in groups, with dilations, of lines and of volumes, against the oracle."""

import itertools

import keras
import numpy as np
import pytest
import reference
from compare import assert_close
from gradients import gradient

from keras_upsample import ops

pytestmark = pytest.mark.backend_neutral

FUNCTIONS = {1: ops.transposed_conv1d, 2: ops.transposed_conv2d, 3: ops.transposed_conv3d}
SHAPES = {1: [(2, 5), (1, 1)], 2: [(2, 3, 4), (1, 1, 5)], 3: [(2, 3, 2, 4), (1, 1, 2, 3)]}


def random(shape: tuple[int, ...], seed: int = 21) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(x, -1, 1))


def check(
    rank: int,
    taps: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    *,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
    channels: int = 4,
    filters: int = 4,
    crop: tuple[tuple[int, int], ...] | None = None,
) -> None:
    taps, strides, rates = (
        (v,) * rank if isinstance(v, int) else v for v in (taps, stride, dilation)
    )
    kernel = random((*taps, filters // groups, channels), 22)
    bias = np.linspace(1, 2, filters).astype("float32")
    used = crop
    if used is None:
        extra = [(k - 1) * d + 1 - s for k, s, d in zip(taps, strides, rates, strict=True)]
        used = tuple((max(n, 0) // 2, n - max(n, 0) // 2) for n in extra)
    options = {"scale": stride, "dilation": dilation, "groups": groups, "crop": crop}
    for shape in SHAPES[rank]:
        x = random((*shape, channels))
        expected = reference.spread(x, kernel, strides, rates, groups, used)
        assert_close(FUNCTIONS[rank](x, kernel, **options), expected, of_range=2e-6)
        y = FUNCTIONS[rank](first(x), kernel, **options, bias=bias, data_format="channels_first")
        assert_close(y, first(expected + bias), of_range=2e-6)


GEOMETRIES = [(1, 1), (2, 2), (3, 2), (4, 2), (3, 3), (5, 3), (2, 1), (2, 3)]


@pytest.mark.parametrize("groups", [2, 4])  # 4: a channel each
@pytest.mark.parametrize(("taps", "stride"), GEOMETRIES)
def test_groups(taps: int, stride: int, groups: int) -> None:
    check(2, taps, stride, groups=groups)


@pytest.mark.parametrize(("channels", "filters", "groups"), [(6, 3, 3), (2, 6, 2), (6, 4, 2)])
def test_groups_of_unlike_sides(channels: int, filters: int, groups: int) -> None:
    check(2, (3, 2), (2, 1), channels=channels, filters=filters, groups=groups)
    check(2, (4, 5), (2, 3), channels=channels, filters=filters, groups=groups)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [2, 3, (1, 2)])
@pytest.mark.parametrize(("taps", "stride"), [(3, 1), (2, 2), (3, 2), (1, 1), (3, (1, 3))])
def test_dilations(taps: int, stride: int, dilation: int, groups: int) -> None:
    check(2, taps, stride, dilation=dilation, groups=groups)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("taps", "stride"), [(3, 2), (1, 3), (4, 3)])
def test_every_crop(taps: int, stride: int, groups: int) -> None:
    """Begins 0 to 3, ends from three zeros added to two pixels taken."""
    for begin, end in itertools.product(range(4), range(-3, 3)):
        if taps - begin - end >= 1:  # of one row, at least
            check(2, taps, stride, groups=groups, crop=((begin, end), (0, end)))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(("taps", "stride"), [(2, 2), (3, 2), (4, 2), (3, 3), (1, 2), (2, 1)])
def test_lines(taps: int, stride: int, dilation: int, groups: int) -> None:
    check(1, taps, stride, dilation=dilation, groups=groups)
    check(1, taps, stride, dilation=dilation, groups=groups, crop=((0, -1),))


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("geometry", [(2, 2), (3, 2), ((1, 3, 2), (1, 2, 2)), ((2, 1, 3), 1)])
def test_volumes(geometry: tuple, dilation: int, groups: int) -> None:
    check(3, *geometry, dilation=dilation, groups=groups)
    check(3, 2, 2, dilation=dilation, groups=groups, crop=((1, 0), (0, -1), (0, 0)))


@pytest.mark.parametrize(
    ("rank", "options"),
    [
        (2, {"groups": 2}),
        (2, {"groups": 4}),
        (2, {"groups": 4, "dilation": 2}),
        (2, {"dilation": 2}),
        (1, {"groups": 4}),
        (3, {"groups": 2}),
    ],
)
def test_gradients(rank: int, options: dict) -> None:
    """The map is linear in each argument: its gradient is read off unit vectors."""
    groups, rate = options.get("groups", 1), options.get("dilation", 1)
    x = random((1, *(2, 3, 2)[:rank], 4))
    kernel = random((*(3, 2, 2)[:rank], 4 // groups, 4), 23)
    crop = ((0, 0),) * rank

    def oracle(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
        return reference.spread(x, kernel, (2,) * rank, (rate,) * rank, groups, crop)

    w = random(oracle(x, kernel).shape, 24)

    def slopes(function: object, at: np.ndarray) -> np.ndarray:
        result = np.zeros(at.shape)
        for index in np.ndindex(at.shape):
            unit = np.zeros(at.shape)
            unit[index] = 1
            result[index] = (function(unit) * w).sum()
        return result

    def inner(x: object, kernel: object) -> object:
        y = FUNCTIONS[rank](x, kernel, scale=2, crop=crop, **options)
        return keras.ops.sum(y * keras.ops.convert_to_tensor(w))

    tensor = keras.ops.convert_to_tensor
    by_x = gradient(lambda value: inner(value, tensor(kernel)), x)
    assert_close(by_x, slopes(lambda unit: oracle(unit, kernel), x), of_range=3e-6)
    by_kernel = gradient(lambda value: inner(tensor(x), value), kernel)
    assert_close(by_kernel, slopes(lambda unit: oracle(x, unit), kernel), of_range=3e-6)


X = np.zeros((1, 3, 3, 4), "float32")
K = np.zeros((2, 2, 2, 4), "float32")
BAD = [
    (lambda: ops.transposed_conv2d(X, K, scale=2, groups=3), "`groups` must divide.*1, 2, 4"),
    (lambda: ops.transposed_conv2d(X, K, scale=2, groups=0), "`groups` must be an int >= 1"),
    (lambda: ops.transposed_conv2d(X, K, scale=2, dilation=0), "`dilation` must be an int >= 1"),
    (lambda: ops.transposed_conv2d(X, K, scale=(1, 2, 3)), "an int or a pair"),
    (lambda: ops.transposed_conv1d(X, K, scale=2), r"must have 3 axes \(batch, length"),
    (lambda: ops.transposed_conv1d(X[0], K, scale=2), r"shape \(length, channels out"),
    (lambda: ops.transposed_conv3d(X, K, scale=2), r"must have 5 axes \(batch, depth"),
    (lambda: ops.transposed_conv3d(X[None], K[None], scale=(2, 2)), "an int or three"),
    (
        lambda: ops.transposed_conv2d(X, K, scale=2, groups=2, crop=((0, 0),)),
        r"must be \(\(top, bottom\), \(left, right\)\)",
    ),
    (
        lambda: ops.transposed_conv2d(X, K, scale=1, groups=4, crop=((4, 0), (0, 0))),
        "leaves no pixel of a length of 3",
    ),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
