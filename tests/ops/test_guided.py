"""Reassembly, point sampling and joint bilateral upsampling: values and laws."""

from typing import Any

import keras
import numpy as np
import pytest
import reference
from compare import as_numpy, assert_close
from gradients import gradient

from keras_upsample import ops
from keras_upsample.ops._lacking import NAMES, lacking
from keras_upsample.ops._point_sample import sample
from keras_upsample.ops._point_windows import WINDOW

pytestmark = pytest.mark.backend_neutral

SHAPES = [(2, 3, 5, 4), (1, 1, 1, 4), (1, 7, 1, 8), (2, 1, 4, 4)]


LACKING = (frozenset[str](), NAMES)


def noise(shape: tuple[int, ...], seed: int = 31) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lacks", LACKING, ids=len)
def test_reassembly(shape: tuple[int, ...], scale: int, size: int, lacks: frozenset[str]) -> None:
    x, kernels = noise(shape), noise((*shape[:3], scale**2 * size**2), 32)
    expected = reference.carafe(x, reference.pixel_shuffle(kernels, scale))
    with lacking(lacks):
        assert_close(ops.reassemble(x, kernels, scale), expected)
        y = ops.reassemble(first(x), first(kernels), scale, data_format="channels_first")
        assert_close(y, first(expected))


def test_literal_reassembly() -> None:
    row = np.float32([3, 9, 3]).reshape(1, 1, 3, 1)
    middle = np.zeros((1, 1, 3, 4, 9), "float32")
    middle[..., 4] = 1
    y = as_numpy(ops.reassemble(row, middle.reshape(1, 1, 3, 36)))[0]
    assert y[0, :, :, 0].tolist() == [[3, 3, 9, 9, 3, 3]] * 2
    mean = np.zeros((1, 1, 3, 4, 9), "float32")
    mean[..., 3:6] = 1 / 3
    y = as_numpy(ops.reassemble(row, mean.reshape(1, 1, 3, 36)))[0]
    np.testing.assert_allclose(y[0, :, :, 0], [[4, 4, 5, 5, 4, 4]] * 2, rtol=1e-6)


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lacks", LACKING, ids=len)
def test_similarity(shape: tuple[int, ...], scale: int, size: int, lacks: frozenset[str]) -> None:
    n, h, w, c = shape
    keys, queries = noise(shape), noise((n, scale * h, scale * w, c), 34)
    expected = reference.similarities(queries.astype("float64"), keys.astype("float64"), size)
    expected = reference.pixel_unshuffle(expected, scale)
    with lacking(lacks):
        assert_close(ops.window_similarity(queries, keys, scale, size), expected)
        y = ops.window_similarity(
            first(queries), first(keys), scale, size, data_format="channels_first"
        )
        assert_close(y, first(expected))


def test_literal_similarity() -> None:
    y = ops.window_similarity(
        np.float32([1, 2]).reshape(1, 1, 2, 1).repeat(2, 1), np.full((1, 1, 1, 1), 5.0, "float32"),
        size=3,
    )  # fmt: skip
    assert as_numpy(y)[0].reshape(4, 9)[:, 4].tolist() == [5, 10, 5, 10]
    assert as_numpy(y)[0].sum() == 30


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reach", [0.2, 4.0])  # 4: most points lie outside of these images
def test_point_sampling(shape: tuple[int, ...], scale: int, groups: int, reach: float) -> None:
    x = noise(shape)
    offsets = reach * noise((*shape[:3], 2 * scale**2 * groups), 33)
    expected = reference.point_sample(x, offsets.astype("float64"), scale, groups)
    assert_close(ops.point_sample(x, offsets, scale, groups=groups), expected, of_range=2e-6)
    options = {"groups": groups, "data_format": "channels_first"}
    y = ops.point_sample(first(x), first(offsets), scale, **options)
    assert_close(y, first(expected), of_range=2e-6)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "window", [((-2, 2), (-2, 2)), ((-1, 0), (-4, 3)), ((0, 0), (1, 2)), ((-3, -1), (-2, -2))]
)
def test_points_read_by_windows(
    shape: tuple[int, ...], scale: int, groups: int, window: Any
) -> None:
    """Within the window it is the same function; points beyond it count as at its end."""
    x, half = noise(shape), scale**2 * groups
    offsets = 5 * noise((*shape[:3], 2 * half), 33).astype("float64")
    starts = [(a - (scale - 1) / 2) / scale for a in range(scale)]
    rows = np.repeat([a for a in starts for _ in starts], groups)
    columns = np.repeat([b for _ in starts for b in starts], groups)
    own = np.concatenate([rows, columns])
    first_ones, last_ones = (np.repeat([ends[i] for ends in window], half) for i in (0, 1))
    clipped = np.clip(offsets + own, first_ones, last_ones) - own
    expected = reference.point_sample(x, clipped, scale, groups)
    with lacking(NAMES):
        given = [offsets[..., i : i + half].astype("float32") for i in (0, half)]
        given = [keras.ops.convert_to_tensor(value) for value in given]
        y = sample(keras.ops.convert_to_tensor(x), *given, scale, groups, window)
        assert_close(y, expected, of_range=5e-6)
        if window == WINDOW:
            y = ops.point_sample(
                first(x),
                first(offsets.astype("float32")),
                scale,
                groups=groups,
                data_format="channels_first",
            )
            assert_close(y, first(expected), of_range=5e-6)


