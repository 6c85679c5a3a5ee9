"""Pictures of class maps: values of the arrays, and of what the figures show."""

import sys
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from keras_upsample import viz

RNG = np.random.default_rng(37)


def shown(figure) -> list[np.ndarray]:
    """The arrays of a figure's panels, in their order."""
    return [np.asarray(panel.get_images()[0].get_array()) for panel in figure.axes]


def oracle(image, labels, colours, alpha: float, outlines: bool) -> np.ndarray:
    """(1 − alpha) · image + alpha · colour in float64, pixel by pixel; outlines on top."""
    height, width = labels.shape
    result = np.zeros((height, width, 3))
    for i in range(height):
        for j in range(width):
            here = labels[i, j]
            result[i, j] = image[i, j]
            if here:
                result[i, j] = (1 - alpha) * image[i, j] + alpha * np.array(colours[here])
            up, left = labels[max(i - 1, 0), j], labels[i, max(j - 1, 0)]
            if outlines and (here != up or here != left):
                result[i, j] = colours[here or max(up, left)]
    return result


@pytest.mark.parametrize("alpha", [0, 0.25, 0.5, 1])
@pytest.mark.parametrize("outlines", [True, False])
def test_overlay_image(alpha: float, outlines: bool) -> None:
    image = RNG.integers(0, 256, (23, 31, 3), dtype="uint8")
    labels = np.kron(RNG.integers(0, 12, (6, 8)), np.ones((4, 4), int))[:23, :31]
    found = viz.overlay_image(image, labels, alpha=alpha, outlines=outlines)
    expected = oracle(image, labels, viz.class_colours(12), alpha, outlines)
    assert found.dtype == np.uint8 and found.shape == (23, 31, 3)
    assert np.abs(found - expected).max() <= 0.5


def test_literal_overlay() -> None:
    image = np.full((2, 3), 100, "uint8")
    labels = np.array([[0, 1, 1], [0, 1, 1]])
    found = viz.overlay_image(image, labels, colours=[(9, 9, 9), (200, 0, 50)], alpha=0.5)
    plain, edge, inside = [100] * 3, [200, 0, 50], [150, 50, 75]
    assert found.tolist() == [[plain, edge, inside]] * 2
    assert (
        viz.overlay_image(image, labels, colours=()).tolist()
        == viz.overlay_image(image, labels).tolist()
    )  # as `Prediction.colours` is where the model brings none


def test_a_mask_is_classes_0_and_1() -> None:
    image = RNG.integers(0, 256, (9, 13, 3), dtype="uint8")
    mask = RNG.random((9, 13)) > 0.6
    found = viz.overlay_image(image, mask)
    np.testing.assert_array_equal(found, viz.overlay_image(image, mask.astype("int64")))


def test_overlays_in_bands_are_that_of_the_whole() -> None:
    image = RNG.integers(0, 256, (24, 13, 3), dtype="uint8")
    labels = RNG.integers(0, 2, (24, 13))
    labels[5] = 7  # the last row of a band, of a class that the next band does not have
    labels[6] = 0
    parts, above = [], None
    for top in range(0, 24, 6):
        band = np.s_[top : top + 6]
        parts.append(viz.overlay_image(image[band], labels[band], above=above))
        above = labels[top + 5]
    np.testing.assert_array_equal(np.concatenate(parts), viz.overlay_image(image, labels))


def test_as_rgb() -> None:
    grey = RNG.integers(0, 256, (5, 7), dtype="uint8")
    np.testing.assert_array_equal(viz.as_rgb(grey), np.repeat(grey[..., None], 3, axis=2))
    rgba = RNG.integers(0, 256, (5, 7, 4), dtype="uint8")
    np.testing.assert_array_equal(viz.as_rgb(rgba), rgba[..., :3])
    two = np.array([[[0, 100], [50, 151]]], "uint8")
    assert viz.as_rgb(two).tolist() == [[[50] * 3, [100] * 3]]
    wide = np.linspace(-3, 9, 1001)[None]  # percentile 0.2 -> 0, 99.8 -> 255
    found = viz.as_rgb(wide)[0, :, 0]
    assert (found[:3] == 0).all() and (found[-3:] == 255).all()
    assert found[500] in (127, 128) and (np.diff(found.astype(int)) >= 0).all()
    assert (viz.as_rgb(np.full((2, 2), 0.3)) == 0).all()  # no contrast, no division by zero


