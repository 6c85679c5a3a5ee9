"""Pixels without data: the network never sees their number, and no result has one there."""

import logging

import numpy as np
import pytest
import scenes
import tifffile
from PIL import Image
from predicting import box, picture, predictor

from keras_upsample.images import _scaling
from keras_upsample.images._missing import missing_values
from keras_upsample.images._nodata import as_value, without_data
from keras_upsample.images._pictures import sources_in
from keras_upsample.images._scaling import scaling_of
from keras_upsample.images._sources import ImageError, of_array
from keras_upsample.predict import predict, predict_to_files

RNG = np.random.default_rng(52)
NORMALIZATIONS = ("full_range", "percentiles", "none")


def scene(height: int = 60, width: int = 41) -> tuple[np.ndarray, np.ndarray]:
    """A uint16 image and which of its pixels hold no data: a third of the rows, and a corner."""
    image = RNG.integers(100, 4000, (height, width, 3), dtype="uint16")
    none = np.zeros((height, width), bool)
    none[height // 3 : 2 * height // 3] = True
    none[:5, :7] = True
    return image, none


@pytest.mark.parametrize("value", [65535, 0, 1, 30000])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("tile", [None, 16])
def test_the_number_that_stands_for_no_data_does_not_matter(
    value: int, normalization: str, tile, tmp_path
) -> None:
    image, none = scene()
    model = predictor(box(1), normalization=normalization)
    results = []
    for number in (value, 7):
        filled = np.where(none[..., None], number, image).astype("uint16")
        tag = scenes.nodata_tag(number)
        path = scenes.write(tmp_path / f"{number}.tif", filled, tag, compression="zlib")
        results.append(predict(model, path, tile=tile, overlap=4, probabilities=True))
    one, other = results
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    np.testing.assert_array_equal(one.valid, ~none)
    assert (one.labels[none] == 255).all() and np.isnan(one.probabilities[none]).all()
    assert (one.labels[~none] < 3).all() and np.isfinite(one.probabilities[~none]).all()


@pytest.mark.parametrize(
    "normalization", ["full_range", "none", "imagenet", "minus_one_to_one", "0_to_255"]
)
def test_it_is_as_if_the_scene_were_black_there(normalization: str, tmp_path) -> None:
    image, none = scene()
    filled = np.where(none[..., None], 65535, image).astype("uint16")
    path = scenes.write(tmp_path / "a.tif", filled, scenes.nodata_tag("65535"))
    black = np.where(none[..., None], 0, image).astype("uint16")
    model = predictor(box(2), normalization=normalization)
    expected = predict(model, black, probabilities=True)  # an array, which has no nodata
    found = predict(model, path, probabilities=True)
    np.testing.assert_array_equal(found.labels[~none], expected.labels[~none])
    np.testing.assert_array_equal(found.probabilities[~none], expected.probabilities[~none])


def test_percentiles_are_those_of_the_data(tmp_path) -> None:
    image, none = scene()
    filled = np.where(none[..., None], 65535, image).astype("uint16")
    (source,) = sources_in(scenes.write(tmp_path / "a.tif", filled, scenes.nodata_tag(65535)), 3)
    low, high = np.percentile(image[~none].astype("float64"), (1, 99.8), axis=0)
    found = scaling_of(source, "percentiles")
    np.testing.assert_allclose(found.low, low, rtol=1e-6)
    np.testing.assert_allclose(found.span, high - low, rtol=1e-5)


def test_percentiles_of_a_large_scene_that_lies_in_a_corner(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(_scaling, "_WHOLE", 1000)
    monkeypatch.setattr(_scaling, "_ROWS", 4)
    image = np.full((400, 300, 3), 65535, "uint16")
    image[5:9] = RNG.integers(1000, 1100, (4, 300, 3))  # between the rows that are looked at first
    (source,) = sources_in(scenes.write(tmp_path / "a.tif", image, scenes.nodata_tag(65535)), 3)
    found = scaling_of(source, "percentiles")
    assert (found.low >= 1000).all() and (found.low + found.span <= 1100).all()


@pytest.mark.parametrize("nodata", [-9999.0, float("nan"), -3.4028234663852886e38, 1e20])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats(nodata: float, dtype: str, tmp_path, caplog) -> None:
    caplog.set_level(logging.CRITICAL)  # tifffile complains of numbers that it rounds
    image = RNG.uniform(0.1, 1, (20, 30, 3)).astype(dtype)
    image[3:5] = nodata
    image[10, 11, 1] = nodata  # one channel is enough
    path = scenes.write(tmp_path / "a.tif", image, scenes.nodata_tag(nodata))
    none = np.zeros((20, 30), bool)
    none[3:5] = none[10, 11] = True
    result = predict(predictor(), path)  # the check of ranges leaves it out
    np.testing.assert_array_equal(result.valid, ~none)
    np.testing.assert_array_equal(result.labels[~none], image[~none].argmax(-1))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_one_nan_does_not_cost_the_scene(bad: float, normalization: str) -> None:
    image = RNG.uniform(0.1, 1, (20, 30, 3)).astype("float32")
    image[4, 5, 2] = bad
    result = predict(predictor(normalization=normalization), image, probabilities=True)
    assert (~result.valid).sum() == 1 and not result.valid[4, 5]
    assert result.labels[4, 5] == 255 and np.isnan(result.probabilities[4, 5]).all()
    if normalization != "percentiles":
        rest = result.valid
        np.testing.assert_array_equal(result.labels[rest], image[rest].argmax(-1))


def test_a_network_that_gives_nan_is_still_refused() -> None:
    with pytest.raises(ValueError, match="gives NaN or infinity"):
        predict(predictor(lambda x: np.full_like(x, np.nan)), picture())


def test_unsigned_channels_alone(tmp_path) -> None:
    image = RNG.integers(1, 200, (9, 11, 3), dtype="uint8")
    image[2, 3, 0] = image[4, 4, 1] = 0  # dark in one channel
    image[6] = 0
    path = scenes.write(tmp_path / "a.tif", image, scenes.nodata_tag(0))
    files = predict_to_files(predictor(), path, tmp_path / "out")
    assert files.notes == (
        "11 of 99 pixels hold no data (nodata 0), and have none in the results; 2 pixels lack some "
        "channels, which were black for the network",
    )
    missing = missing_values(image, 0)
    assert without_data(missing, image.dtype).sum() == 11
    assert without_data(missing, np.dtype("int16")).sum() == 13


def test_nodata_by_call(tmp_path) -> None:
    image, none = scene()
    filled = np.where(none[..., None], 9, image).astype("uint16")
    path = scenes.write(tmp_path / "a.tif", filled, scenes.nodata_tag(4001))
    assert predict(predictor(), path).valid is None
    np.testing.assert_array_equal(predict(predictor(), path, nodata=9).valid, ~none)
    np.testing.assert_array_equal(predict(predictor(), filled, nodata="9").valid, ~none)
    tagged = scenes.write(tmp_path / "b.tif", filled, scenes.nodata_tag(9))
    np.testing.assert_array_equal(predict(predictor(), tagged).valid, ~none)
    assert predict(predictor(), tagged, nodata="none").valid is None
    for bad in (-1, 65536, 1.5, "nan", "x", True):
        with pytest.raises(ImageError, match="`nodata` must be a value of the image, which holds"):
            predict(predictor(), path, nodata=bad)


@pytest.mark.parametrize(
    ("text", "dtype", "value"),
    [
        ("255", "uint8", 255),
        ("256", "uint8", None),
        ("-1", "uint8", None),
        ("0.5", "uint8", None),
        ("-9999", "int16", -9999),
        ("1e3", "int16", 1000),
        ("18446744073709551615", "uint64", 2**64 - 1),
        ("nan", "uint16", None),
        ("none", "uint16", None),
        ("-9999", "float32", -9999.0),
    ],
)
def test_nodata_as_a_value(text: str, dtype: str, value) -> None:
    assert as_value(text, np.dtype(dtype)) == value


def test_a_nodata_value_that_no_pixel_can_have_is_said(tmp_path) -> None:
    path = scenes.write(tmp_path / "a.tif", picture(), scenes.nodata_tag(-9999))
    files = predict_to_files(predictor(), path, tmp_path / "out")
    assert files.notes == ("its nodata value '-9999' is no value of uint8 and is not used",)


@pytest.mark.parametrize("kind", ["png", "tif", "palette"])
def test_transparent_pixels_are_no_data(kind: str, tmp_path) -> None:
    image = picture(14, 12)
    opacity = np.full((14, 12, 1), 255, "uint8")
    opacity[3:6] = 0
    opacity[9] = 1  # hardly to be seen, and seen
    if kind == "palette":
        indices = RNG.integers(0, 4, (14, 12), dtype="uint8")
        saved = Image.fromarray(indices, "P")
        saved.putpalette([9, 0, 0, 0, 9, 0, 0, 0, 9, 7, 8, 9])
        path = tmp_path / "a.png"
        saved.save(path, transparency=1)
        none = indices == 1
    else:
        path = tmp_path / f"a.{kind}"
        Image.fromarray(np.concatenate([image, opacity], axis=2)).save(path)
        none = opacity[..., 0] == 0
    result = predict(predictor(), path, tile=8, overlap=2)
    np.testing.assert_array_equal(result.valid, ~none)
    # where the model takes opacity as a channel, it is a value like the others
    if kind != "palette":
        four = predictor(channels=4, outputs=4)
        assert predict(four, path).valid is None
        chosen = predict(predictor(channels=2, outputs=2), path, channels=(0, 3))
        assert chosen.valid is None


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("where", ["inside", "beside"])
def test_a_mask_of_valid_pixels(compression, where: str, tmp_path) -> None:
    image = picture(70, 50)
    mask = RNG.random((70, 50)) > 0.3
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        file.write(image, photometric="rgb", compression=compression, metadata=None)
        if where == "inside":
            options = {"photometric": "mask", "subfiletype": 4, "metadata": None}
            # a mask has one bit a pixel, which tifffile writes packed
            file.write(mask, compression=compression, **options)
    if where == "beside":
        tifffile.imwrite(tmp_path / "a.tif.msk", mask.astype("uint8") * 255, rowsperstrip=9)
    result = predict(predictor(), path, tile=32, overlap=8)
    np.testing.assert_array_equal(result.valid, mask)
    np.testing.assert_array_equal(result.labels[mask], image.argmax(-1)[mask])


def test_a_palette_with_nodata(tmp_path) -> None:
    indices = RNG.integers(0, 4, (9, 11), dtype="uint8")
    colours = np.zeros((3, 256), "uint16")
    colours[:, :4] = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9], [9, 9, 9]]).T * 257
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, indices, photometric="palette", colormap=colours, extratags=[scenes.nodata_tag(3)]
    )
    np.testing.assert_array_equal(predict(predictor(), path).valid, indices != 3)