def test_literal_points() -> None:
    x = np.float32([1, 2]).reshape(1, 1, 2, 1)
    offsets = np.zeros((1, 1, 2, 8), "float32")
    y = as_numpy(ops.point_sample(x, offsets))[0]
    assert y[0, :, :, 0].tolist() == [[1, 1.25, 1.75, 2]] * 2
    offsets[..., 4:] = 0.25
    y = as_numpy(ops.point_sample(x, offsets))[0]
    assert y[0, :, :, 0].tolist() == [[1, 1.5, 2, 2]] * 2
    offsets[..., :4] = 9  # along the other axis there is one row
    assert np.array_equal(as_numpy(ops.point_sample(x, offsets))[0], y)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_points_that_do_not_move_are_bilinear(scale: int) -> None:
    x = noise((2, 5, 6, 4))
    offsets = np.zeros((2, 5, 6, 4 * scale**2), "float32")
    expected = reference.resize(x, "bilinear", (5 * scale, 6 * scale))
    assert_close(ops.point_sample(x, offsets, scale, groups=2), expected)


def test_points_keep_their_precision_far_from_the_origin() -> None:
    """At column 60,000 a float32 coordinate has steps of 1/256 of a pixel."""
    x = (np.arange(60_000, dtype="float32") % 7).reshape(1, 1, -1, 1)
    offsets = np.full((1, 1, 60_000, 2), 0.3001, "float32")
    expected = 0.6999 * x + 0.3001 * np.roll(x, -1, axis=2)
    expected[0, 0, -1] = x[0, 0, -1]
    assert_close(ops.point_sample(x, offsets, 1), expected, of_range=1e-6)


def test_offsets_that_are_no_numbers_stay_visible_and_do_no_harm() -> None:
    offsets = np.zeros((1, 3, 3, 8), "float32")
    offsets[0, 1, 1] = np.nan
    y = as_numpy(ops.point_sample(noise((1, 3, 3, 1)), offsets))[0][0, :, :, 0]
    assert np.isnan(y[2:4, 2:4]).all()
    assert np.isfinite(np.delete(y, [2, 3], axis=0)).all()


def test_groups_are_sampled_as_if_alone_on_a_wide_image() -> None:
    x, offsets = noise((2, 2, 700, 4)), 3 * noise((2, 2, 700, 32), 5)
    y = as_numpy(ops.point_sample(x, offsets, groups=4))[0]
    for group in range(4):
        own = np.concatenate([offsets[..., axis + group : axis + 16 : 4] for axis in (0, 16)], -1)
        alone = as_numpy(ops.point_sample(x[..., group : group + 1], own))[0]
        np.testing.assert_array_equal(y[..., group], alone[..., 0])


def test_gradients_of_the_points() -> None:
    """On a ramp c·row + d·column, moving a point by (dr, dc) changes it by c·dr + d·dc."""
    rows, columns = np.indices((4, 5), "float32")
    x = (3 * rows + 7 * columns)[None, ..., None]

    def total(offsets: object) -> object:
        return keras.ops.sum(ops.point_sample(x, offsets))

    g = gradient(total, np.full((1, 4, 5, 8), 0.01, "float32"))[0, 1:-1, 1:-1]
    np.testing.assert_allclose(g[..., :4], 3, rtol=1e-4)
    np.testing.assert_allclose(g[..., 4:], 7, rtol=1e-4)

    def read(value: object) -> object:
        return keras.ops.sum(ops.point_sample(value, 2 * noise((1, 4, 5, 8), 34)))

    # Every output pixel is a mean with weights that sum to 1.
    assert gradient(read, x).sum() == pytest.approx(80, rel=1e-5)