def test_colours() -> None:
    assert viz.class_colours(3) == ((0, 0, 0), (230, 159, 0), (86, 180, 233))
    many = viz.class_colours(300)
    assert len(many) == 300 and many[:8] == viz.PALETTE
    assert len(set(viz.class_colours(60))) == 60
    distance = min(
        np.abs(np.subtract(a, b)).sum()
        for i, a in enumerate(viz.class_colours(20))
        for b in viz.class_colours(20)[:i]
    )
    assert distance > 20
    assert viz.class_colours(2, [(1, 2, 3), (4, 5, 6), (7, 8, 9)]) == ((1, 2, 3), (4, 5, 6))
    assert viz.class_colours(9, [(1, 2, 3)])[0] == (1, 2, 3)


def test_overlay_figure() -> None:
    image = RNG.integers(0, 256, (20, 30), dtype="uint8")
    labels = np.zeros((20, 30), int)
    labels[4:9, 6:20] = 2
    figure = viz.overlay(image, labels, classes=["ground", "water", "cell"], alpha=0.3)
    (array,) = shown(figure)
    np.testing.assert_array_equal(array, viz.overlay_image(image, labels, alpha=0.3))
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["ground", "water", "cell"]
    faces = [tuple(round(255 * v) for v in p.get_facecolor()[:3]) for p in legend.get_patches()]
    assert tuple(faces) == viz.class_colours(3)
    assert viz.overlay(image, labels).legends == []
    drawn = pixels(figure)
    assert (drawn == viz.class_colours(3)[2]).all(axis=-1).any()  # the legend is on the picture


def pixels(figure) -> np.ndarray:
    """As a notebook shows it."""
    with BytesIO() as file:
        figure.savefig(file, format="png")
        return np.asarray(Image.open(file).convert("RGB"))


def test_compare_figure() -> None:
    image = RNG.integers(0, 256, (20, 30, 3), dtype="uint8")
    labels = RNG.integers(0, 3, (20, 30))
    larger = RNG.integers(0, 256, (40, 60, 3), dtype="uint8")
    figure = viz.compare(image, {"unet": labels, "image": larger}, classes=["a", "b", "c"])
    assert [panel.get_title() for panel in figure.axes] == ["image", "unet", "image"]
    first, second, third = shown(figure)
    np.testing.assert_array_equal(first, image)
    np.testing.assert_array_equal(second, viz.overlay_image(image, labels))
    np.testing.assert_array_equal(third, larger)
    assert not any(panel.axison for panel in figure.axes)
    # nothing of one panel lies on another
    assert pixels(figure).shape[1] > 2 * pixels(figure).shape[0]
    boxes = [panel.get_position() for panel in figure.axes]
    assert all(one.x1 <= two.x0 for one, two in pairwise(boxes))


def test_figures_are_not_kept_open() -> None:
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    viz.overlay(np.zeros((4, 4), "uint8"), np.zeros((4, 4), int))
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.overlay([[1, 2]], [[1]]), "`labels` must be whole numbers of the image's"),
        (lambda: viz.overlay([[1]], [[0.5]]), "Received: float64, shape (1, 1)"),
        (lambda: viz.overlay([[1]], [[-1]]), "`labels` must be classes, 0 or more. Received: -1"),
        (
            lambda: viz.overlay([[1]], [[2]], colours=[(0, 0, 0), (1, 1, 1)]),
            "0 to 1, which have a colour. Received: 2 to 2",
        ),
        (lambda: viz.overlay([[1]], [[1]], colours=[(0, 0, 0), (1, 300, 1)]), "Received: (1, 300"),
        (lambda: viz.overlay([[1]], [[1]], alpha=2), "`alpha` must be between 0 and 1"),
        (lambda: viz.overlay(np.zeros(3), [1]), "`image` must be (H, W) or (H, W, C)"),
        (lambda: viz.compare([[1]], {}), "`results` is empty"),
    ],
)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        call()
    assert message in str(raised.value)


def test_without_matplotlib(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    image, labels = np.zeros((4, 4), "uint8"), np.ones((4, 4), int)
    assert viz.overlay_image(image, labels).shape == (4, 4, 3)
    with pytest.raises(ModuleNotFoundError, match=r"pip install matplotlib"):
        viz.overlay(image, labels)
