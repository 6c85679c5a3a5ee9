"""Zarr and OME-Zarr as images: the values of the array, whatever the order of its axes."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from predicting import box, picture, predictor

from keras_upsample.images import _zarr
from keras_upsample.images._pictures import sources_in
from keras_upsample.images._sources import ImageError
from keras_upsample.predict import predict, predict_to_files

zarr = pytest.importorskip("zarr", reason="zarr is not installed (extra zarr)")
IMAGE = picture(45, 37)


def store(path, values: np.ndarray, **options):
    """An array with chunks that do not divide it."""
    options.setdefault("chunks", tuple(max(1, n // 2 - 1) for n in values.shape))
    array = zarr.create_array(str(path), shape=values.shape, dtype=values.dtype, **options)
    array[...] = values
    return path


def ome(path, values: np.ndarray, axes: str, version: int):
    """A pyramid of two levels, as OME-NGFF 0.4 (Zarr 2) or 0.5 (Zarr 3) has it."""
    group = zarr.create_group(str(path), zarr_format=version)
    for name, level in (("0", values), ("1", values[..., ::2, ::2])):
        array = group.create_array(name, shape=level.shape, dtype=level.dtype, chunks=level.shape)
        array[...] = level
    named = [{"name": name, "type": "space"} for name in axes]
    facts = {"multiscales": [{"axes": named, "datasets": [{"path": "0"}, {"path": "1"}]}]}
    group.attrs.update(facts if version == 2 else {"ome": {"version": "0.5", **facts}})
    return path


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("order", ["YXC", "CYX"])
def test_an_array_without_names(version, order, tmp_path):
    values = IMAGE if order == "YXC" else IMAGE.transpose(2, 0, 1)
    path = store(tmp_path / "a", values, zarr_format=version)
    (source,) = sources_in(path, 3)
    assert (source.shape, source.dtype) == (IMAGE.shape, np.uint8)
    for top, bottom in ((0, 45), (7, 8), (20, 41)):
        np.testing.assert_array_equal(source.rows(top, bottom), IMAGE[top:bottom])


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr_with_points_in_time_and_slices(version, tmp_path):
    values = np.random.default_rng(4).integers(0, 4000, (2, 3, 4, 25, 31), dtype="uint16")
    path = ome(tmp_path / "a.zarr", values, "tczyx", version)
    sources = sources_in(path, 3)
    assert [source.frame for source in sources] == [f"t{t}_z{z}" for t in (0, 1) for z in range(4)]
    for number, source in enumerate(sources):
        t, z = divmod(number, 4)
        assert source.shape == (25, 31, 3)
        np.testing.assert_array_equal(source.rows(3, 17), values[t, :, z, 3:17].transpose(1, 2, 0))
    files = predict_to_files(predictor(box(1)), path, tmp_path / "out", overlays=False)
    assert [file.name for file in files.written][:2] == [
        "a_t0_z0_classes.png",
        "a_t0_z1_classes.png",
    ]
    shown = np.asarray(Image.open(tmp_path / "out" / "a_t1_z2_classes.png"))
    alone = predict(predictor(box(1)), values[1, :, 2].transpose(1, 2, 0))
    np.testing.assert_array_equal(shown, alone.labels)


def test_names_of_zarr_3_and_of_xarray(tmp_path):
    scene = picture(30, 20, 4).transpose(2, 0, 1)
    named = store(tmp_path / "a", scene, dimension_names=("band", "latitude", "longitude"))
    group = zarr.create_group(str(tmp_path / "b"))
    array = group.create_array("reflectance", shape=scene.shape, dtype="float32", chunks=(4, 9, 9))
    array[...] = scene
    array.attrs.update(
        {"_ARRAY_DIMENSIONS": ["band", "y", "x"], "_FillValue": float(scene[0, 0, 0])}
    )
    group.create_array("time", shape=(3,), dtype="int64", chunks=(3,))
    for path in (named, tmp_path / "b"):
        (source,) = sources_in(path, 4)
        assert source.shape == (30, 20, 4)
        np.testing.assert_array_equal(source.rows(5, 9), scene.transpose(1, 2, 0)[5:9])
    assert source.nodata == scene[0, 0, 0]
    assert source.missing(0, source.rows(0, 1))[0, 0, 0]


def test_tiles_of_a_sharded_array_are_those_of_the_array(tmp_path):
    path = store(tmp_path / "a", IMAGE, chunks=(8, 8, 3), shards=(16, 16, 3))
    model = predictor(box(2))
    tiled = predict(model, path, tile=16, overlap=4, probabilities=True)
    np.testing.assert_array_equal(
        tiled.probabilities,
        predict(model, IMAGE, tile=16, overlap=4, probabilities=True).probabilities,
    )


def test_chunks_that_are_not_stored_hold_the_fill_value(tmp_path):
    zarr.create_array(
        str(tmp_path / "a"), shape=(20, 20), dtype="uint8", chunks=(8, 8), fill_value=7
    )
    (source,) = sources_in(tmp_path / "a", 1)
    assert (source.rows(0, 20) == 7).all() and source.shape == (20, 20, 1)


def damaged(path, **changes):
    facts = json.loads((path / "zarr.json").read_text())
    facts.update(changes)
    (path / "zarr.json").write_text(json.dumps(facts))
    return path


def plain(path, dtype="uint8", shape=(4, 5), **options):
    return store(path, np.zeros(shape, dtype), **options)


def empty_group(path):
    zarr.create_group(str(path))
    return path


HUGE_CHUNKS = {"name": "regular", "configuration": {"chunk_shape": [10**6, 10**6]}}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: plain(p, shape=(2, 3, 4, 5)), "4 axes without names, (2, 3, 4, 5)"),
        (lambda p: plain(p, "complex64"), "complex64, which are no image"),
        (lambda p: plain(p, dimension_names=("y", "lat")), "there must be one y and one x"),
        (empty_group, "a group of 0 arrays of 2 and more axes (none)"),
        (
            lambda p: damaged(plain(p), shape=[4, 10**12]),
            "1,000,000,000,000 bytes in a row of pixels; there may be 1 to 8,388,608",
        ),
        (
            lambda p: damaged(plain(p), chunk_grid=HUGE_CHUNKS),
            "1,000,000,000,000 bytes in a chunk",
        ),
        (lambda p: damaged(plain(p), codecs=[{"name": "no"}]), "can't be read"),
        (lambda p: damaged(plain(p), data_type="no"), "can't be read"),
    ],
    ids=range(8),
)
def test_what_is_no_image_is_refused_in_one_line(make, message, tmp_path):
    path = make(tmp_path / "a.zarr")
    with pytest.raises(ImageError) as caught:
        (source,) = sources_in(path, 1)
        source.rows(0, 4)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {"compressor": {"id": "pickle", "protocol": 5}, "filters": None},
        {"compressor": None, "filters": [{"id": "delta", "dtype": "|u1"}, {"id": "pickle"}]},
        {"compressor": {"id": "vlen-utf8"}, "filters": None},
    ],
    ids=lambda facts: str(facts["compressor"]),
)
def test_a_codec_that_runs_code_is_never_asked(facts, tmp_path):
    path = store(tmp_path / "a", np.zeros((2, 2), "uint8"), chunks=(2, 2), zarr_format=2)
    known = json.loads((path / ".zarray").read_text())
    (path / ".zarray").write_text(json.dumps({**known, **facts}))
    harm = tmp_path / "harm"
    (path / "0.0").write_bytes(pickle.dumps(Harm(str(harm))))
    with pytest.raises(ImageError):
        (source,) = sources_in(path, 1)
        source.rows(0, 2)
    assert not harm.exists()


class Harm:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_codecs_are_found_wherever_they_stand():
    inner = [{"name": "bytes"}, {"name": "numcodecs.pickle"}]
    inside = {"codecs": inner, "index_codecs": [{"name": "crc32c"}]}
    shards = {"name": "sharding_indexed", "configuration": inside}
    assert [*_zarr._codecs({"codecs": [shards]})] == [
        "sharding_indexed", "bytes", "numcodecs.pickle", "crc32c",
    ]  # fmt: skip
    array = SimpleNamespace(metadata=SimpleNamespace(to_dict=lambda: {"codecs": [shards]}))
    with pytest.raises(ImageError, match=r"is packed by pickle; read are adler32, "):
        _zarr._check_codecs(Path("a"), array)


def test_plates_and_groups_of_several_arrays_are_named(tmp_path):
    plate = zarr.create_group(str(tmp_path / "plate"))
    plate.attrs.update({"plate": {"wells": []}})
    with pytest.raises(ImageError, match=r"a plate of many images. Name one of them"):
        sources_in(tmp_path / "plate", 1)
    group = zarr.create_group(str(tmp_path / "group"))
    for name in ("red", "blue"):
        group.create_array(name, shape=(9, 8), dtype="uint8", chunks=(9, 8))
    with pytest.raises(ImageError, match=r"2 arrays .*\(blue, red\). Name one: GROUP/ARRAY"):
        sources_in(tmp_path / "group", 1)
    assert sources_in(tmp_path / "group" / "red", 1)[0].shape == (9, 8, 1)


def test_without_zarr(tmp_path, monkeypatch):
    path = store(tmp_path / "a", IMAGE)
    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "keras-upsample\[zarr\]"'):
        sources_in(path, 3)


def test_the_command_takes_a_zarr_for_an_image(tmp_path):
    from brightest import brightest

    store(tmp_path / "images" / "a.zarr", IMAGE)
    Image.fromarray(IMAGE).save(tmp_path / "images" / "b.png")
    model = brightest(tmp_path / "m.onnx")
    command = [sys.executable, "-m", "keras_upsample", "predict", model, tmp_path / "images"]
    done = subprocess.run(
        [*map(str, command), "--out", str(tmp_path / "out")], capture_output=True, text=True,
        env={**os.environ, "COLUMNS": "200"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 images predicted" in done.stdout
    a, b = (np.asarray(Image.open(tmp_path / "out" / f"{n}_classes.png")) for n in "ab")
    np.testing.assert_array_equal(a, b)
