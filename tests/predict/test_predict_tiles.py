"""Tiles: where they lie, how they are blended, and that nothing else shows."""

import math
from itertools import pairwise

import numpy as np
import pytest
from compare import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from predicting import box, predictor

from keras_upsample.predict import predict
from keras_upsample.predict._grid import overlap_for, ramp, spans
from keras_upsample.predict._sliding import strips

RNG = np.random.default_rng(32)


def layout(result: list) -> list[tuple[int, ...]]:
    return [(s.start, s.length, s.begin, s.end, s.done) for s in result]


def test_literal_spans() -> None:
    assert layout(spans(10, 4, 1)) == [(0, 4, 0, 4, 3), (3, 4, 3, 7, 6), (6, 4, 6, 10, 10)]
    # the last tile is shorter: its border is the image's own
    assert layout(spans(9, 4, 1)) == [(0, 4, 0, 4, 3), (3, 4, 3, 7, 6), (6, 3, 6, 9, 9)]
    # unless it must not be: it moves back
    assert layout(spans(9, 4, 1, fixed=True))[-1] == (5, 4, 6, 9, 9)
    # by whole strides only, so that one column is missing
    assert layout(spans(9, 4, 2, 2, fixed=True))[-1] == (6, 4, 6, 9, 9)
    assert layout(spans(3, 4, 2)) == [(0, 3, 0, 3, 3)]
    assert layout(spans(3, 4, 2, fixed=True)) == [(0, 4, 0, 3, 3)]


def test_literal_ramp() -> None:
    expected = [0, 0, 0.0380602, 0.3086583, 0.6913417, 0.9619398, 1, 1]
    np.testing.assert_allclose(ramp(8), expected, atol=1e-6)
    np.testing.assert_allclose(ramp(1), [0.5], atol=1e-6)
    assert ramp(0).shape == (0,)


@settings(deadline=None)
@given(st.integers(1, 40))
def test_a_ramp_and_its_mirror_image_sum_to_one(overlap: int) -> None:
    np.testing.assert_allclose(ramp(overlap) + ramp(overlap)[::-1], 1, atol=1e-6)


