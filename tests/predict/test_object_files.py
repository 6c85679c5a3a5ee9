"""Objects in files: GeoJSON, CSV and label image, from images of every kind, in tiles."""

import csv
import json

import numpy as np
import pytest
import scenes
import tifffile
from PIL import Image
from predicting import picture, predictor
from skimage.measure import label, regionprops
from test_objects import area, painted

from keras_upsample.images._georeference import Georeference
from keras_upsample.images._map import grid_of
from keras_upsample.predict import ObjectOptions, load_model, predict, predict_to_files

NAMES = ("ground", "water", "sky")
KINDS = ("objects.geojson", "objects.csv", "instances.tif")


def blobs(height: int = 61, width: int = 83) -> np.ndarray:
    """An image whose brightest channel makes coherent regions, with holes, to the borders."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / a + k) + np.sin(y / b - k) for k, (a, b) in enumerate(((5, 7), (9, 4)))]
    image = np.stack([np.zeros(x.shape), *waves], axis=-1)
    return np.rint((image + 2.1) * 60).astype("uint8")


def layer(path) -> dict:
    return json.loads(path.read_text("utf-8"))


def rows(path) -> list[dict]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def parts(feature: dict) -> list[list[np.ndarray]]:
    """Its polygons as open rings."""
    geometry = feature["geometry"]
    several = geometry["type"] == "MultiPolygon"
    polygons = geometry["coordinates"] if several else [geometry["coordinates"]]
    assert all(ring[0] == ring[-1] for polygon in polygons for ring in polygon)
    return [[np.array(ring[:-1]) for ring in polygon] for polygon in polygons]


@pytest.mark.parametrize("tiles", [{}, {"tile": 16, "overlap": 4}, {"tile": 7, "overlap": 0}])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_objects_over_tiles(tiles: dict, connectivity: int, tmp_path) -> None:
    """Against scikit-image on the class map of the whole image: an object is one across tiles."""
    image = blobs()
    Image.fromarray(image).save(tmp_path / "a.png")
    options = ObjectOptions(connectivity=connectivity, classes=NAMES)
    model = predictor(classes=NAMES)
    files = predict_to_files(
        model, tmp_path / "a.png", tmp_path / "out", objects=options, overlays=False, **tiles
    )
    out = {kind: tmp_path / "out" / f"a_{kind}" for kind in KINDS}
    assert {*files.written} == {*out.values(), tmp_path / "out" / "a_classes.png"}
    classes = image.argmax(-1)
    expected = label(classes + 1, connectivity=connectivity // 4)
    instances = tifffile.imread(out["instances.tif"])
    np.testing.assert_array_equal(instances, expected)  # both count in raster order
    assert instances.dtype == "uint16" and expected.max() > 5
    features, table = layer(out["objects.geojson"])["features"], rows(out["objects.csv"])
    own = image.max(-1) / 255
    for properties, feature, row in zip(regionprops(expected, own), features, table, strict=True):
        mask = expected == properties.label
        assert int(row["number"]) == feature["id"] == properties.label
        name = NAMES[classes[mask][0]]
        assert row["class_name"] == feature["properties"]["class_name"] == name
        assert int(row["pixels"]) == feature["properties"]["pixels"] == mask.sum()
        top, left, bottom, right = properties.bbox
        box = [left, top, right, bottom]
        assert feature["bbox"] == box
        assert [int(row[n]) for n in ("left", "top", "right", "bottom")] == box
        centre = np.array(properties.centroid)[::-1] + 0.5
        found = [float(row["centroid_x"]), float(row["centroid_y"])]
        np.testing.assert_allclose(found, centre, rtol=1e-9)
        np.testing.assert_allclose(feature["properties"]["centroid"], centre, rtol=1e-12)
        mean = feature["properties"]["mean_probability"]
        np.testing.assert_allclose(mean, own[mask].mean(), rtol=1e-5)
        np.testing.assert_allclose(float(row["mean_probability"]), mean, rtol=1e-5)
        np.testing.assert_array_equal(painted(parts(feature), mask.shape), mask)
    total = f"{expected.max()} objects"
    assert any(note.startswith(total) for note in files.notes)
    head = layer(out["objects.geojson"])
    assert head["coordinates"].startswith("pixels") and "crs" not in head


def test_in_memory_as_in_files(tmp_path) -> None:
    image = blobs(40, 31)
    options = ObjectOptions(least_area=9)
    result = predict(predictor(classes=NAMES), image, objects=options, tile=8, overlap=4)
    tifffile.imwrite(tmp_path / "a.tif", image, photometric="rgb")
    predict_to_files(predictor(classes=NAMES), tmp_path / "a.tif", tmp_path, objects=options)
    assert result.probabilities is None and result.objects.left_out
    instances = tifffile.imread(tmp_path / "a_instances.tif")
    np.testing.assert_array_equal(result.objects.label_image(), instances)
    pixels = [int(row["pixels"]) for row in rows(tmp_path / "a_objects.csv")]
    assert pixels == [each.pixels for each in result.objects] and min(pixels) >= 9
    assert predict(predictor(), image).objects is None


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("keys", [scenes.KEYS, scenes.POINT_KEYS])
def test_objects_of_a_scene_lie_on_the_map(keys: tuple, turned: bool, tmp_path) -> None:
    """By the standard's words for corners and areas, with pixels without data between objects."""
    image = blobs()
    image[20:30, 15:40] = 0
    matrix = np.diag([2.0, -3.0, 0, 1])
    matrix[:2, 3] = 440000, 4500000
    place = [(33550, "d", 3, scenes.SCALE, True), (33922, "d", 6, scenes.TIE, True)]
    if turned:  # by 30 degrees; one axis mirrored, so that rings turn the other way round
        matrix[:2, :2] = [[1.73, 1.5], [1.0, 2.6]]
        place = [(34264, "d", 16, tuple(matrix.ravel()), True)]
    tags = [*place, (34735, "H", len(keys), keys, True), scenes.nodata_tag(0)]
    path = scenes.write(tmp_path / "a.tif", image, *tags)
    predict_to_files(
        predictor(classes=NAMES), path, tmp_path, objects=ObjectOptions(classes=NAMES), tile=16
    )
    shift = 0.5 if keys == scenes.POINT_KEYS else 0  # the matrix is then of pixels' centres

    def on_map(points: np.ndarray) -> np.ndarray:
        return (points - shift) @ matrix[:2, :2].T + matrix[:2, 3]

    missing = (image == 0).all(axis=-1)
    expected = label(np.where(missing, 0, image.argmax(-1) + 1))
    instances = tifffile.imread(tmp_path / "a_instances.tif")
    np.testing.assert_array_equal(instances, expected)
    with tifffile.TiffFile(tmp_path / "a_instances.tif") as file:
        assert grid_of(Georeference({t.code: t.value for t in file.pages[0].tags})) is not None
    head, table = layer(tmp_path / "a_objects.geojson"), rows(tmp_path / "a_objects.csv")
    assert head["crs"]["properties"]["name"] == "urn:ogc:def:crs:EPSG::32633"
    assert head["coordinates"] == "map coordinates of EPSG:32633"
    pixel = abs(np.linalg.det(matrix[:2, :2]))
    back = np.linalg.inv(matrix[:2, :2]).T
    for one, feature, row in zip(regionprops(expected), head["features"], table, strict=True):
        polygons = parts(feature)
        rings = [ring for polygon in polygons for ring in polygon]
        assert all(area(polygon[0]) > 0 for polygon in polygons)
        np.testing.assert_allclose(sum(map(area, rings)), one.area * pixel, rtol=1e-6)
        np.testing.assert_allclose(float(row["area"]), one.area * pixel, rtol=1e-9)
        assert feature["properties"]["area"] == float(row["area"])
        in_pixels = [
            [np.rint((r - matrix[:2, 3]) @ back + shift) for r in polygon] for polygon in polygons
        ]
        np.testing.assert_array_equal(painted(in_pixels, expected.shape), expected == one.label)
        centre = on_map(np.array(one.centroid)[::-1] + 0.5)
        np.testing.assert_allclose([float(row["map_x"]), float(row["map_y"])], centre, rtol=1e-9)
        np.testing.assert_allclose(feature["properties"]["centroid"], centre, rtol=1e-9)
        corners = np.concatenate([polygon[0] for polygon in polygons])
        assert feature["bbox"] == [*corners.min(0), *corners.max(0)]


