"""The photographs are the real ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_upsample import data
from keras_upsample.data import _photographs


@pytest.mark.parametrize("name", data.PHOTOGRAPHS)
def test_every_photograph_is_a_picture(name):
    picture = data.photograph(name)
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert min(picture.shape[:2]) >= 300
    assert picture.std() > 20


def test_the_astronaut():
    picture = data.photograph("astronaut")
    assert picture.shape == (512, 512, 3)
    assert picture[0, 0].tolist() == [154, 147, 151]
    assert picture.mean(axis=(0, 1)).round(1).tolist() == pytest.approx([143, 108, 92], abs=40)


def test_size_is_height_then_width():
    picture = data.photograph("chelsea", (40, 70))
    assert picture.shape == (40, 70, 3)
    whole = Image.fromarray(data.photograph("chelsea"))
    expected = np.asarray(whole.resize((70, 40), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(picture, expected)


@pytest.mark.parametrize("size", [(0, 4), (4, -1)])
def test_bad_size(size):
    with pytest.raises(ValueError, match=r"`size` must be .*at least 1 pixel"):
        data.photograph("coffee", size)


def test_unknown_name():
    with pytest.raises(ValueError, match=r"`name` must be one of 'astronaut'.*'lenna'"):
        data.photograph("lenna")


def test_they_are_those_of_scikit_image():
    """Byte for byte, and the notice names each."""
    skimage = pytest.importorskip("skimage")
    theirs = Path(skimage.__file__).parent / "data"
    ours = Path(_photographs.__file__).parent / "photographs"
    notice = (ours / "NOTICE.md").read_text()
    for file in data.PHOTOGRAPHS.values():
        assert (ours / file).read_bytes() == (theirs / file).read_bytes()
        assert f"| {file} |" in notice
