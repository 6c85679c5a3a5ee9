"""Masks by colours, and soft masks by a threshold."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_upsample.data import _folder, folder

COLOURS = [[0, 0, 0], [128, 0, 0], [0, 128, 7]]
CREAM = [224, 224, 192]


@pytest.fixture
def places(tmp_path):
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    return images, masks


def picture(images, name, shape=(5, 7)):
    Image.fromarray(np.zeros((*shape, 3), "uint8")).save(images / f"{name}.png")


def labels(shape=(5, 7), count=3, seed=0):
    return np.random.default_rng(seed).integers(0, count, shape).astype("uint8")


def test_colours_in_every_kind_of_file(places):
    images, masks = places
    truth = labels(count=4)
    table = np.array([*COLOURS, CREAM], "uint8")
    rgb = table[truth]
    indexed = Image.frombytes("P", (7, 5), (truth + 3).tobytes())  # the index is not the class
    indexed.putpalette([9, 9, 9] * 3 + table.ravel().tolist())
    opacity = np.full((5, 7, 1), 77, "uint8")
    shown = np.zeros((3, 256), "uint16")
    shown[:, 3:7] = table.T.astype("uint16") * 257
    writers = {
        "rgb.png": lambda path: Image.fromarray(rgb).save(path),
        "rgba.png": lambda path: Image.fromarray(np.concatenate([rgb, opacity], -1)).save(path),
        "indexed.png": indexed.save,
        "colours.gif": lambda path: Image.fromarray(rgb).save(path),
        "colours.bmp": lambda path: Image.fromarray(rgb).save(path),
        "rgb.tif": lambda path: tifffile.imwrite(path, rgb, photometric="rgb"),
        "palette.tif": lambda path: tifffile.imwrite(
            path, truth + 3, photometric="palette", colormap=shown
        ),
    }
    for file, write in writers.items():
        name, ending = file.split(".")
        picture(images, f"{name}_{ending}")
        write(masks / f"{name}_{ending}.{ending}")
    found = folder(images, masks, values=COLOURS, ignore=CREAM)
    assert len(found) == len(writers)
    expected = np.where(truth == 3, 255, truth)
    for name, label in zip(found.names, found.labels, strict=True):
        np.testing.assert_array_equal(label, expected, err_msg=name)
        assert label.dtype == np.uint8
    assert found.classes == ("class 0", "class 1", "class 2")


def test_colours_by_name(places):
    images, masks = places
    picture(images, "a", (1, 4))
    Image.fromarray(np.array([[[0, 0, 0], [1, 2, 3], CREAM, [9, 9, 9]]], "uint8")).save(
        masks / "a.png"
    )
    values = {"sky": (0, 0, 0), "sea": np.array([1, 2, 3])}
    found = folder(images, masks, values=values, ignore=[CREAM, (9, 9, 9)])
    assert found.classes == ("sky", "sea")
    assert found.labels[0].tolist() == [[0, 1, 255, 255]]
    with pytest.raises(ValueError, match="`classes` are the keys of `values` already"):
        folder(images, masks, values=values, classes=["a", "b"])
    assert folder(
        images, masks, values=[*values.values()], ignore=[CREAM, [9] * 3], classes=["a", "b"]
    ).classes == ("a", "b")


def test_numbers_by_name_and_several_ignored(places):
    images, masks = places
    picture(images, "a", (1, 4))
    Image.fromarray(np.array([[7, 11, 0, 5]], "uint8")).save(masks / "a.png")
    found = folder(images, masks, values={"road": 7, "building": np.int64(11)}, ignore=(0, 5))
    assert found.classes == ("road", "building")
    assert found.labels[0].tolist() == [[0, 1, 255, 255]]


def test_a_colour_of_no_class_is_named_with_file_and_place(places):
    images, masks = places
    for name in "ab":
        picture(images, name)
    good = np.zeros((5, 7, 3), "uint8")
    bad = good.copy()
    bad[3, 2:4] = 1, 2, 3
    bad[4, 6] = 9, 9, 9
    Image.fromarray(good).save(masks / "a.png")
    Image.fromarray(bad).save(masks / "b.png")
    with pytest.raises(ValueError, match="1 of 2 pairs") as caught:
        folder(images, masks, values=COLOURS)
    message = str(caught.value)
    assert "b.png: the mask holds colours of no class" in message
    assert "[1, 2, 3] in 2 pixels, [9, 9, 9] in 1 pixels" in message
    assert "the first is [1, 2, 3] at row 3, column 2" in message
    # A number of no class likewise.
    Image.fromarray(bad[..., 0]).save(masks / "b.png")
    with pytest.raises(ValueError, match=r"holds 9; .* The first is at row 4, column 6"):
        folder(images, masks, values=(0, 1))


def test_colours_without_a_table_are_shown(places):
    images, masks = places
    picture(images, "a")
    Image.fromarray(np.array(COLOURS, "uint8")[labels()]).save(masks / "a.png")
    with pytest.raises(ValueError, match=r"3 different: .*128, 0, 0.* Pass `values="):
        folder(images, masks)


def test_gif_greys_are_numbers(places):
    """Pillow numbers a GIF's colours anew: grey values 0 and 2 are stored as indices 0 and 1."""
    images, masks = places
    picture(images, "a", (1, 4))
    Image.fromarray(np.array([[0, 2, 2, 0]], "uint8")).save(masks / "a.gif")
    with Image.open(masks / "a.gif") as stored:
        assert np.asarray(stored).max() == 1  # what an index would have been
    found = folder(images, masks)
    assert found.labels[0].tolist() == [[0, 2, 2, 0]]
    Image.fromarray(np.array([[0, 255, 255, 0]], "uint8")).save(masks / "a.gif")
    assert folder(images, masks).labels[0].tolist() == [[0, 1, 1, 0]]