def keys(*entries: tuple[int, int]) -> tuple[int, ...]:
    listed = [number for key, value in entries for number in (key, 0, 1, value)]
    return (1, 1, 0, len(entries), *listed)


@pytest.mark.parametrize(
    ("entries", "crs", "unit"),
    [
        (((3072, 32633), (3076, 9001)), "EPSG:32633", "metre"),
        (((3072, 2263), (3076, 9003)), "EPSG:2263", "US survey foot"),
        (((3072, 3857),), "EPSG:3857", ""),
        (((2048, 4326), (2054, 9102)), "EPSG:4326", "degree"),
        (((3072, 32767), (3076, 9001)), "", "metre"),  # user-defined
    ],
)
def test_reference_systems(entries: tuple, crs: str, unit: str) -> None:
    tags = {33550: scenes.SCALE, 33922: scenes.TIE, 34735: keys(*entries)}
    grid = grid_of(Georeference(tags))
    assert grid is not None and (grid.crs, grid.unit) == (crs, unit)


def test_reference_systems_of_world_files() -> None:
    tags = {33550: scenes.SCALE, 33922: scenes.TIE}
    text = (
        'PROJCS["WGS 84 / UTM zone 33N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",'
        '6378137,298.257223563]],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]],'
        'PROJECTION["Transverse_Mercator"],UNIT["metre",1],AUTHORITY["EPSG","32633"]]'
    )
    grid = grid_of(Georeference(tags, text))
    assert grid is not None and (grid.crs, grid.unit) == ("EPSG:32633", "metre")
    unnamed = grid_of(Georeference(tags, text.replace(',AUTHORITY["EPSG","32633"]', "")))
    assert unnamed is not None and (unnamed.crs, unnamed.unit) == ("", "metre")
    assert grid_of(Georeference({50844: (1.0,) * 92})) is None and grid_of(None) is None


