"""ONNX files whose values are in a file beside them, as above 2 GiB; here above 20 kB."""

import json
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from exporting import assert_same, distinctive, noise, picture, write
from keras import layers
from onnx.reference import ReferenceEvaluator

from keras_upsample import _publish, export, runtimes
from keras_upsample._cli.describe import facts_of_choice
from keras_upsample._cli.options import ModelChoice
from keras_upsample.errors import ArtefactError, VerificationError
from keras_upsample.export import _tuned, _verify
from keras_upsample.files import _onnx_file
from keras_upsample.program._applied import Applied
from keras_upsample.program._program import program_of
from keras_upsample.program._signature import signature_of
from keras_upsample.runtimes import _onnx
from keras_upsample.targets import TARGETS

DATA = re.compile(r"m\.onnx\.[0-9a-f]{8}\.data")
IMAGE = noise(2, 9, 7, 3, seed=8)


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(_onnx_file, "MOST_BYTES", 20_000)
    monkeypatch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))


def net(seed=5):
    x = keras.Input((None, None, 3), name="image")
    y = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    y = layers.BatchNormalization()(layers.Conv2D(24, 3, padding="same", use_bias=False)(y))
    y = layers.Conv2DTranspose(16, 4, 2, padding="same")(y)
    y = layers.Dense(300, activation="gelu")(y)
    return distinctive(keras.Model(x, layers.Conv2D(2, 1, name="out")(y), name="net"), seed)


@pytest.fixture(scope="module")
def model():
    return net()


@pytest.fixture(scope="module")
def other():
    return net(6)


def contents(folder: Path) -> dict:
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def data_of(path: Path) -> Path:
    """The one file beside, and nothing else is there."""
    (data,) = set(path.parent.iterdir()) - {path}
    assert DATA.fullmatch(data.name)
    return data


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_the_pair_computes_what_the_model_computes(lower, layout, model, tmp_path):
    path = write(model, tmp_path, "onnx", lower=lower, layout=layout)
    data = data_of(path)
    assert path.stat().st_size < 20_000 < data.stat().st_size
    place = tmp_path / "elsewhere"
    place.mkdir()
    for file in (path, data):
        shutil.copy(file, place)
    feed, wanted = IMAGE, np.asarray(model(IMAGE))
    if layout == "nchw":
        feed, wanted = (np.ascontiguousarray(a.transpose(0, 3, 1, 2)) for a in (feed, wanted))
    for name in ("onnxruntime", *(["openvino"] if runtimes.available()["openvino"] else [])):
        assert_same(place / "m.onnx", {"image": feed}, {"out": wanted}, runtime=name)
    if not lower:
        (found,) = ReferenceEvaluator(onnx.load(str(place / "m.onnx"))).run(None, {"image": feed})
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.ptp(wanted))


@pytest.mark.parametrize("precision, of_range", [("float16", 1e-2), ("int8", 1e-1)])
def test_lower_precisions(precision, of_range, model, tmp_path):
    images = [noise(24, 20, 3, seed=k) for k in range(8)]
    path = write(model, tmp_path, "onnx", precision=precision, images=images)
    data_of(path)
    feeds = {"image": np.stack(images[:2])}
    assert_same(path, feeds, {"out": model(feeds["image"])}, of_range=of_range)


