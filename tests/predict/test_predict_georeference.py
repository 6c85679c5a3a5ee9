"""Where on earth an image lies survives into every result."""

import numpy as np
import pytest
import scenes
import tifffile
from PIL import Image
from predicting import picture, predictor

from keras_upsample.images import _tiff_writer
from keras_upsample.images._georeference import Georeference
from keras_upsample.images._pictures import sources_in
from keras_upsample.images._tiff_writer import TiffWriter
from keras_upsample.predict import predict_to_files

RNG = np.random.default_rng(53)
RESULTS = ("classes", "overlay", "probabilities", "x2")


def tags_of(path) -> dict[int, object]:
    with tifffile.TiffFile(path) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


def all_results(path, out, **options):
    """Class map, overlay, probabilities and the enlarged picture."""
    names = ("a", "b", "c")
    predict_to_files(predictor(classes=names), path, out, probabilities=True, **options)
    twice = predictor(lambda x: x.repeat(2, 0).repeat(2, 1), scale=2, enlarges=True)
    predict_to_files(twice, path, out, **options)
    return {kind: out / f"{path.stem}_{kind}.tif" for kind in RESULTS}


def where(tags, i: float, j: float) -> tuple[float, float]:
    """Raster coordinates -> map coordinates, by the standard's words."""
    if 34264 in tags:
        matrix = np.array(tags[34264]).reshape(4, 4)
        x, y, _, _ = matrix @ (i, j, 0, 1)
        return x, y
    (sx, sy, _), (ti, tj, _, x, y, _) = tags[33550], tags[33922]
    return x + (i - ti) * sx, y - (j - tj) * sy


def test_every_result_is_a_geotiff(tmp_path) -> None:
    image = picture(40, 50)
    path = scenes.write(tmp_path / "a.tif", image, *scenes.PLACED)
    results = all_results(path, tmp_path / "out", tile=16, overlap=4)
    assert sorted(results.values()) == sorted((tmp_path / "out").glob("[!.]*"))
    for kind, file in results.items():
        tags, scale = tags_of(file), 2 if kind == "x2" else 1
        assert tags[34735] == scenes.KEYS and tags[33922] == scenes.TIE
        assert tags[33550] == (2 / scale, 3 / scale, 0)
        assert tags[322] == tags[323] == 256  # tiled
    labels = image.argmax(-1)
    np.testing.assert_array_equal(tifffile.imread(results["classes"]), labels)
    np.testing.assert_allclose(tifffile.imread(results["probabilities"]), image / 255, atol=1e-6)
    np.testing.assert_array_equal(tifffile.imread(results["x2"]), image.repeat(2, 0).repeat(2, 1))
    with Image.open(results["classes"]) as classes:
        assert classes.mode == "P"
        from keras_upsample import viz

        assert classes.getpalette()[:9] == [v for colour in viz.PALETTE[:3] for v in colour]
    assert '<Item name="class_1">b</Item>' in tags_of(results["classes"])[42112]


@pytest.mark.parametrize("keys", [scenes.KEYS, scenes.POINT_KEYS])
@pytest.mark.parametrize("matrix", [False, True])
def test_an_enlarged_picture_lies_where_the_image_did(keys, matrix: bool, tmp_path) -> None:
    if matrix:  # turned by 30 degrees
        a = (1.73, 1.5, 0, 440000, 1.0, -2.6, 0, 4500000, 0, 0, 0, 0, 0, 0, 0, 1)
        place = [(34264, "d", 16, a, True)]
    else:
        place = [
            (33550, "d", 3, scenes.SCALE, True),
            (33922, "d", 6, (5.0, 7.0, 0.0, *scenes.TIE[3:]), True),
        ]
    path = scenes.write(tmp_path / "a.tif", picture(10, 12), *place, (34735, "H", 16, keys, True))
    results = all_results(path, tmp_path)
    before, after = tags_of(path), tags_of(results["x2"])
    shift = 0.5 if keys == scenes.POINT_KEYS else 0  # from a pixel's centre to its corner
    for i, j in ((0, 0), (12, 0), (3, 10)):  # corners of pixels
        np.testing.assert_allclose(
            where(after, 2 * i - shift, 2 * j - shift),
            where(before, i - shift, j - shift),
            atol=1e-6,
        )


def test_a_depth_map_and_several_labels_lie_there_too(tmp_path) -> None:
    image = picture(20, 30)
    image[4:7] = 0
    path = scenes.write(tmp_path / "a.tif", image, *scenes.PLACED, scenes.nodata_tag(0))
    depth = predictor(lambda x: 9 * x, task="regression", kind="regression")
    labels = predictor(task="multi_label_segmentation", classes=("a", "b", "c"))
    for model in (depth, labels):
        for file in predict_to_files(model, path, tmp_path / "out").written:
            assert file.suffix == ".tif"
            tags = tags_of(file)
            assert (tags[33550], tags[33922]) == (scenes.SCALE, scenes.TIE)
            values = tifffile.imread(file)
            if model is depth:
                assert np.isnan(values[4:7]).all() and tags[42113] == "nan"
                np.testing.assert_allclose(values[7:], image[7:] * (9 / 255), rtol=1e-5)
            else:
                assert (values[4:7] == 255).all() and tags[42113] == "255"
                assert set(np.unique(values[7:])) == {0, 1}


