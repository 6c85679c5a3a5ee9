"""The real sets: what is in them, and which part each image belongs to."""

import itertools

import numpy as np
import pytest

from keras_upsample import data
from keras_upsample.data import DATASETS, SPLITS, LabelledImages, labelled_images, normalize


@pytest.mark.parametrize("name", SPLITS)
def test_neighbours_are_never_on_both_sides_of_a_split(name):
    """Frames of a film and slices of a stack look like the ones before and after them."""
    for one, other in itertools.combinations(SPLITS[name].values(), 2):
        assert min(abs(i - j) for i in one for j in other) >= 2


@pytest.mark.parametrize("name", SPLITS)
def test_splits_are_of_the_catalogue_and_have_no_frame_twice(name):
    frames = [*itertools.chain(*SPLITS[name].values())]
    assert len({*frames}) == len(frames)
    assert DATASETS[name].classes[0] == "background"
    assert {*SPLITS[name]} <= {"train", "validation", "test"}


def test_the_other_microscope_is_for_testing_only():
    assert [*SPLITS["nuclei_stardist"]] == ["test"]


@pytest.mark.parametrize(
    ("name", "split"), [(name, split) for name, splits in SPLITS.items() for split in splits]
)
def test_every_split(real, name, split):
    labelled = labelled_images(name, split)
    shape = {"cells": (210, 576, 2), "nuclei": (256, 256, 1), "nuclei_stardist": (512, 512, 1)}
    assert len(labelled) == len(SPLITS[name][split])
    for image, label in zip(labelled.images, labelled.labels, strict=True):
        assert image.shape == shape[name]
        assert image.dtype == np.float32
        assert (image.min(), image.max()) == (0, 1)
        assert label.shape == image.shape[:2]
        assert label.dtype == np.uint8
        assert np.unique(label).tolist() == [*range(len(labelled.classes))]
    assert labelled.names[0] == f"{name} {SPLITS[name][split][0]}"


def test_cells_have_the_classes_that_they_are_said_to(real):
    from tifffile import imread

    (path,) = data.fetch("cells")
    film = imread(path)
    for split, frames in SPLITS["cells"].items():
        labelled = labelled_images("cells", split)
        for i, label in zip(frames, labelled.labels, strict=True):
            nucleus, cytoplasm = film[2, i] > 0, film[3, i] > 0
            assert ((label == 2) == nucleus).all()
            assert ((label == 1) == (cytoplasm & ~nucleus)).all()
    # Of the whole film, as its description says.
    both, either = (film[2] > 0).mean(), ((film[2] > 0) | (film[3] > 0)).mean()
    np.testing.assert_allclose([1 - either, either - both, both], [0.50, 0.43, 0.07], atol=0.03)


def test_nuclei_are_brighter_than_what_is_around_them(real):
    """Image and label are of the same slice."""
    for name, split in (("nuclei", "train"), ("nuclei", "validation"), ("nuclei_stardist", "test")):
        labelled = labelled_images(name, split)
        for image, label in zip(labelled.images, labelled.labels, strict=True):
            inside, outside = image[label == 1], image[label == 0]
            assert np.median(inside) > 2 * np.median(outside)


def percentile(values, share):
    """Linear between the two nearest of the sorted values."""
    values = sorted(values)
    place = share / 100 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def test_percentiles_channel_by_channel():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 60000, (9, 7, 2), "uint16")
    image[..., 1] //= 100
    result = normalize(image, "percentiles")
    for channel in range(2):
        values = [float(x) for x in image[..., channel].ravel()]
        low, high = percentile(values, 1), percentile(values, 99.8)
        expected = [min(1, max(0, (x - low) / (high - low))) for x in values]
        np.testing.assert_allclose(result[..., channel].ravel(), expected, atol=1e-6)
    assert result.dtype == np.float32


def test_a_constant_channel_becomes_black():
    image = np.full((4, 5, 1), 7, "uint8")
    assert (normalize(image, "percentiles") == 0).all()


@pytest.mark.parametrize(("dtype", "largest"), [("uint8", 255), ("uint16", 65535)])
def test_full_range(dtype, largest):
    image = np.array([[[0], [largest], [largest // 5]]], dtype)
    np.testing.assert_allclose(normalize(image)[0, :, 0], [0, 1, 0.2], atol=1e-6)


def test_normalize_refuses():
    with pytest.raises(ValueError, match=r"`image` must be \(height, width, channels\).*\(4, 5\)"):
        normalize(np.zeros((4, 5)))
    with pytest.raises(ValueError, match=r"floats from -1 to 3; .*method='percentiles'"):
        normalize(np.array([[[-1.0], [3.0]]]))
    with pytest.raises(ValueError, match=r"`method` must be .*'otsu'"):
        normalize(np.zeros((4, 5, 1)), "otsu")


def test_unknown_name_and_split():
    with pytest.raises(ValueError, match=r"`name` must be one of cells, nuclei, .*'vgg16'"):
        labelled_images("vgg16", "train")
    with pytest.raises(ValueError, match=r"`split` of 'nuclei_stardist' must be one of test\."):
        labelled_images("nuclei_stardist", "train")


def test_labels_and_images_are_equally_many():
    image, label = np.zeros((4, 4, 1), "float32"), np.zeros((4, 4), "uint8")
    with pytest.raises(ValueError, match=r"equally many. Received: 2, 1 and 2"):
        LabelledImages((image, image), (label,), ("background",), ("a", "b"))