def test_no_second_file_where_one_holds_all(model, tmp_path, monkeypatch):
    large = write(model, tmp_path, "onnx")
    data_of(large)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    monkeypatch.setattr(_onnx_file, "MOST_BYTES", size)
    write(model, tmp_path, "onnx")
    assert list(tmp_path.iterdir()) == [large]  # the data of the old one is gone too
    # float16 needs no second file for the values that float32 needs one for
    monkeypatch.setattr(_onnx_file, "MOST_BYTES", size * 3 // 4)
    write(model, tmp_path, "onnx", precision="float16")
    assert list(tmp_path.iterdir()) == [large]


def test_reports_count_and_name_it(model, tmp_path):
    report = export.export(model, tmp_path, ["onnx"], picture(), name="m")
    path = tmp_path / "m.onnx"
    (data,) = tmp_path.glob("*.data")
    (artefact,) = report.artefacts
    size = path.stat().st_size + data.stat().st_size
    assert artefact.file_size == size and artefact.data_files == (data.name,)
    assert f"m.onnx has its values in {data.name}, which must stay beside it" in str(report)
    saved = json.loads((tmp_path / "report.json").read_text())["artefacts"][0]
    assert saved["file_size"] == size and saved["data_files"] == [data.name]
    assert export.verify(model, path, picture(11, 13)).passed
    facts = facts_of_choice(ModelChoice(str(path)), 64, layers=False)
    assert facts["bytes"] == size


def test_much_data_stays_in_the_file(model, tmp_path, monkeypatch):
    path = write(model, tmp_path, "onnx")
    monkeypatch.setattr(_onnx, "_MUCH", 10_000)
    runner = runtimes.load(path)
    level = runner._session.get_session_options().graph_optimization_level
    assert level.name == "ORT_ENABLE_EXTENDED"  # no copies of the weights in other layouts
    assert_same(runner, {"image": IMAGE}, {"out": model(IMAGE)})


def test_without_its_data_it_is_refused(model, tmp_path):
    path = write(model, tmp_path, "onnx")
    data = data_of(path)
    data.unlink()
    with pytest.raises(ArtefactError, match=rf"{data.name}"):
        runtimes.load(path)


def test_new_pair_for_old(model, other, tmp_path):
    path = write(model, tmp_path, "onnx")
    first = data_of(path)
    write(model, tmp_path, "onnx")
    assert data_of(path) == first  # named after its content
    write(other, tmp_path, "onnx")
    assert data_of(path) != first
    assert_same(path, {"image": IMAGE}, {"out": other(IMAGE)})


def test_a_copy_of_the_old_file_keeps_its_data(model, other, tmp_path):
    path = write(model, tmp_path, "onnx")
    shutil.copy(path, tmp_path / "backup.onnx")
    write(other, tmp_path, "onnx")
    assert_same(tmp_path / "backup.onnx", {"image": IMAGE}, {"out": model(IMAGE)})
    assert_same(path, {"image": IMAGE}, {"out": other(IMAGE)})


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_a_failed_rename_changes_nothing(last, before, model, other, tmp_path, monkeypatch):
    folder = tmp_path / "new"
    if before:
        folder.mkdir()
        write(other, folder, "onnx")
    stood = contents(tmp_path)
    replace = _publish.os.replace

    def fails(source, place):
        if Path(place).parent == folder and (Path(place).suffix == ".onnx") == last:
            raise OSError("planted")
        replace(source, place)

    monkeypatch.setattr(_publish.os, "replace", fails)
    with pytest.raises(OSError, match="planted"):
        write(model, folder, "onnx")
    assert contents(tmp_path) == stood and folder.exists() == before
    if before:
        assert_same(folder / "m.onnx", {"image": IMAGE}, {"out": other(IMAGE)})


def test_a_wrong_file_leaves_the_old_pair(model, other, tmp_path, monkeypatch):
    write(other, tmp_path, "onnx")
    stood = contents(tmp_path)
    point_to = _onnx_file._point_to

    def off_by_one(tensor, place):
        point_to(tensor, {**place, "offset": str(max(int(place["offset"]) - 4, 0))})

    monkeypatch.setattr(_onnx_file, "_point_to", off_by_one)
    with pytest.raises(VerificationError):
        write(model, tmp_path, "onnx")
    assert contents(tmp_path) == stood


def test_files_of_the_user_stay(model, other, tmp_path):
    own = ["m.onnx.data", "m.onnx.0123abcd.data", "m.data", "m.onnx.0123abcd.data.bak"]
    for name in own:
        (tmp_path / name).write_bytes(name.encode())
    for net_ in (model, other):
        write(net_, tmp_path, "onnx")
    assert {name: (tmp_path / name).read_bytes() for name in own} == {n: n.encode() for n in own}
    assert len(list(tmp_path.iterdir())) == len(own) + 2


def test_a_file_of_others_and_its_data(model, tmp_path):
    weights = onnx.numpy_helper.from_array(noise(3, 2, 1, 1), "w")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["x", "w"], ["y"])],
        "g",
        [onnx.helper.make_tensor_value_info("x", 1, ["N", 2, 5, 5])],
        [onnx.helper.make_tensor_value_info("y", 1, ["N", 3, 5, 5])],
        [weights],
    )
    path = tmp_path / "m.onnx"
    theirs = onnx.helper.make_model(graph)
    place = {"location": "m.onnx.89abcdef.data", "size_threshold": 0}
    onnx.save(theirs, str(path), save_as_external_data=True, **place)
    stood = contents(tmp_path)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"m\.onnx' is there and was not written by this pack"):
            write(model, tmp_path, "onnx", overwrite=overwrite)
        assert contents(tmp_path) == stood
    path.unlink()  # the data without it
    write(model, tmp_path, "onnx")
    assert (tmp_path / "m.onnx.89abcdef.data").read_bytes() == stood[Path("m.onnx.89abcdef.data")]
    assert_same(path, {"image": IMAGE}, {"out": model(IMAGE)})


def test_another_file_of_the_datas_name(model, tmp_path):
    path = write(model, tmp_path, "onnx")
    data = data_of(path)
    data.write_bytes(data.read_bytes()[:100])  # ours, damaged: replaced
    write(model, tmp_path, "onnx")
    assert_same(path, {"image": IMAGE}, {"out": model(IMAGE)})
    path.unlink()  # so that nothing says that it is ours
    write(model, tmp_path, "onnx")  # with the same content
    path.unlink()
    data.write_bytes(b"my own")
    with pytest.raises(ValueError, match=rf"{data.name}' is there and was not written by"):
        write(model, tmp_path, "onnx")
    assert contents(tmp_path) == {Path(data.name): b"my own"}


@pytest.mark.parametrize("faster", ["untuned", "tuned"])
def test_the_faster_of_two_pairs(faster, model, other, tmp_path, monkeypatch):
    class Meter:
        def opened(self, path):
            return path

        def seconds(self, opened, limit):
            assert all(path.exists() for path in opened.values())
            return {name: 1.0 if name == faster else 2.0 for name in opened}

    monkeypatch.setattr(_tuned, "meter_of", lambda target: Meter())
    applied = Applied("rule", ("layer",), "form", "why", 1.5)
    forms = {
        name: program_of(net, signature_of(net)).with_notes(applied)
        for name, net in (("tuned", model), ("untuned", other))
    }

    def write_form(program, place):
        write(program.model, place.parent, "onnx", lower=False)

    path = write(model, tmp_path, "onnx", lower=False)
    kept = _tuned.keep_the_faster(
        forms["tuned"], lambda: forms["untuned"], TARGETS["onnx"], path, write_form
    )
    assert kept.model is forms[faster].model
    data_of(path)
    assert_same(path, {"image": IMAGE}, {"out": forms[faster].model(IMAGE)})