@pytest.mark.parametrize("kind", ["keras", "onnx", "onnx nchw", "tflite", "SavedModel"])
def test_objects_by_files_of_every_format(artefacts, kind: str) -> None:
    image = picture(32, 24)
    result = predict(
        artefacts[kind], image, probabilities=True, objects=ObjectOptions(classes=(0, 1, 2))
    )
    expected = label(result.labels + 1)
    np.testing.assert_array_equal(result.objects.label_image(), expected)
    own = result.probabilities.max(axis=-1)
    means = [each.intensity_mean for each in regionprops(expected, own)]
    np.testing.assert_allclose([o.probability for o in result.objects], means, rtol=1e-5)


def test_objects_of_class_numbers_have_no_probability(tmp_path) -> None:
    model = predictor(
        lambda x: x[..., :1], outputs=1, kind="class_map", normalization="none", classes=NAMES
    )
    image = np.zeros((9, 11, 3), "uint8")
    image[2:5, 3:11] = 2
    result = predict(model, image, objects=ObjectOptions(classes=("sky",)))
    assert [(o.pixels, o.probability) for o in result.objects] == [(24, None)]


def test_objects_that_stand_there(tmp_path) -> None:
    """They are kept with the same options, refused with others; the class map needs neither."""
    Image.fromarray(blobs()).save(tmp_path / "a.png")
    model, out = predictor(classes=NAMES), tmp_path / "out"
    predict_to_files(model, tmp_path / "a.png", out)
    first = predict_to_files(model, tmp_path / "a.png", out, objects=True)
    assert len(first.written) == 3 and len(first.kept) == 2
    again = predict_to_files(model, tmp_path / "a.png", out, objects=True)
    assert not again.written and len(again.kept) == 5
    assert len(predict_to_files(model, tmp_path / "a.png", out).kept) == 2
    with pytest.raises(ValueError, match="another 'objects'"):
        predict_to_files(model, tmp_path / "a.png", out, objects=ObjectOptions(least_area=5))
    before = layer(out / "a_objects.geojson")
    predict_to_files(
        model, tmp_path / "a.png", out, objects=ObjectOptions(least_area=50), overwrite=True
    )
    assert len(layer(out / "a_objects.geojson")["features"]) < len(before["features"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"enlarges": True}, "`objects` are found in a class map; 'numpy' gives picture"),
        ({"task": "multi_label_segmentation"}, "'numpy' gives overlapping labels"),
        ({"task": "regression", "kind": "values"}, "'numpy' gives values"),
    ],
)
def test_objects_need_a_class_map(fields: dict, said: str, tmp_path) -> None:
    Image.fromarray(blobs()).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=said):
        predict(predictor(**fields), blobs(), objects=True)
    with pytest.raises(ValueError, match=said):
        predict_to_files(predictor(**fields), tmp_path / "a.png", tmp_path / "out", objects=True)
    assert not (tmp_path / "out").exists()


def test_objects_that_are_no_options() -> None:
    with pytest.raises(TypeError, match=r"`objects` must be True, False or .*'nucleus'"):
        predict(predictor(), blobs(), objects="nucleus")


def test_drawn_nuclei() -> None:
    """A trained network and its objects find four spots where they were drawn."""
    model = load_model("unet:nuclei")
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:96, :128]
    image = rng.normal(300, 10, x.shape)
    centres = [(20, 20), (24, 64), (70, 30), (60, 100)]
    for row, column in centres:
        image += 3000 * np.exp(-((((y - row) ** 2 + (x - column) ** 2) / 2 / 6.0**2) ** 2))
    found = predict(model, image.astype("uint16"), objects=ObjectOptions(least_area=20)).objects
    assert found.counts == {"nucleus": 4}
    for each in found:
        assert min(np.hypot(each.centroid[1] - r, each.centroid[0] - c) for r, c in centres) < 4