def test_pictures_that_are_written_are_transparent_there(tmp_path) -> None:
    image, none = scene(20, 30)
    filled = np.where(none[..., None], 65535, image).astype("uint16")
    path = scenes.write(tmp_path / "a.tif", filled, scenes.nodata_tag(65535))
    predict_to_files(predictor(), path, tmp_path, probabilities=True, tile=8, overlap=2)
    with Image.open(tmp_path / "a_classes.png") as classes:
        np.testing.assert_array_equal(np.asarray(classes) == 255, none)
        np.testing.assert_array_equal(np.asarray(classes.convert("RGBA"))[..., 3] == 0, none)
        assert (np.asarray(classes)[~none] == image.argmax(-1)[~none]).all()
    overlay = np.asarray(Image.open(tmp_path / "a_overlay.png"))
    np.testing.assert_array_equal(overlay[..., 3], np.where(none, 0, 255))
    np.testing.assert_array_equal(np.isnan(np.load(tmp_path / "a_probabilities.npy")[..., 1]), none)
    twice = predictor(lambda x: x.repeat(2, 0).repeat(2, 1), scale=2, enlarges=True)
    predict_to_files(twice, path, tmp_path)
    enlarged = np.asarray(Image.open(tmp_path / "a_x2.png"))
    np.testing.assert_array_equal(enlarged[..., 3] == 0, none.repeat(2, 0).repeat(2, 1))