def test_nodata_and_metadata_in_the_class_map(tmp_path) -> None:
    image = picture(30, 20, 3, "uint16")
    image[:7] = 65535
    described = (
        '<GDALMetadata>\n<Item name="SENSOR">abc &amp; d</Item>\n'
        '<Item name="STATISTICS_MEAN" sample="0">3</Item>\n</GDALMetadata>\n'
    )
    extra = (scenes.nodata_tag(65535), (42112, "s", 0, described, True))
    path = scenes.write(tmp_path / "a.tif", image, *scenes.PLACED, *extra)
    results = all_results(path, tmp_path / "out")
    tags = tags_of(results["classes"])
    assert tags[42113] == "255"
    assert (tifffile.imread(results["classes"])[:7] == 255).all()
    assert "abc &amp; d" in tags[42112] and "STATISTICS" not in tags[42112]
    assert tags_of(results["probabilities"])[42113] == "nan"
    assert np.isnan(tifffile.imread(results["probabilities"])[:7]).all()
    for kind, scale in (("overlay", 1), ("x2", 2)):
        opacity = tifffile.imread(results[kind])[..., 3]
        assert (opacity[: 7 * scale] == 0).all() and (opacity[7 * scale :] == 255).all()
        assert tags_of(results[kind])[338] == (2,)


@pytest.mark.parametrize("how", ["plain", "zlib", "tiles", "lzw"])
def test_every_way_to_store_a_scene(how: str, tmp_path) -> None:
    image = picture(40, 33, 1)
    path = tmp_path / "a.tif"
    if how == "lzw":  # that Pillow reads
        from PIL import TiffImagePlugin

        info = TiffImagePlugin.ImageFileDirectory_v2()
        for code, kind, _, value, _ in scenes.PLACED:
            info.tagtype[code] = {"d": 12, "H": 3}[kind]
            info[code] = value
        Image.fromarray(image[..., 0]).save(path, tiffinfo=info, compression="tiff_lzw")
    else:
        options = {
            "plain": {}, "zlib": {"compression": "zlib"}, "tiles": {"tile": (16, 16)},
        }[how]  # fmt: skip
        scenes.write(path, image, *scenes.PLACED, **options)
    predict_to_files(predictor(channels=1, outputs=1), path, tmp_path)
    tags = tags_of(tmp_path / "a_classes.tif")
    assert (tags[33550], tags[33922], tags[34735]) == (scenes.SCALE, scenes.TIE, scenes.KEYS)


WKT = 'PROJCS["a & b",GEOGCS["c",AUTHORITY["EPSG","4326"]]]'


@pytest.mark.parametrize("name", ["a.pgw", "a.pngw", "a.wld", "a.PGW"])
@pytest.mark.parametrize("turned", [False, True])
def test_world_files(name: str, turned: bool, tmp_path) -> None:
    Image.fromarray(picture(10, 12)).save(tmp_path / "a.png")
    b, d = (0.2, 0.1) if turned else (0, 0)
    (tmp_path / name).write_text(f"1.5\n{d}\n{b}\n-2\n1000\n2000\n")
    results = all_results(tmp_path / "a.png", tmp_path / "out")
    for kind, file in results.items():
        scale = 2 if kind == "x2" else 1
        for i, j in ((0, 0), (11, 9), (4, 7)):  # centres of pixels, by the world file's words
            x, y = 1.5 * i + b * j + 1000, d * i - 2 * j + 2000
            corner = (scale * (i + 0.5), scale * (j + 0.5))
            np.testing.assert_allclose(where(tags_of(file), *corner), (x, y), atol=1e-9)
    assert not list((tmp_path / "out").glob("*.xml"))  # no reference system is known