@pytest.mark.parametrize(("spatial", "near"), [(0.5, 0.1), (1.5, 2.0), (0.3, 1e-3)])
@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("lacks", LACKING, ids=len)
def test_joint_bilateral(
    shape: tuple[int, ...],
    scale: int,
    radius: int,
    spatial: float,
    near: float,
    lacks: frozenset[str],
) -> None:
    n, h, w, _ = shape
    x, guide = noise(shape), 0.1 * noise((n, h * scale, w * scale, 3), 35)
    if near == 1e-3:  # so narrow that all weights would vanish in float64 too, but for a near guide
        guide *= 0.05
    expected = reference.joint_bilateral(x, guide.astype("float64"), scale, radius, spatial, near)
    options = {"radius": radius, "spatial_sigma": spatial, "range_sigma": near}
    with lacking(lacks):
        assert_close(ops.joint_bilateral(x, guide, scale, **options), expected, of_range=1e-5)
        options["data_format"] = "channels_first"
        y = ops.joint_bilateral(first(x), first(guide), scale, **options)
        assert_close(y, first(expected), of_range=1e-5)


def test_an_edge_in_the_guide_stays_sharp() -> None:
    x = np.float32([0, 1]).reshape(1, 1, 2, 1)
    guide = np.tile(np.float32([0, 0, 1, 1]).reshape(1, 1, 4, 1), (1, 2, 1, 1))
    y = as_numpy(ops.joint_bilateral(x, guide))[0][0, :, :, 0]
    np.testing.assert_allclose(y, [[0, 0, 1, 1]] * 2, atol=1e-6)
    flat = as_numpy(ops.joint_bilateral(x, np.zeros_like(guide)))[0][0, 0, :, 0]
    a, b = np.exp(-(0.25**2) / 0.5), np.exp(-(0.75**2) / 0.5)
    c = np.exp(-(1.25**2) / 0.5)
    expected = [c / (a + c), b / (a + b), a / (a + b), a / (a + c)]
    np.testing.assert_allclose(flat, expected, rtol=1e-5)


def test_joint_bilateral_keeps_constants_even_where_no_pixel_looks_alike() -> None:
    x = np.full((2, 4, 3, 2), 0.7, "float32")
    guide = 100 * noise((2, 8, 6, 3), 36)
    y = ops.joint_bilateral(x, guide, range_sigma=1e-4)
    assert_close(y, np.full((2, 8, 6, 2), 0.7), of_range=1e-6)


def test_gradients_of_a_guide_are_finite_at_the_border() -> None:
    x = noise((1, 3, 4, 2))

    def total(guide: object) -> object:
        y = ops.joint_bilateral(x, guide, range_sigma=0.5)
        return keras.ops.sum(y * y)

    g = gradient(total, noise((1, 6, 8, 3), 37))
    assert np.isfinite(g).all() and np.abs(g).min() > 0


X = np.zeros((1, 4, 4, 4), "float32")
BAD = [
    (lambda: ops.reassemble(X, X[..., :3]), "scale² · k² channels.*Received: 3.*Use 100"),
    (lambda: ops.reassemble(X, np.zeros((1, 4, 4, 16), "float32")), "`kernels` must have"),
    (lambda: ops.reassemble(X, X.astype("int32"), 1), "`kernels` must hold floats"),
    (lambda: ops.reassemble(X, X[0], 1), "`kernels` must have 4 axes"),
    (lambda: ops.point_sample(X, X), "`offsets` must have 2 · scale² · groups = 8 channels"),
    (lambda: ops.point_sample(X, X, groups=3), "`groups` must divide.*Use one of 1, 2, 4"),
    (lambda: ops.window_similarity(X, X), "`queries` must be `scale`=2 times as large as `keys`"),
    (lambda: ops.window_similarity(X, X, 1, 4), "`size` must be odd"),
    (lambda: ops.window_similarity(X, X[..., :1], 1), "same number of channels.*and 1"),
    (lambda: ops.joint_bilateral(X, X), "`guide` must be `scale`=2 times as large"),
    (lambda: ops.joint_bilateral(X, X, 1, radius=0), "`radius` must be an int >= 1"),
    (lambda: ops.joint_bilateral(X, X, 1, spatial_sigma=0), "`spatial_sigma` must be .* > 0"),
    (lambda: ops.joint_bilateral(X, X, 1, range_sigma=np.inf), "`range_sigma` must be a finite"),
    (lambda: ops.joint_bilateral(X, keras.Input((4, 4, 1)), 1), "`guide` must be a tensor with"),
]


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