@st.composite
def axes(draw) -> tuple[int, int, int, int, bool]:
    """size, tile, overlap, stride, fixed."""
    stride = draw(st.integers(1, 4))
    tile = stride * draw(st.integers(1, 6))
    overlap = stride * draw(st.integers(0, tile // 2 // stride))
    return draw(st.integers(1, 60)), tile, overlap, stride, draw(st.booleans())


@settings(deadline=None)
@given(axes())
def test_spans_cover_the_axis(axis) -> None:
    size, tile, overlap, stride, fixed = axis
    result = spans(size, tile, overlap, stride, fixed=fixed)
    assert result[0].begin == 0 and result[-1].end == result[-1].done == size
    for span in result:
        assert span.start % stride == 0 and 0 <= span.start <= span.begin < span.end
        assert span.end <= span.start + span.length
        assert span.length == tile if fixed else span.start + span.length <= size
    for one, two in pairwise(result):
        assert one.end - two.begin == overlap and one.done == two.begin
        assert two.end > one.end  # every tile adds something
        assert two.end - two.begin > overlap or two is not result[-1]
    for one, three in zip(result, result[2:], strict=False):
        assert one.end <= three.begin  # never three on one pixel


def window(overlap: int, span, first: bool, last: bool) -> np.ndarray:
    """The weights of one tile along one axis, from the formula, in float64."""

    def rise(i: int) -> float:
        t = (i + 0.5) / overlap
        return math.sin(math.pi / 2 * min(max(2 * t - 0.5, 0), 1)) ** 2

    length = span.end - span.begin
    weights = np.ones(length)
    for i in range(overlap):
        if not first:
            weights[i] *= rise(i)
        if not last:
            weights[length - overlap + i] *= 1 - rise(i)
    return weights


def blended(run, image: np.ndarray, rows, columns, overlap, scale: int = 1) -> np.ndarray:
    """The whole image at once, tile by tile, in float64."""
    result, total = None, None
    for y in rows:
        for x in columns:
            tile = np.zeros((y.length, x.length, image.shape[2]), "float32")
            part = image[y.start : y.start + y.length, x.start : x.start + x.length]
            tile[: part.shape[0], : part.shape[1]] = part
            values = run(tile).astype("float64")
            if result is None:
                size = (image.shape[0] * scale, image.shape[1] * scale)
                result, total = np.zeros((*size, values.shape[2])), np.zeros((*size, 1))
            down, across = (
                window(o * scale, Scaled(s, scale), s is all_[0], s is all_[-1])
                for o, s, all_ in zip(overlap, (y, x), (rows, columns), strict=True)
            )
            weight = (down[:, None] * across)[..., None]
            used = values[
                (y.begin - y.start) * scale : (y.end - y.start) * scale,
                (x.begin - x.start) * scale : (x.end - x.start) * scale,
            ]
            place = np.s_[y.begin * scale : y.end * scale, x.begin * scale : x.end * scale]
            result[place] += weight * used
            total[place] += weight
    np.testing.assert_allclose(total, 1, atol=1e-12)  # the weights sum to 1
    return result


class Scaled:
    def __init__(self, span, scale: int) -> None:
        self.begin, self.end = span.begin * scale, span.end * scale


@settings(deadline=None, max_examples=30)
@given(axes(), axes(), st.integers(1, 3))
def test_strips_are_the_weighted_sum_of_the_tiles(down, across, scale: int) -> None:
    image = RNG.random((down[0], across[0], 2), "float32")

    def run(tile: np.ndarray) -> np.ndarray:  # not the same wherever the tile begins
        smooth = box(1)(tile) + tile * np.arange(tile.shape[1])[:, None] / 50
        return smooth.repeat(scale, axis=0).repeat(scale, axis=1).astype("float32")

    rows, columns = (spans(*axis[:4], fixed=axis[4]) for axis in (down, across))
    overlap = (down[2], across[2])
    ticks = []
    found = list(
        strips(
            run,
            lambda top, bottom: image[top:bottom],
            rows,
            columns,
            overlap=overlap,
            scale=scale,
            tick=lambda: ticks.append(1),
        )
    )
    assert [strip.top for strip in found] == [y.begin * scale for y in rows]
    assert len(ticks) == len(rows) * len(columns)
    np.testing.assert_array_equal(np.concatenate([strip.image for strip in found]), image)
    actual = np.concatenate([strip.values for strip in found])
    assert_close(actual, blended(run, image, rows, columns, overlap, scale), of_range=2e-6)


def test_reduced_values_are_those_of_the_blend() -> None:
    image = RNG.random((23, 31, 3), "float32")
    rows, columns = spans(23, 8, 4), spans(31, 8, 4)
    options = {"overlap": (4, 4), "reduce": lambda v: v.argmax(-1).astype("uint8")}
    read = lambda top, bottom: image[top:bottom]  # noqa: E731
    labels = np.concatenate([s.values for s in strips(box(2), read, rows, columns, **options)])
    expected = blended(box(2), image, rows, columns, (4, 4)).argmax(-1)
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("size", [(70, 53), (64, 64), (33, 97), (9, 200), (5, 7)])
@pytest.mark.parametrize("fixed", [False, True])
def test_no_seam_within_a_quarter_of_the_overlap(size: tuple[int, int], fixed: bool) -> None:
    image = RNG.random((*size, 3), "float32")
    model = predictor(box(2), size=(16, 16) if fixed else (None, None))
    tiled = predict(model, image, tile=16, overlap=8, probabilities=True).probabilities
    whole = box(2)(image)
    assert_close(tiled, whole, of_range=1e-6)


def test_seams_are_only_where_they_are_said_to_be() -> None:
    image = RNG.random((70, 53, 3), "float32")
    model, whole = predictor(box(5)), box(5)(image)
    tiled = predict(model, image, tile=16, overlap=8, probabilities=True).probabilities
    clear = np.ones(whole.shape[:2], bool)
    for begin in range(8, 70, 8):  # step 8: the whole image is overlap of one pair or another
        clear[begin : begin + 8], clear[:, begin : begin + 8] = False, False
    assert_close(tiled[clear], whole[clear], of_range=1e-6)
    assert np.abs(tiled - whole).max() > 0.01  # 5 > 8/4: there are seams

    tiled = predict(model, image, tile=32, overlap=8, probabilities=True).probabilities
    seams = [range(24, 32), range(48, 56)]
    clear = np.ones(whole.shape[:2], bool)
    for seam in seams:
        clear[seam.start : seam.stop], clear[:, seam.start : seam.stop] = False, False
    assert_close(tiled[clear], whole[clear], of_range=1e-6)
    assert clear.mean() > 0.4 and np.abs(tiled - whole)[~clear].max() > 0.005


def test_no_overlap_differs_at_the_borders_of_tiles_only() -> None:
    image = RNG.random((40, 56, 3), "float32")
    tiled = predict(predictor(box(2)), image, tile=16, overlap=0, probabilities=True).probabilities
    whole = box(2)(image)
    near = np.zeros((40, 56), bool)
    for border in (16, 32, 48):
        near[border - 2 : border + 2] = True
        near[:, border - 2 : border + 2] = True
    assert_close(tiled[~near], whole[~near], of_range=1e-6)
    assert (np.abs(tiled - whole)[near].max(axis=-1) > 0.01).all()


def pooled(factor: int):
    """Means of blocks, each repeated: what a pooling of this stride sees, zeros to the right."""

    def run(image: np.ndarray) -> np.ndarray:
        height, width, channels = image.shape
        missing = ((0, -height % factor), (0, -width % factor), (0, 0))
        padded = np.pad(image, missing)
        shape = (padded.shape[0] // factor, factor, padded.shape[1] // factor, factor, channels)
        means = padded.reshape(shape).mean(axis=(1, 3), dtype="float64").astype("float32")
        return means.repeat(factor, axis=0).repeat(factor, axis=1)[:height, :width]

    return run


@pytest.mark.parametrize("size", [(None, None), (24, 24), (32, None), (None, 24)])
def test_tiles_begin_where_the_pools_of_the_whole_image_do(size) -> None:
    image = RNG.random((61, 75, 3), "float32")
    model = predictor(pooled(8), stride=8, size=size)
    tile = 19 if size == (None, None) else None  # becomes 24
    if tile:
        rows, _, overlap = model.tiles(61, 75, tile, 5)
        assert rows[0].length == 24 and overlap == (8, 8)
    tiled = predict(model, image, tile=tile, overlap=5, probabilities=True).probabilities
    assert_close(tiled, pooled(8)(image), of_range=1e-6)


@pytest.mark.parametrize("size", [(28, 20), (12, 64), (100, 9), (5, 7)])
def test_tiles_of_odd_sizes_begin_at_multiples_of_the_stride(size: tuple[int, int]) -> None:
    model = predictor(stride=8, size=size)
    rows, columns, _ = model.tiles(61, 75, None, None)
    assert model.stride == (1 if size == (5, 7) else 8)
    assert all(span.start % model.stride == 0 for span in (*rows, *columns))
    image = RNG.random((61, 75, 3), "float32")
    assert_close(predict(model, image, probabilities=True).probabilities, image, of_range=1e-6)


def test_default_tiles() -> None:
    model = predictor(stride=32)
    assert [len(axis) for axis in model.tiles(1024, 1024, None, None)[:2]] == [1, 1]
    rows, columns, overlap = model.tiles(1024, 1025, None, None)
    assert rows[0].length == columns[0].length == 512 and overlap == (64, 64)
    assert model.tiles(3000, 3000, 128, None)[2] == (32, 32)
    assert model.tiles(3000, 3000, 32, None)[2] == (0, 0)  # half of it is no multiple of 32
    fixed = predictor(stride=32, size=(100, 256))
    rows, columns, overlap = fixed.tiles(300, 300, None, None)
    assert overlap == (36, 64) and [span.start for span in rows] == [0, 64, 128, 192, 224]
    assert predictor(stride=32, size=(24, 24)).tiles(90, 90, None, 0)[0][1].start == 24


def test_literal_overlaps() -> None:
    assert overlap_for(512, 64, 32) == 64
    assert overlap_for(512, 65, 32) == 96
    assert overlap_for(200, 64, 32) == 72


@pytest.mark.parametrize(
    ("model", "arguments", "message"),
    [
        ({}, {"tile": 0}, "`tile` must be a whole number of pixels >= 1 or None. Received: 0."),
        ({}, {"tile": 8.5}, "`tile` must be a whole"),
        ({}, {"tile": True}, "`tile` must be a whole"),
        ({}, {"overlap": -1}, "`overlap` must be a whole number of pixels >= 0"),
        ({}, {"tile": 16, "overlap": 9}, "at most half of a tile, here 8 pixels. Received: 9"),
        ({"stride": 8}, {"tile": 24, "overlap": 9}, "rounded up to the network's stride 8: 16"),
        ({"size": (16, 16)}, {"tile": 32}, "takes 16x16 pixels and nothing else"),
    ],
)
def test_bad_tiles(model: dict, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        predict(predictor(**model), np.zeros((50, 50, 3), "uint8"), **arguments)
    assert message in str(raised.value)


def test_the_network_has_one_tile_while_another_is_reduced() -> None:
    import threading

    started, here = [], threading.get_ident()
    second = threading.Event()

    def run(tile: np.ndarray) -> np.ndarray:
        assert threading.get_ident() != here
        started.append(tile[0, 0, 0])
        if len(started) == 2:
            second.set()
        return tile

    def reduce(values: np.ndarray) -> np.ndarray:
        if len(started) < 3:
            assert second.wait(20)  # the second tile does not wait for the first one's reduction
        return values.copy()

    image = np.arange(32, dtype="float32").reshape(4, 8, 1)
    rows, columns = spans(4, 4, 0), spans(8, 4, 0)
    options = {"overlap": (0, 0), "reduce": reduce}
    (strip,) = strips(run, lambda top, bottom: image[top:bottom], rows, columns, **options)
    np.testing.assert_array_equal(strip.values, image)
    assert started == [0, 4]  # in their order


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda image: image * np.nan, "gives NaN or infinity"),
        (lambda image: image[:-1], "gives (11, 12, 3) for an image of (12, 12, 3)"),
        (lambda image: 1 / 0, "can't be run on 12x12 pixels: division by zero"),
    ],
)
def test_networks_that_fail(run, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        predict(predictor(run), np.zeros((12, 12, 3), "uint8"))
    assert message in str(raised.value) and "\n" not in str(raised.value)