def test_files_that_can_not_be_colours(places):
    images, masks = places
    for name in ("jpeg", "deep"):
        picture(images, name)
    rgb = np.array(COLOURS, "uint8")[labels()]
    Image.fromarray(rgb).save(masks / "jpeg.jpg")
    tifffile.imwrite(masks / "deep.tif", rgb.astype("uint16") * 257, photometric="rgb")
    with pytest.raises(ValueError, match="2 of 2 pairs") as caught:
        folder(images, masks, values=COLOURS)
    assert "JPEG changes colours" in str(caught.value)
    assert "channels of uint16 are no colours of 8 bits" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": [[0, 0, 0], [0, 0, 0]]}, "`values` must be different"),
        ({"values": COLOURS, "ignore": [128, 0, 0]}, "`ignore` none of them"),
        ({"values": [[0, 0, 256]]}, r"colours \[red, green, blue\] .* Received: \[0, 0, 256\]"),
        ({"values": [[0, 0, 0.5]]}, r"Received: \[0, 0, 0.5\]"),
        ({"values": [[0, 0]]}, r"Received: \[0, 0\]"),
        ({"values": [[0, 0, 0], 5]}, r"Received: \[0, 0, 0\]. Colours are"),
        ({"values": COLOURS, "ignore": 255}, "`ignore` must be colours .* Received: 255"),
        ({"values": COLOURS, "classes": ["a"]}, "`classes` must name each of `values`"),
        ({"values": ["red"]}, "Received: 'red'"),
        ({"threshold": 1, "values": (0, 1)}, "`threshold` makes two classes.*Received: both"),
        ({"threshold": True}, "`threshold` must be a number. Received: True"),
        ({"threshold": 9, "classes": ("a",)}, "`classes` must be 2 with a `threshold`"),
    ],
)
def test_bad_arguments(places, options, message):
    with pytest.raises(ValueError, match=message):
        folder(*places, **options)