def test_room_for_no_data_beside_256_classes(tmp_path) -> None:
    def one_of_256(image: np.ndarray) -> np.ndarray:
        return np.eye(256, dtype="float32")[np.rint(image[..., 0]).astype(int)]

    image = np.arange(256, dtype="uint16").reshape(16, 16, 1)
    model = predictor(one_of_256, channels=1, outputs=256, normalization="none")
    path = scenes.write(tmp_path / "a.tif", image, scenes.nodata_tag(7))
    predict_to_files(model, path, tmp_path)
    with Image.open(tmp_path / "a_classes.png") as classes:
        found = np.asarray(classes).astype(int)
        assert classes.info["transparency"] == 65535
    np.testing.assert_array_equal(found, np.where(image[..., 0] == 7, 65535, image[..., 0]))
    assert predict(model, path).labels.dtype == np.uint16
    assert predict(model, image).labels.dtype == np.uint8  # no nodata, no room needed


def test_a_scene_without_any_data(tmp_path) -> None:
    image = np.full((9, 11, 3), 255, "uint8")
    path = scenes.write(tmp_path / "a.tif", image, scenes.nodata_tag(255))
    for normalization in NORMALIZATIONS:
        result = predict(predictor(normalization=normalization), path)
        assert not result.valid.any() and (result.labels == 255).all()


def test_frames_have_their_own_gaps(tmp_path) -> None:
    frames = RNG.integers(1, 200, (2, 9, 11, 3), dtype="uint8")
    frames[1, 2] = 0
    path = tmp_path / "a.tif"
    tags = [scenes.nodata_tag(0)]
    tifffile.imwrite(path, frames, metadata={"axes": "TYXS"}, photometric="rgb", extratags=tags)
    files = predict_to_files(predictor(), path, tmp_path)
    assert files.notes == (
        "t1: 11 of 99 pixels hold no data (nodata 0), and have none in the results",
    )


def test_an_array_of_floats_is_only_read() -> None:
    image = RNG.random((6, 5, 3)).astype("float32")
    image[1, 1] = np.nan
    before = image.copy()
    predict(predictor(), image)
    np.testing.assert_array_equal(image, before)
    assert of_array(image).may_lack and not of_array(picture()).may_lack
