"""Results as Cloud Optimized GeoTIFF, looked at by GDAL and by rio-cogeo's validator."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import box, picture, predictor
from scenes import PLACED, nodata_tag, write

from keras_upsample.predict import predict_to_files

rasterio = pytest.importorskip("rasterio", reason="rasterio is not installed (extra geo)")


def valid(path) -> None:
    cogeo = pytest.importorskip("rio_cogeo.cogeo")
    assert cogeo.cog_validate(str(path), strict=True) == (True, [], [])


def test_all_results_are_valid_and_say_the_same(tmp_path):
    scene = picture(1100, 700)
    scene[:90, :60] = 0
    write(tmp_path / "a.tif", scene, *PLACED, nodata_tag(0))
    options = {"probabilities": True, "objects": True}
    model = predictor(box(1), classes=("a", "b", "c"))
    predict_to_files(model, tmp_path / "a.tif", tmp_path / "plain", **options)
    files = predict_to_files(model, tmp_path / "a.tif", tmp_path / "cog", cog=True, **options)
    tiffs = [path for path in files.written if path.suffix == ".tif"]
    assert len(tiffs) == 4
    for path in tiffs:
        valid(path)
        with rasterio.open(path) as new, rasterio.open(tmp_path / "plain" / path.name) as old:
            np.testing.assert_array_equal(new.read(), old.read())
            assert (new.crs, new.transform) == (old.crs, old.transform)
            assert new.crs.to_epsg() == 32633
            np.testing.assert_equal(new.nodata, old.nodata)
            assert new.tags().get("class_1") == old.tags().get("class_1")
            assert new.overviews(1) == [2, 4] and new.block_shapes[0] == (512, 512)
    with rasterio.open(tmp_path / "cog" / "a_classes.tif") as file:
        assert file.colormap(1)[0] and file.tags()["class_1"] == "b"
        assert (file.read(1)[:90, :60] == 255).all() and (file.dataset_mask()[:90, :60] == 0).all()
        # The most frequent class of 2x2 pixels, never a mean of class numbers.
        small = file.read(1, out_shape=(550, 350))
        assert set(np.unique(small)) <= {0, 1, 2, 255}


def test_an_enlarged_scene(tmp_path):
    write(tmp_path / "a.tif", picture(600, 300), *PLACED)
    model = predictor(lambda x: x.repeat(2, axis=0).repeat(2, axis=1), scale=2, enlarges=True)
    (path,) = predict_to_files(model, tmp_path / "a.tif", tmp_path / "out", cog=True).written
    valid(path)
    with rasterio.open(path) as new, rasterio.open(tmp_path / "a.tif") as old:
        assert new.shape == (1200, 600) and new.bounds == old.bounds


def test_what_was_written_otherwise_is_not_taken_for_it(tmp_path):
    write(tmp_path / "a.tif", picture(20, 30), *PLACED)
    predict_to_files(predictor(), tmp_path / "a.tif", tmp_path)
    with pytest.raises(ValueError, match=r"a_classes.tif"):
        predict_to_files(predictor(), tmp_path / "a.tif", tmp_path, cog=True)
    predict_to_files(predictor(), tmp_path / "a.tif", tmp_path, cog=True, overwrite=True)
    kept = predict_to_files(predictor(), tmp_path / "a.tif", tmp_path, cog=True).kept
    assert len(kept) == 2
    valid(kept[0])


def test_a_picture_that_lies_nowhere_says_so(tmp_path):
    Image.fromarray(picture()).save(tmp_path / "a.png")
    files = predict_to_files(predictor(), tmp_path / "a.png", tmp_path / "out", cog=True)
    assert "it is not georeferenced, so that no result is a GeoTIFF" in files.notes
    assert {path.suffix for path in files.written} == {".png"}


def test_without_rasterio(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "keras-upsample\[geo\]"'):
        predict_to_files(predictor(), tmp_path / "a.png", tmp_path, cog=True)


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    write(tmp_path / "a.tif", picture(20, 30), *PLACED)

    def fails(*_, **__):
        raise OSError(28, "No space left on device", "a_classes.tif.cog")

    monkeypatch.setattr("rasterio.shutil.copy", fails)
    with pytest.raises(OSError, match="No space left"):
        predict_to_files(predictor(), tmp_path / "a.tif", tmp_path / "out", cog=True)
    assert not (tmp_path / "out").exists()
    assert tifffile.imread(tmp_path / "a.tif").shape == (20, 30, 3)
