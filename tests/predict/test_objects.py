"""Objects of a class map, against scikit-image, and their outlines against the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import label, regionprops

from keras_upsample.predict import ObjectOptions, find_objects

RNG = np.random.default_rng(71)


def every(count: int, **options) -> ObjectOptions:
    """Objects of all classes, the background's too."""
    return ObjectOptions(classes=tuple(range(count)), **options)


def painted(polygons: list, shape: tuple[int, int]) -> np.ndarray:
    """Which pixels lie inside, by the even-odd rule at their centres, edge by edge."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    inside = np.zeros(shape, bool)
    for ring in (ring for polygon in polygons for ring in polygon):
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if x0 == x1:  # horizontal edges cross no horizontal ray
                inside ^= (x < x0) & (min(y0, y1) < y) & (y < max(y0, y1))
    return inside


def area(ring: np.ndarray) -> float:
    """By the trapezoids below its edges."""
    following = np.roll(ring, -1, axis=0)
    return float(((following[:, 0] - ring[:, 0]) * (ring[:, 1] + following[:, 1])).sum() / -2)


def test_literal_objects() -> None:
    labels = np.array([[1, 1, 0, 2], [0, 0, 0, 0], [2, 0, 1, 0]])
    found = find_objects(labels, class_names=("background", "a", "b"))
    assert [(o.number, o.class_name, o.pixels, o.box, o.centroid) for o in found] == [
        (1, "a", 2, (0, 0, 2, 1), (1.0, 0.5)),
        (2, "b", 1, (3, 0, 4, 1), (3.5, 0.5)),
        (3, "b", 1, (0, 2, 1, 3), (0.5, 2.5)),
        (4, "a", 1, (2, 2, 3, 3), (2.5, 2.5)),
    ]
    assert found.counts == {"a": 2, "b": 2}
    assert str(found) == "4 objects (2 a, 2 b)"
    np.testing.assert_array_equal(
        found.label_image(), [[1, 1, 0, 2], [0, 0, 0, 0], [3, 0, 4, 0]], strict=False
    )
    [[ring]] = found.polygons[0]
    assert sorted(map(tuple, ring.tolist())) == [(0, 0), (0, 1), (2, 0), (2, 1)]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (11, 1), (37, 23), (64, 101)])
def test_as_scikit_image(shape: tuple[int, int], connectivity: int) -> None:
    labels = RNG.integers(0, 3, shape)
    scores = RNG.random((*shape, 3), "float32")
    found = find_objects(labels, scores, options=every(3, connectivity=connectivity))
    expected = label(labels + 1, connectivity=1 if connectivity == 4 else 2)
    own = np.take_along_axis(scores, labels[..., None], axis=2)[..., 0]
    image = found.label_image()
    assert image.dtype == "uint16" and len(found) == expected.max()
    for properties in regionprops(expected, own):
        one = found[image[tuple(properties.coords[0])] - 1]
        np.testing.assert_array_equal(image == one.number, expected == properties.label)
        top, left, bottom, right = properties.bbox
        assert one.box == (left, top, right, bottom) and one.pixels == properties.area
        assert one.class_number == labels[tuple(properties.coords[0])]
        y, x = np.array(properties.centroid) + 0.5
        np.testing.assert_allclose(one.centroid, (x, y), atol=1e-9)
        np.testing.assert_allclose(one.probability, properties.intensity_mean, rtol=1e-6)


@settings(deadline=None, max_examples=150)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(
        lambda shape: arrays("uint8", shape, elements=st.integers(0, 2))
    ),
    st.sampled_from([4, 8]),
)
def test_outlines_hold_their_pixels_and_no_others(labels: np.ndarray, connectivity: int) -> None:
    found = find_objects(labels, options=every(3, connectivity=connectivity))
    image = found.label_image()
    for each, polygons in zip(found, found.polygons, strict=True):
        np.testing.assert_array_equal(painted(polygons, labels.shape), image == each.number)
        assert sum(area(ring) for polygon in polygons for ring in polygon) == each.pixels
        assert connectivity == 8 or len(polygons) == 1
        for outer, *holes in polygons:
            assert area(outer) > 0 and all(area(hole) < 0 for hole in holes)
            for ring in (outer, *holes):
                assert len({*map(tuple, ring.tolist())}) == len(ring)  # it never meets itself
                across = ring[:, 0] == np.roll(ring[:, 0], -1)
                assert (across != np.roll(across, -1)).all()  # corners alone


def test_holes_and_corners() -> None:
    """A ring whose hole and outside meet in a corner; a hole with an island; 8-connected parts."""
    labels = np.array(
        [
            [1, 1, 1, 1, 1],
            [1, 0, 0, 0, 1],
            [1, 0, 1, 0, 1],
            [1, 0, 0, 0, 1],
            [1, 1, 1, 1, 0],
        ]
    )
    edges = find_objects(labels, options=ObjectOptions(connectivity=4))
    assert [o.pixels for o in edges] == [15, 1]
    [[outer, hole]] = edges.polygons[0]
    assert area(outer) == 24 and area(hole) == -9
    assert {(4, 4)} <= {*map(tuple, outer.tolist())} & {*map(tuple, hole.tolist())}
    diagonal = find_objects(np.eye(3, dtype=int))
    assert len(diagonal) == 1 and len(diagonal.polygons[0]) == 3


def test_probability_of_a_single_channel() -> None:
    """Class 1 has p, class 0 has 1 − p."""
    scores = RNG.random((7, 9, 1))
    labels = (scores[..., 0] >= 0.5).astype(int)
    for one in find_objects(labels, scores, options=every(2)):
        left, top, right, bottom = one.box
        inside = find_objects(labels, options=every(2)).label_image() == one.number
        own = scores[..., 0] if one.class_number else 1 - scores[..., 0]
        np.testing.assert_allclose(one.probability, own[inside].mean(), rtol=1e-9)
        assert inside[top:bottom, left:right].sum() == inside.sum() == one.pixels


def test_options() -> None:
    labels = np.array([[1, 0, 2, 2], [0, 0, 2, 2]])
    names = ("land", "lake", "sea")
    assert len(find_objects(labels)) == 2
    assert len(find_objects(labels, class_names=names)) == 3  # class 0 is no background
    sea = find_objects(labels, class_names=names, options=ObjectOptions(classes=("sea", "1")))
    assert sea.counts == {"lake": 1, "sea": 1}
    large = find_objects(labels, options=ObjectOptions(least_area=2))
    assert [o.number for o in large] == [1] and large.left_out == 1
    assert str(large) == "1 object (1 class 2), 1 smaller left out"
    np.testing.assert_array_equal(large.label_image(), [[0, 0, 1, 1], [0, 0, 1, 1]])
    none = find_objects(np.zeros((3, 5), int))
    assert len(none) == 0 and none.polygons == [] and not none.label_image().any()


def test_pixels_without_data_part_objects() -> None:
    labels = np.full((3, 5), 1)
    labels[:, 2] = 255  # as a class map has it
    valid = labels != 255
    found = find_objects(labels, RNG.random((3, 5, 2)), class_names=("a", "b"), valid=valid)
    assert [(o.class_name, o.box) for o in found] == [("b", (0, 0, 2, 3)), ("b", (3, 0, 5, 3))]


def test_more_objects_than_16_bits_count() -> None:
    labels = np.zeros((513, 513), int)
    labels[::2, ::2] = 1
    found = find_objects(labels)
    assert len(found) == 257**2 > 65535
    image = found.label_image(100, 400)
    assert image.dtype == "uint32"
    np.testing.assert_array_equal(image, label(labels)[100:400])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"connectivity": 6}, "`connectivity` must be 4 or 8. Received: 6"),
        ({"least_area": 0}, "`least_area` must be a whole number of pixels >= 1. Received: 0"),
        ({"classes": "nucleus"}, "`classes` must be a sequence of class names or numbers"),
        ({"classes": ("nucleos",)}, "Received: 'nucleos'. Did you mean 'nucleus'?"),
        ({"classes": (2,)}, r"from 0 to 1 \(background, nucleus\). Received: 2"),
    ],
)
def test_bad_options(options: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_objects(
            np.eye(3, dtype=int),
            class_names=("background", "nucleus"),
            options=ObjectOptions(**options),
        )


@pytest.mark.parametrize(
    ("labels", "given", "said"),
    [
        (np.zeros((2, 2, 1), int), {}, "`labels` must be class numbers"),
        (np.zeros((2, 2)), {}, "dtype float64"),
        (np.full((2, 2), -1), {}, "integers >= 0"),
        (np.zeros((2, 2), int), {"probabilities": np.zeros((2, 3, 1))}, "`probabilities` must be"),
        (np.full((2, 2), 2), {"probabilities": np.zeros((2, 2, 2))}, "hold class 2"),
        (np.zeros((2, 2), int), {"valid": np.ones((3, 2))}, "`valid` must be"),
    ],
)
def test_bad_class_maps(labels: np.ndarray, given: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_objects(labels, **given)


def test_without_scipy(monkeypatch) -> None:

    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install scipy"):
        find_objects(np.eye(2, dtype=int))
