"""Images and masks of the user's own."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_upsample.data import _folder, batches, folder


@pytest.fixture
def places(tmp_path):
    """Empty folders for images and masks."""
    images, masks = tmp_path / "images", tmp_path / "masks"
    images.mkdir()
    masks.mkdir()
    return images, masks


def pixels(shape, seed=0, dtype="uint8"):
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape).astype(dtype)


def numbers(shape, count, seed=0):
    values = np.arange(np.prod(shape)) % count
    return np.random.default_rng(seed).permutation(values).reshape(shape).astype("uint8")


def save(path, values):
    Image.fromarray(values).save(path)


def indexed(path, values):
    """Its palette shows anything but the numbers."""
    picture = Image.fromarray(values).convert("P")
    picture = Image.frombytes("P", picture.size, values.tobytes())
    picture.putpalette([*range(255, -1, -1)] * 3)
    picture.save(path)


def test_pairs_by_stem(places):
    images, masks = places
    expected = {}
    for i, (name, shape) in enumerate({"b": (5, 7), "a": (6, 4), "c.d": (3, 3)}.items()):
        image, mask = pixels((*shape, 3), i), numbers(shape, 3, i)
        save(images / f"{name}.png", image)
        save(masks / f"{name}.tif", mask)
        expected[name] = image, mask
    (images / "notes.txt").write_text("not a picture")
    (images / ".hidden.png").write_bytes(b"")
    found = folder(images, masks)
    assert len(found) == 3
    assert found.names == ("a", "b", "c.d")
    assert found.classes == ("class 0", "class 1", "class 2")
    for name, image, label in zip(found.names, found.images, found.labels, strict=True):
        np.testing.assert_allclose(image, expected[name][0] / 255, atol=1e-6)
        np.testing.assert_array_equal(label, expected[name][1])
        assert (image.dtype, label.dtype) == (np.float32, np.uint8)


def test_every_kind_of_mask(places):
    """Grey, indexed, three equal channels, with opacity, 16 bits, whole floats."""
    images, masks = places
    mask = numbers((6, 9), 4)
    writers = {
        "grey": lambda path: save(path, mask),
        "indexed": lambda path: indexed(path, mask),
        "rgb": lambda path: save(path, np.stack([mask] * 3, axis=-1)),
        "rgba": lambda path: save(path, np.stack([mask] * 3 + [mask * 0 + 255], axis=-1)),
        "deep": lambda path: save(path, mask.astype("uint16")),
    }
    for name, write in writers.items():
        save(images / f"{name}.png", pixels((6, 9, 3)))
        write(masks / f"{name}.png")
    save(images / "float.png", pixels((6, 9, 3)))
    tifffile.imwrite(masks / "float.tif", mask.astype("float32"))
    save(images / "palette.png", pixels((6, 9, 3)))
    colours = np.zeros((3, 256), "uint16")
    tifffile.imwrite(masks / "palette.tif", mask, photometric="palette", colormap=colours)
    found = folder(images, masks)
    assert len(found) == 7
    for name, label in zip(found.names, found.labels, strict=True):
        np.testing.assert_array_equal(label, mask, err_msg=name)


@pytest.mark.parametrize("bits", [1, 8])
def test_two_values_are_two_classes(places, bits):
    images, masks = places
    mask = numbers((5, 6), 2)
    save(images / "a.png", pixels((5, 6)))
    picture = Image.fromarray(mask * np.uint8(255))
    (picture.convert("1") if bits == 1 else picture).save(masks / "a.png")
    found = folder(images, masks)
    assert found.images[0].shape == (5, 6, 1)
    np.testing.assert_array_equal(found.labels[0], mask)
    assert len(found.classes) == 2


def test_255_can_not_be_a_class_beside_others(places):
    images, masks = places
    for name, values in {"a": [0, 255], "b": [0, 2]}.items():
        save(images / f"{name}.png", pixels((1, 2)))
        save(masks / f"{name}.png", np.array([values], "uint8"))
    with pytest.raises(ValueError, match=r"hold 255 in some files and 0, 2, 255 .*`ignore=255`"):
        folder(images, masks)
    found = folder(images, masks, ignore=255)
    assert [label.tolist() for label in found.labels] == [[[0, 255]], [[0, 2]]]
    assert len(found.classes) == 3


def test_values_and_ignore(places):
    images, masks = places
    save(images / "a.png", pixels((1, 4)))
    save(masks / "a.png", np.array([[200, 9, 0, 127]], "uint8"))
    found = folder(images, masks, values=(0, 127, 200), ignore=9, classes=("sky", "sea", "land"))
    assert found.labels[0].tolist() == [[2, 255, 0, 1]]
    assert found.classes == ("sky", "sea", "land")
    with pytest.raises(ValueError, match=r"the mask holds 9, 200; `values` are \[0, 127\]"):
        folder(images, masks, values=(0, 127))


def test_classes_that_no_mask_shows_are_counted(places):
    images, masks = places
    save(images / "a.png", pixels((1, 2)))
    save(masks / "a.png", np.array([[0, 1]], "uint8"))
    assert len(folder(images, masks, classes=("a", "b", "c")).classes) == 3
    with pytest.raises(ValueError, match=r"the mask holds 1; `classes` has 1"):
        folder(images, masks, classes=("a",))


def test_mismatches_are_listed_together(places):
    images, masks = places
    for name in ("a.png", "b.png", "b.bmp", "only.png"):
        save(images / name, pixels((2, 2)))
    for i in range(12):
        save(masks / f"m{i:02d}.png", numbers((2, 2), 2))
    for name in ("a.png", "b.png"):
        save(masks / name, numbers((2, 2), 2))
    with pytest.raises(ValueError, match="must match by file name") as caught:
        folder(images, masks)
    message = str(caught.value)
    assert "1 images without a mask: only;" in message
    assert "12 masks without an image: m00, m01, " in message
    assert "m09, ... and 2 more;" in message
    assert "m10" not in message
    assert "1 images of one name: b." in message


def test_all_that_is_wrong_is_told_together(places):
    images, masks = places
    save(images / "a.png", pixels((4, 5, 3)))
    save(masks / "a.png", numbers((4, 5), 2))
    for name in ("broken", "size", "grey", "colours", "jpeg", "high", "negative", "half"):
        save(images / f"{name}.png", pixels((4, 5) if name == "grey" else (4, 5, 3)))
    (images / "broken.png").write_bytes(b"no picture")
    for name in ("broken", "grey"):
        save(masks / f"{name}.png", numbers((4, 5), 2))
    save(masks / "size.png", numbers((5, 4), 2))
    save(masks / "colours.png", pixels((4, 5, 3)))
    save(masks / "jpeg.jpg", numbers((4, 5), 2))
    save(masks / "high.png", numbers((4, 5), 2).astype("uint16") * 300)
    tifffile.imwrite(masks / "negative.tif", numbers((4, 5), 2).astype("int16") - 1)
    tifffile.imwrite(masks / "half.tif", numbers((4, 5), 2).astype("float32") / 2)
    with pytest.raises(ValueError, match="8 of 9 pairs of `images` and `masks`") as caught:
        folder(images, masks)
    lines = {line.split(".")[0].strip(): line for line in str(caught.value).splitlines()[1:]}
    for name, said in {
        "broken": "broken.png' can't be read",
        "size": "the image is 4x5, the mask 5x4",
        "grey": "has 1 channels, those before it 3",
        "colours": "3 channels are colours. Pass `values=[[red, green, blue], ...]`",
        "jpeg": "JPEG changes class numbers",
        "high": "the mask holds 300; class numbers go to 254",
        "negative": "go from -1 to 0",
        "half": "not whole numbers",
    }.items():
        assert said in lines[name]


def test_no_folder_and_no_pictures(places, tmp_path):
    images, masks = places
    with pytest.raises(ValueError, match="`images` must be a folder"):
        folder(tmp_path / "nowhere", masks)
    with pytest.raises(ValueError, match="`images` must hold pictures"):
        folder(images, masks)
    save(images / "a.png", pixels((2, 2)))
    with pytest.raises(ValueError, match="`masks` must hold pictures"):
        folder(images, masks)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalization": "otsu"}, "`normalization` must be one of"),
        ({"values": (0, 0)}, "`values` must be different"),
        ({"values": (0, 9), "ignore": 9}, "`ignore` none of them"),
        ({"values": (0, 1.5)}, "whole numbers from 0 to 65535. Received: 1.5"),
        ({"ignore": -1}, "whole numbers from 0 to 65535. Received: -1"),
        ({"classes": ()}, "`classes` must be 1 to 255. Received: 0"),
        ({"classes": ("a",), "values": (0, 1)}, "`classes` must name each of `values`"),
        ({"values": {0: 0, 255: 1}}, "Received 0 as a name. Turn it round"),
        ({"values": {(0, 0, 0): 0, (128, 0, 0): 1}}, "as a name. Turn it round"),
    ],
)
def test_bad_arguments(places, options, message):
    with pytest.raises(ValueError, match=message):
        folder(*places, **options)


def test_frames_and_channels_of_tiff(places):
    """A film goes with a film of masks; planes without a name are channels if there is one mask."""
    images, masks = places
    film = pixels((3, 6, 5), dtype="uint16")
    mask = numbers((3, 6, 5), 2)
    named = {"photometric": "minisblack", "metadata": {"axes": "TYX"}}
    tifffile.imwrite(images / "film.tif", film, **named)
    tifffile.imwrite(masks / "film.tif", mask, **named)
    found = folder(images, masks)
    assert found.names == ("film t0", "film t1", "film t2")
    for i in range(3):
        np.testing.assert_allclose(found.images[i][..., 0], film[i] / 65535, atol=1e-6)
        np.testing.assert_array_equal(found.labels[i], mask[i])
    tifffile.imwrite(masks / "film.tif", mask[:2], **named)
    with pytest.raises(ValueError, match="the image has 3 frames, the mask 2"):
        folder(images, masks)
    tifffile.imwrite(images / "film.tif", film[:2])
    tifffile.imwrite(masks / "film.tif", mask[0])
    (image,) = folder(images, masks).images
    np.testing.assert_allclose(image, np.moveaxis(film[:2], 0, -1) / 65535, atol=1e-6)


def test_orientation_and_opacity_of_a_photograph(places):
    images, masks = places
    image, mask = pixels((4, 7, 3)), numbers((4, 7), 2)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    turned = Image.fromarray(np.rot90(image))
    turned.save(images / "a.png", exif=exif)
    save(masks / "a.png", mask)
    opaque = np.concatenate([image, np.full((4, 7, 1), 90, "uint8")], axis=-1)
    save(images / "b.png", opaque)
    save(masks / "b.png", mask)
    for found in folder(images, masks).images:
        np.testing.assert_allclose(found, image / 255, atol=1e-6)


def test_percentiles_as_in_prediction(places):
    images, masks = places
    image = pixels((8, 9), dtype="uint16") // 50
    save(images / "a.png", image)
    save(masks / "a.png", numbers((8, 9), 2))
    (found,) = folder(images, masks, normalization="percentiles").images
    low, high = np.percentile(image, [1.0, 99.8])
    np.testing.assert_allclose(
        found[..., 0], np.clip((image - low) / (high - low), 0, 1), atol=1e-5
    )


def test_what_does_not_fit_into_memory_is_read_again(places, monkeypatch):
    images, masks = places
    for i, name in enumerate("abc"):
        save(images / f"{name}.png", pixels((6, 5, 3), i))
        save(masks / f"{name}.png", numbers((6, 5), 3, i) * 10)
    options = {"values": (0, 10, 20)}
    whole = folder(images, masks, **options)
    monkeypatch.setattr(_folder, "_KEPT_BYTES", 6 * 5 * (3 * 4 + 1))  # one pair
    part = folder(images, masks, **options)
    for i in range(3):
        np.testing.assert_array_equal(part.images[i], whole.images[i])
        np.testing.assert_array_equal(part.labels[i], whole.labels[i])
    assert part.images[0] is part.images[0]
    assert part.images[1] is not part.images[1]
    ((x, y), (u, v)) = (
        next(iter(batches(data, size=4, augment=False, seed=2))) for data in (whole, part)
    )
    np.testing.assert_array_equal(x, u)
    np.testing.assert_array_equal(y, v)
