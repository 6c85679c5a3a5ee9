"""File names of images and masks: conventions, patterns, sub-folders, and what is refused."""

import re
import warnings
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import folder
from keras_upsample.data._patterns import Pattern


def put(path, number=None):
    """An image, or a mask that holds `number`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.zeros((2, 3, 3), "uint8") if number is None else np.full((2, 3), number, "uint8")
    Image.fromarray(values).save(path)


def made(root, image, mask, names):
    """Image i and mask i of a data set, told apart by their class."""
    for number, name in enumerate(names):
        put(root / "i" / image.format(name))
        put(root / "m" / mask.format(name), number)
    return root / "i", root / "m"


def numbers(found):
    return {name: int(label[0, 0]) for name, label in zip(found.names, found.labels, strict=True)}


@pytest.mark.parametrize(
    "image, mask, who",
    [
        ("{}.jpg", "{}_mask.gif", "Carvana"),
        ("bonn/{}_leftImg8bit.png", "bonn/{}_gtFine_labelIds.png", "Cityscapes"),
        ("bonn/{}_leftImg8bit.png", "bonn/{}_gtCoarse_labelTrainIds.png", "Cityscapes"),
        ("ISIC_{}.jpg", "ISIC_{}_segmentation.png", "ISIC"),
        ("{}.png", "{}_L.png", "CamVid"),
        ("{}_sat.jpg", "{}_mask.png", "DeepGlobe"),
        ("{}_training.tif", "{}_manual1.gif", "DRIVE"),
        ("image_{}.png", "mask_{}.png", None),
        ("x/img{}.png", "x/label{}.png", None),
        ("{}.bmp", "mask_{}.bmp", None),
    ],
)
def test_well_known_names_are_taken_and_said(tmp_path, image, mask, who):
    images, masks = made(tmp_path, image, mask, ["12", "7", "a_b"])
    with pytest.warns(UserWarning, match="are matched as") as caught:
        found = folder(images, masks)
    assert len(caught) == 1
    assert caught[0].filename == __file__  # at the user's line
    assert str(caught[0].message) == found.pairing
    assert "3 pairs" in found.pairing
    if who:
        assert f"(as {who})" in found.pairing
    stem = image.rsplit(".", 1)[0]
    assert numbers(found) == {stem.format(n): i for i, n in enumerate(["12", "7", "a_b"])}


def test_equal_names_in_sub_folders_are_no_guess(tmp_path):
    images, masks = made(tmp_path, "{}.jpg", "{}.png", ["a/0", "b/0", "b/c/0", "top"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = folder(images, masks)
    assert numbers(found) == {"a/0": 0, "b/0": 1, "b/c/0": 2, "top": 3}
    assert found.pairing == ""


def test_patterns(tmp_path):
    images, masks = made(tmp_path, "s1/shot {}-rgb.jpg", "s1/truth.{}.v2.png", ["1", "22"])
    with pytest.raises(ValueError, match="must match by file name") as caught:
        folder(images, masks)
    # What all names begin and end with is a hint, no guess.
    pattern = {"image_pattern": "shot {name}-rgb", "mask_pattern": "truth.{name}.v2"}
    for argument, text in pattern.items():
        assert f"{argument}={text!r}" in str(caught.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it was said
        found = folder(images, masks, **pattern)
    assert numbers(found) == {"s1/shot 1-rgb": 0, "s1/shot 22-rgb": 1}
    assert "'s1/shot 1-rgb.jpg' with 's1/truth.1.v2.png'" in found.pairing


def test_patterns_with_folders(tmp_path):
    """One folder a sample, images and masks below it."""
    for number, sample in enumerate(("a", "b/c")):
        put(tmp_path / sample / "images" / "x.png")
        put(tmp_path / sample / "masks" / "x.png", number)
    found = folder(
        tmp_path,
        tmp_path,
        image_pattern="{folder}/images/{name}",
        mask_pattern="{folder}/masks/{name}",
    )
    assert numbers(found) == {"a/images/x": 0, "b/c/images/x": 1}
    (tmp_path / "b/c/masks/x.png").unlink()
    with pytest.raises(ValueError, match=r"must match by the patterns.*without a mask: b/c/x\."):
        folder(
            tmp_path,
            tmp_path,
            image_pattern="{folder}/images/{name}",
            mask_pattern="{folder}/masks/{name}",
        )
    with pytest.raises(ValueError, match=r"2 files fit both patterns.*: a/images/x.png, b"):
        folder(
            tmp_path,
            tmp_path,
            image_pattern="{folder}/images/{name}",
            mask_pattern="{folder}/{name}",
        )


def test_one_folder_of_images_and_masks(tmp_path):
    for number, name in enumerate("ab"):
        put(tmp_path / f"{name}.jpg")
        put(tmp_path / f"{name}_mask.png", number)
    with pytest.warns(UserWarning, match="matched as '{name}' and '{name}_mask'"):
        assert numbers(folder(tmp_path, tmp_path)) == {"a": 0, "b": 1}
    assert numbers(folder(tmp_path, tmp_path, mask_pattern="{name}_mask")) == {"a": 0, "b": 1}
    for name in "ab":
        (tmp_path / f"{name}_mask.png").rename(tmp_path / f"{name}.png")
    with pytest.raises(ValueError, match=r"are one folder, .* do not tell masks from images"):
        folder(tmp_path, tmp_path)
    by_ending = {"image_pattern": "{name}.jpg", "mask_pattern": "{name}.png"}
    assert numbers(folder(tmp_path, tmp_path, **by_ending)) == {"a": 0, "b": 1}


def test_masks_below_the_images(tmp_path):
    for number, name in enumerate("ab"):
        put(tmp_path / f"{name}.png")
        put(tmp_path / "masks" / f"{name}.png", number)
    assert numbers(folder(tmp_path, tmp_path / "masks")) == {"a": 0, "b": 1}


def test_cityscapes_with_all_its_files(tmp_path):
    """Colours and instances hold no class numbers; two sets of class numbers are a choice."""
    images, masks = made(
        tmp_path, "{}_leftImg8bit.png", "{}_gtFine_labelIds.png", ["ulm/0", "ulm/1"]
    )
    for name in ("ulm/0", "ulm/1"):
        for kind in ("color", "instanceIds"):
            put(masks / f"{name}_gtFine_{kind}.png", 9)
    with pytest.warns(UserWarning, match="4 other pictures are left out"):
        found = folder(images, masks)
    assert [*numbers(found).values()] == [0, 1]
    for name in ("ulm/0", "ulm/1"):
        put(masks / f"{name}_gtFine_labelTrainIds.png", 1)
    with pytest.raises(ValueError, match="must match by file name") as caught:
        folder(images, masks)
    assert "Choose" in str(caught.value)
    for kind in ("labelIds", "labelTrainIds"):
        pattern = f"{{name}}_gtFine_{kind}"
        assert f"mask_pattern={pattern!r}" in str(caught.value)
        given = {"image_pattern": "{name}_leftImg8bit", "mask_pattern": pattern}
        expected = [0, 1] if kind == "labelIds" else [1, 1]
        assert [*numbers(folder(images, masks, **given)).values()] == expected


def test_names_that_match_in_two_ways_are_refused(tmp_path):
    """a_mask is the mask of a or, by another convention, of mask_a."""
    for name in ("x", "mask_x"):
        put(tmp_path / "i" / f"{name}.png")
    put(tmp_path / "m" / "mask_x.png", 0)
    put(tmp_path / "m" / "mask_mask_x.png", 1)
    with pytest.warns(UserWarning, match="'mask_{name}'"):
        assert numbers(folder(tmp_path / "i", tmp_path / "m")) == {"mask_x": 1, "x": 0}
    for name in ("a", "a_mask"):
        put(tmp_path / "j" / f"mask_{name}.png")
    for mask in ("mask_a_mask", "mask_a_mask_mask"):
        put(tmp_path / "n" / f"{mask}.png", 1)
    with pytest.warns(UserWarning, match="'{name}_mask'"):
        folder(tmp_path / "j", tmp_path / "n")


def test_one_missing_mask_is_an_error_in_every_convention(tmp_path):
    images, masks = made(tmp_path, "{}.jpg", "{}_mask.gif", ["a", "b", "c"])
    (masks / "b_mask.gif").unlink()
    with pytest.raises(ValueError, match="3 images without a mask: a, b, c; 2 masks without"):
        folder(images, masks)
    with pytest.raises(ValueError, match=r"by the patterns .* 1 images without a mask: b\."):
        folder(images, masks, mask_pattern="{name}_mask")
    put(masks / "b_mask.gif", 1)
    put(masks / "d_mask.gif", 1)
    with pytest.raises(ValueError, match=r"mask_pattern='\{name\}_mask'"):
        folder(images, masks)
    with pytest.raises(ValueError, match=r"1 masks without an image: d\."):
        folder(images, masks, mask_pattern="{name}_mask")


def test_two_files_of_one_name_are_refused(tmp_path):
    images, masks = made(tmp_path, "{}.jpg", "{}_mask.gif", ["a", "b"])
    put(masks / "a_mask.png", 1)
    with pytest.raises(ValueError, match=r"1 masks of one name: a\."):
        folder(images, masks, mask_pattern="{name}_mask")
    assert len(folder(images, masks, mask_pattern="{name}_mask.gif")) == 2


@pytest.mark.parametrize(
    "pattern", ["mask", "{name}{name}", "{stem}_mask", "{folder}_{name}", "{name", "{name}}", 3, ""]
)
def test_bad_patterns(tmp_path, pattern):
    images, masks = made(tmp_path, "{}.png", "{}.png", "a")
    with pytest.raises(ValueError, match=r"`mask_pattern` must be a file name with \{name\} once"):
        folder(images, masks, mask_pattern=pattern)
    with pytest.raises(ValueError, match=r"`images` hold no picture of the pattern 'no_\{name\}'"):
        folder(images, masks, image_pattern="no_{name}")


@pytest.mark.parametrize(
    "text, path, key",
    [
        ("{name}", "a/b.c.png", ("a", "b.c")),
        ("{name}_mask", "x_mask_mask.png", ("", "x_mask")),
        ("{name}_mask", "_mask.png", None),
        ("{name}.PNG", "x.png", ("", "x")),
        ("{name}.png", "x.jpg", None),
        ("{name}.v2", "x.v2.png", ("", "x")),
        (".{name}", ".x.png", ("", "x")),
        ("a+{name}", "aa1.png", None),
        ("{folder}/gt/{name}", "p/gt/q/gt/x.png", ("p/gt/q", "x")),
        ("gt/{name}", "gt/x.png", ("", "x")),
        ("gt/{name}", "a/gt/x.png", None),
    ],
)
def test_pattern_keys(text, path, key):
    assert Pattern("mask_pattern", text).key(PurePosixPath(path)) == key


def test_links_in_a_circle(tmp_path):
    images, masks = made(tmp_path, "s/{}.png", "s/{}.png", "ab")
    (images / "s" / "again").symlink_to(images, target_is_directory=True)
    assert numbers(folder(images, masks)) == {"s/a": 0, "s/b": 1}


def test_the_page_on_data_runs_and_its_patterns_do(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "images" / "a.jpg")
    put(tmp_path / "masks" / "a.png", 1)
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(block, {})
    table = page.split("| files | arguments |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 4
    for number, row in enumerate(table):
        files, call = row.strip("| ").split(" | ")
        for path in re.findall(r"`([^`]+)`", files):
            is_mask = re.search(r"(^|/)masks?/|^m/|d/x\.png", path)
            put(tmp_path / str(number) / path, 1 if is_mask else None)
        monkeypatch.chdir(tmp_path / str(number))
        options = ", ".join(re.findall(r"`([^`]+)`", call))
        code = options if options.startswith("folder(") else f"folder('i', 'm', {options})"
        found = eval(code, {"folder": folder})
        assert [*numbers(found).values()] == [1], row