def test_soft_masks(places):
    """Bytes in PNG and JPEG, floats, three equal channels."""
    images, masks = places
    soft = np.random.default_rng(1).integers(0, 256, (5, 7)).astype("uint8")
    soft[0, :3] = 0, 127, 128
    for name in ("png", "rgb", "jpeg"):
        picture(images, name)
    Image.fromarray(soft).save(masks / "png.png")
    Image.fromarray(np.stack([soft] * 3, -1)).save(masks / "rgb.png")
    Image.fromarray(soft).save(masks / "jpeg.jpg", quality=95)
    found = folder(images, masks, threshold=128, classes=("sky", "land"))
    assert found.classes == ("sky", "land")
    by_name = dict(zip(found.names, found.labels, strict=True))
    for name in ("png", "rgb"):
        np.testing.assert_array_equal(by_name[name], soft >= 128)
    with Image.open(masks / "jpeg.jpg") as stored:
        np.testing.assert_array_equal(by_name["jpeg"], np.asarray(stored) >= 128)
    for path in masks.iterdir():
        path.unlink()
    for name in ("png", "rgb", "jpeg"):
        tifffile.imwrite(masks / f"{name}.tif", soft.astype("float32") / 255)
    for label in folder(images, masks, threshold=0.5).labels:
        np.testing.assert_array_equal(label, soft >= 128)


def test_soft_masks_that_have_values_of_no_class(places):
    images, masks = places
    picture(images, "a", (1, 3))
    Image.fromarray(np.array([[9, 200, 255]], "uint8")).save(masks / "a.png")
    found = folder(images, masks, threshold=100, ignore=255)
    assert found.labels[0].tolist() == [[0, 1, 255]]


def test_thresholds_in_other_units_are_refused(places):
    images, masks = places
    picture(images, "a", (1, 3))
    Image.fromarray(np.array([[0, 100, 255]], "uint8")).save(masks / "a.png")
    with pytest.raises(ValueError, match=r"threshold=0.5` is in the units .* 0 to 255. Pass e.g"):
        folder(images, masks, threshold=0.5)
    with pytest.raises(ValueError, match=r"no pixels reach it. They hold 0 to 255"):
        folder(images, masks, threshold=256)
    (masks / "a.png").unlink()
    tifffile.imwrite(masks / "a.tif", np.array([[0.1, np.nan, 0.9]], "float32"))
    with pytest.raises(ValueError, match="not a number at row 0, column 1"):
        folder(images, masks, threshold=0.5)
    tifffile.imwrite(masks / "a.tif", np.array([[0.1, 0.2, 0.9]], "float32"))
    with pytest.raises(ValueError, match=r"no pixels reach it. They hold 0.1 to 0.9"):
        folder(images, masks, threshold=128)
    with pytest.raises(ValueError, match=r"all pixels reach it"):
        folder(images, masks, threshold=0.05)
    # Masks of 0 and 1 are numbers below which 0.5 means something.
    tifffile.imwrite(masks / "a.tif", np.array([[0, 1, 1]], "uint8"))
    assert folder(images, masks, threshold=0.5).labels[0].tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("options", [{"values": COLOURS}, {"threshold": 60}])
def test_what_does_not_fit_into_memory_is_read_again(places, monkeypatch, options):
    images, masks = places
    for i, name in enumerate("abc"):
        picture(images, name)
        mask = labels(seed=i)
        pixels = np.array(COLOURS, "uint8")[mask] if "values" in options else mask * 60
        Image.fromarray(pixels).save(masks / f"{name}.png")
    whole = folder(images, masks, **options)
    monkeypatch.setattr(_folder, "_KEPT_BYTES", 5 * 7 * (3 * 4 + 1))  # one pair
    part = folder(images, masks, **options)
    for i in range(3):
        np.testing.assert_array_equal(part.labels[i], whole.labels[i])
    assert part.labels[0] is part.labels[0]
    assert part.labels[1] is not part.labels[1]
