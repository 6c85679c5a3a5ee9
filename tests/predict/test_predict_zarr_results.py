"""Results as Zarr, looked at by zarr-python, xarray and GDAL."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import box, picture, predictor
from scenes import PLACED, nodata_tag, write

from keras_upsample.predict import predict_to_files

zarr = pytest.importorskip("zarr", reason="zarr is not installed (extra zarr)")
MODEL = predictor(box(1), classes=("a", "b", "c"))


def array(path):
    return zarr.open_group(str(path), mode="r")[path.stem.rpartition("_")[2]]


def test_the_numbers_are_those_of_the_files(tmp_path):
    Image.fromarray(picture(1100, 700)).save(tmp_path / "a.png")
    plain = predict_to_files(MODEL, tmp_path / "a.png", tmp_path / "plain", probabilities=True)
    files = predict_to_files(
        MODEL, tmp_path / "a.png", tmp_path / "zarr", probabilities=True, zarr=True
    )
    names = {"a_classes.zarr", "a_overlay.png", "a_probabilities.zarr"}
    assert {path.name for path in files.written} == names and len(plain.written) == 3
    classes = array(tmp_path / "zarr" / "a_classes.zarr")
    expected = np.asarray(Image.open(tmp_path / "plain" / "a_classes.png"))
    np.testing.assert_array_equal(classes[...], expected)
    assert classes.chunks == (512, 512) and classes.metadata.dimension_names == ("y", "x")
    assert classes.attrs["class_names"] == ["a", "b", "c"]
    assert len(classes.attrs["class_colours"]) == 3
    probabilities = array(tmp_path / "zarr" / "a_probabilities.zarr")
    expected = np.load(tmp_path / "plain" / "a_probabilities.npy")
    np.testing.assert_array_equal(probabilities[...], expected)
    assert "zarr_conventions" not in probabilities.attrs


def test_a_scene_as_gdal_and_xarray_see_it(tmp_path):
    scene = picture(600, 700)
    scene[:90, :60] = 0
    write(tmp_path / "a.tif", scene, *PLACED, nodata_tag(0))
    options = {"probabilities": True, "overlays": False}
    predict_to_files(MODEL, tmp_path / "a.tif", tmp_path, **options)
    files = predict_to_files(MODEL, tmp_path / "a.tif", tmp_path, zarr=True, **options)
    assert [path.suffix for path in files.written] == [".zarr", ".zarr"]
    expected = tifffile.imread(tmp_path / "a_classes.tif")
    np.testing.assert_array_equal(array(tmp_path / "a_classes.zarr")[...], expected)
    assert (expected[:90, :60] == 255).all()
    np.testing.assert_array_equal(
        array(tmp_path / "a_probabilities.zarr")[...],
        tifffile.imread(tmp_path / "a_probabilities.tif"),
    )
    attributes = dict(array(tmp_path / "a_classes.zarr").attrs)
    assert attributes["proj:code"] == "EPSG:32633"
    assert {each["name"] for each in attributes["zarr_conventions"]} == {"spatial:", "proj:"}
    rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed (extra geo)")
    with rasterio.open(tmp_path / "a_classes.tif") as file:
        place, transform = file.crs, file.transform
    assert attributes["spatial:transform"] == list(transform)[:6]
    group = zarr.open_group(str(tmp_path / "a_classes.zarr"), mode="r")
    row, column = 17, 42
    x, y = transform * (column + 0.5, row + 0.5)
    assert (group["x"][column], group["y"][row]) == (x, y)
    # Older ones do not know the codecs of Zarr 3.
    if tuple(map(int, rasterio.__gdal_version__.split(".")[:2])) >= (3, 12):
        with rasterio.open(f'ZARR:"{tmp_path}/a_classes.zarr":/classes') as file:
            np.testing.assert_array_equal(file.read(1), expected)
            assert (file.nodata, file.crs, file.transform) == (255, place, transform)
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    opened = xarray.open_zarr(tmp_path / "a_classes.zarr", consolidated=False)
    assert opened["classes"].dims == ("y", "x")
    np.testing.assert_array_equal(opened["classes"].sel(x=x, y=y), expected[row, column])


def test_an_enlarged_scene_lies_where_it_lay(tmp_path):
    write(tmp_path / "a.tif", picture(60, 30), *PLACED)
    model = predictor(
        lambda x: x.repeat(2, axis=0).repeat(2, axis=1), scale=2, classes=("a", "b", "c")
    )
    predict_to_files(model, tmp_path / "a.tif", tmp_path, overlays=False, zarr=True)
    predict_to_files(model, tmp_path / "a.tif", tmp_path, overlays=False)
    result = array(tmp_path / "a_classes.zarr")
    assert result.shape == (120, 60)
    with tifffile.TiffFile(tmp_path / "a_classes.tif") as file:
        scale = file.pages[0].tags[33550].value
    transform = result.attrs["spatial:transform"]
    assert (transform[0], -transform[4]) == scale[:2]


def test_results_are_kept_replaced_and_never_taken_from_others(tmp_path):
    Image.fromarray(picture(20, 30)).save(tmp_path / "a.png")
    options = {"overlays": False, "zarr": True}
    (path,) = predict_to_files(MODEL, tmp_path / "a.png", tmp_path, **options).written
    assert predict_to_files(MODEL, tmp_path / "a.png", tmp_path, **options).kept == (path,)
    replaced = predict_to_files(MODEL, tmp_path / "a.png", tmp_path, overwrite=True, **options)
    assert replaced.written == (path,)
    (path / "mine.txt").write_text("of the user's")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"a_classes\.zarr.* was changed since"):
            predict_to_files(MODEL, tmp_path / "a.png", tmp_path, overwrite=overwrite, **options)
    assert (path / "mine.txt").read_text() == "of the user's"
    assert json.loads((path / "zarr.json").read_text())["node_type"] == "group"
    assert not [*tmp_path.rglob("*.in-progress")]


def test_a_result_is_an_image_again(tmp_path):
    write(tmp_path / "a.tif", picture(60, 30), *PLACED)
    predict_to_files(MODEL, tmp_path / "a.tif", tmp_path, overlays=False, zarr=True)
    seen = predictor(lambda x: x.repeat(3, axis=2), channels=1)
    again = predict_to_files(seen, tmp_path / "a_classes.zarr", tmp_path / "out", overlays=False)
    assert [path.name for path in again.written] == ["a_classes_classes.png"]


def test_without_zarr(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "keras-upsample\[zarr\]"'):
        predict_to_files(MODEL, tmp_path / "a.png", tmp_path, zarr=True)