@pytest.mark.parametrize("kind", ["aux", "prj"])
def test_the_reference_system_of_a_world_file(kind: str, tmp_path) -> None:
    from xml.etree import ElementTree

    Image.fromarray(picture(10, 12)).save(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    if kind == "aux":
        text = WKT.replace("&", "&amp;").replace('"', "&quot;")
        (tmp_path / "a.png.aux.xml").write_text(
            f'<PAMDataset><SRS dataAxisToSRSAxisMapping="1,2">{text}</SRS></PAMDataset>'
        )
    else:
        (tmp_path / "a.prj").write_text(WKT + "\n")
    for file in all_results(tmp_path / "a.png", tmp_path / "out").values():
        beside = file.with_name(f"{file.name}.aux.xml")
        assert ElementTree.parse(beside).findtext("SRS") == WKT


def test_a_file_beside_a_result_that_is_not_ours_stays(tmp_path) -> None:
    Image.fromarray(picture(10, 12)).save(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    (tmp_path / "a.prj").write_text(WKT + "\n")
    beside = tmp_path / "out" / "a_classes.tif.aux.xml"
    beside.parent.mkdir()
    beside.write_text("mine")
    found = predict_to_files(predictor(), tmp_path / "a.png", tmp_path / "out", overlays=False)
    assert beside.read_text() == "mine"
    assert any("a_classes.tif.aux.xml' is there" in note for note in found.notes)
    beside.unlink()
    for _ in range(2):  # our own is replaced
        options = {"overlays": False, "overwrite": True}
        found = predict_to_files(predictor(), tmp_path / "a.png", tmp_path / "out", **options)
        assert "<SRS>" in beside.read_text() and not found.notes


@pytest.mark.parametrize("text", ["1 0 0 0 5 5", "1 0 0 -1 5", "x", "", "nan 0 0 1 2 3"])
def test_world_files_that_say_nothing(text: str, tmp_path) -> None:
    Image.fromarray(picture(10, 12)).save(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text(text)
    (source,) = sources_in(tmp_path / "a.png", 3)
    assert source.place is None


def test_a_turned_picture_has_no_place(tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture(10, 12)).save(tmp_path / "a.png", exif=exif)
    (tmp_path / "a.pgw").write_text("1\n0\n0\n-1\n0\n0\n")
    files = predict_to_files(predictor(), tmp_path / "a.png", tmp_path / "out")
    assert "its world file is not used, because the picture is turned" in files.notes[0]
    assert [path.suffix for path in files.written] == [".png", ".png"]


def test_damaged_places_are_none(tmp_path) -> None:
    short = [(33550, "d", 2, (1.0, 1.0), True), scenes.PLACED[1]]
    (source,) = sources_in(scenes.write(tmp_path / "a.tif", picture(), *short), 3)
    assert source.place is None


TIFF = {
    "indexed": ("uint8", 1, {"palette": [(i, 2 * i % 256, 255 - i) for i in range(5)]}),
    "rgb": ("uint8", 3, {}),
    "rgba": ("uint8", 4, {"alpha": True}),
    "grey with opacity": ("uint8", 2, {"alpha": True}),
    "uint16": ("uint16", 1, {}),
    "five floats": ("float32", 5, {}),
}


@pytest.mark.parametrize("kind", TIFF)
@pytest.mark.parametrize("size", [(1, 1), (256, 256), (300, 517), (700, 3)])
@pytest.mark.parametrize("big", [False, True])
def test_tiff_written_in_bands(kind: str, size, big: bool, tmp_path, monkeypatch) -> None:
    dtype, channels, options = TIFF[kind]
    if big:
        monkeypatch.setattr(_tiff_writer, "_CLASSIC", 0)
    most = 5 if kind == "indexed" else 256 if dtype == "uint8" else 65536
    values = RNG.integers(0, most, (*size, channels)).astype(dtype)
    values = values if channels > 1 else values[..., 0]
    tags = [(42113, "s", "3"), (33550, "d", scenes.SCALE)]
    path = tmp_path / "a.tif"
    with TiffWriter(path, size, dtype, channels=channels, tags=tags, **options) as writer:
        for part in np.array_split(values, min(5, size[0])):
            writer.write(part)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff is big
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray().reshape(values.shape), values)
        assert page.tags[42113].value == "3" and page.tags[33550].value == scenes.SCALE
        assert page.is_tiled and page.compression == 8
    if dtype != "float32":  # another program's decoder
        with Image.open(path) as image:
            np.testing.assert_array_equal(np.asarray(image), values)


def test_places_are_numbers() -> None:
    place = Georeference({33550: scenes.SCALE, 33922: scenes.TIE})
    assert place.enlarged(1) is place
    assert place.enlarged(4).tags == {33550: (0.5, 0.75, 0.0), 33922: scenes.TIE}


def test_gdal_reads_the_results(tmp_path) -> None:
    rasterio = pytest.importorskip("rasterio")
    for name, tags in {
        "area": scenes.PLACED,
        "point": [*scenes.PLACED[:2], (34735, "H", 16, scenes.POINT_KEYS, True)],
    }.items():
        image = picture(40, 50, 3, "uint16")
        image[3:9] = 65535
        path = scenes.write(tmp_path / f"{name}.tif", image, *tags, scenes.nodata_tag(65535))
        with rasterio.open(path) as scene:
            mask = scene.dataset_mask() > 0
            for kind, file in all_results(path, tmp_path / "out").items():
                scale = 2 if kind == "x2" else 1
                with rasterio.open(file) as result:
                    assert result.crs == scene.crs and result.crs.to_epsg() == 32633
                    expected = scene.transform * scene.transform.scale(1 / scale)
                    np.testing.assert_allclose(tuple(result.transform), tuple(expected))
                    there = result.dataset_mask() > 0
                    np.testing.assert_array_equal(there, mask.repeat(scale, 0).repeat(scale, 1))
