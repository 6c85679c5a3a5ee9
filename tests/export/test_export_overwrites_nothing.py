"""An export never deletes or replaces what it did not write."""

import hashlib
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample import export
from keras_upsample._ours import other_files
from keras_upsample.export import _verify

TARGETS = [
    "saved_model", "tflite", "tflite_float16", "tflite_int8", "onnx", "onnx_float16", "onnx_int8"
]  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(2)
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model(image, keras.layers.Conv2D(2, 3, padding="same")(image), name="net")


@pytest.fixture(scope="module")
def written(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))
        export.export(model, folder, TARGETS, IMAGES)
    return folder


IMAGES = np.random.default_rng(6).random((8, 8, 8, 3), "float32")


def contents(folder: Path) -> dict:
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_our_own_are_replaced_without_asking(model, written, tmp_path):
    folder = tmp_path / "copied"  # also on another machine
    shutil.copytree(written, folder)
    report = export.export(model, folder, TARGETS, IMAGES)
    assert len(report.artefacts) == len(TARGETS)
    (folder / "report.json").unlink()  # each says by itself whose it is
    export.export(model, folder, TARGETS, IMAGES)


@pytest.mark.parametrize("name", ["net.tflite", "net.onnx", "net_float16.onnx", "report.json"])
@pytest.mark.parametrize("content", [b"my own", b"{}", b"\x1c\0\0\0TFL3"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_of_the_user(name, content, overwrite, model, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name}' is there and was not written by.*move it away"):
        export.export(model, tmp_path, TARGETS, IMAGES, overwrite=overwrite)
    assert contents(tmp_path) == {Path(name): content}  # refused before anything was written


def test_files_of_every_precision_are_signed_and_say_what_they_mean(written):
    import onnx

    import keras_upsample as ku

    found = sorted(written.glob("*.onnx"))
    assert len(found) == 3
    for path in found:
        proto = onnx.load(str(path))
        assert (proto.producer_name, proto.producer_version) == ("keras_upsample", ku.__version__)
        assert ku.metadata.read(path).name == "net"


def test_models_of_others_in_the_places_of_ours(model, written, tmp_path):
    import onnx
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    foreign = schema.ModelT.InitFromPackedBuf((written / "net.tflite").read_bytes(), 0)
    foreign.metadata = []
    builder = Builder()
    builder.Finish(foreign.Pack(builder), b"TFL3")
    (tmp_path / "a.tflite").write_bytes(bytes(builder.Output()))
    with pytest.raises(ValueError, match="was not written by this package"):
        export.to_tflite(model, tmp_path / "a.tflite", images=IMAGES)
    proto = onnx.load(str(written / "net.onnx"))
    proto.producer_name = "somebody"
    onnx.save(proto, str(tmp_path / "a.onnx"))
    with pytest.raises(ValueError, match="was not written by this package"):
        export.to_onnx(model, tmp_path / "a.onnx", images=IMAGES)
    keras_own = tmp_path / "folder"
    model.export(str(keras_own), verbose=False)
    before = contents(keras_own)
    with pytest.raises(ValueError, match="was not written by this package"):
        export.to_saved_model(model, keras_own, images=IMAGES)
    assert contents(keras_own) == before
    for write, name in (
        (export.to_tflite, "a.tflite"),
        (export.to_onnx, "a.onnx"),
        (export.to_saved_model, "folder"),
    ):
        before = contents(tmp_path)
        with pytest.raises(ValueError, match="was not written by this package"):
            write(model, tmp_path / name, images=IMAGES, overwrite=True)
        assert contents(tmp_path) == before


@pytest.mark.parametrize(
    "place",
    ["notes.txt", "variables/mine.txt", "sub/deep.bin", "assets.extra/notes.md", "assets/me.txt"],
)
def test_what_lies_in_the_folder_of_a_saved_model(place, model, written, tmp_path):
    folder = tmp_path / "saved_model"
    shutil.copytree(written / "saved_model", folder)
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text("mine")
    before = contents(folder)
    with pytest.raises(ValueError, match=rf"holds '{place}', which no export wrote"):
        export.export(model, tmp_path, ["saved_model"], IMAGES)
    assert contents(folder) == before
    export.export(model, tmp_path, ["saved_model"], IMAGES, overwrite=True)
    assert (folder / place).read_text() == "mine"
    assert contents(folder).keys() == before.keys()


def test_links_in_and_in_place_of_the_folder_of_a_saved_model(model, written, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    folder = tmp_path / "saved_model"
    folder.symlink_to(mine)
    for overwrite in (False, True):
        with pytest.raises(ValueError, match="saved_model' is a "):
            export.export(model, tmp_path, ["saved_model"], IMAGES, overwrite=overwrite)
    assert folder.is_symlink() and contents(mine) == {Path("notes.txt"): b"mine"}
    folder.unlink()
    shutil.copytree(written / "saved_model", folder)
    (folder / "more").symlink_to(mine)
    with pytest.raises(ValueError, match="holds 'more', which no export wrote"):
        export.to_saved_model(model, folder, images=IMAGES)
    export.to_saved_model(model, folder, images=IMAGES, overwrite=True)
    assert (folder / "more").is_symlink() and (folder / "more" / "notes.txt").is_file()


def test_assets_that_the_graph_reads_are_ours(tmp_path):
    import tensorflow as tf

    folder = tmp_path / "m"
    (tmp_path / "words.txt").write_text("sea\nland\n")
    module = tf.Module()
    module.words = tf.saved_model.Asset(str(tmp_path / "words.txt"))
    tf.saved_model.save(module, str(folder))
    assert (folder / "assets" / "words.txt").is_file() and other_files(folder) == []
    (folder / "assets" / "mine.txt").write_text("mine")
    assert other_files(folder) == [Path("assets/mine.txt")]


def test_a_folder_without_a_saved_model(model, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="other things than a SavedModel"):
        export.to_saved_model(model, tmp_path / "m", images=IMAGES)
    export.to_saved_model(model, tmp_path / "m", images=IMAGES, overwrite=True)
    assert (tmp_path / "m" / "notes.txt").read_text() == "mine"


def test_links_and_empty_files(model, written, tmp_path):
    shutil.copy(written / "net.onnx", tmp_path / "kept.onnx")
    (tmp_path / "net.onnx").symlink_to(tmp_path / "kept.onnx")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"net\.onnx' is a link"):
            export.to_onnx(model, tmp_path / "net.onnx", images=IMAGES, overwrite=overwrite)
    assert (tmp_path / "net.onnx").is_symlink()
    (tmp_path / "empty.onnx").touch()  # as tempfile makes them
    export.to_onnx(model, tmp_path / "empty.onnx", images=IMAGES)


@pytest.mark.parametrize("hashed", [True, False])
def test_files_without_a_mark_are_known_by_their_report(hashed, model, written, tmp_path):
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    folder = tmp_path / "old"
    shutil.copytree(written, folder)
    foreign = schema.ModelT.InitFromPackedBuf((written / "net.tflite").read_bytes(), 0)
    foreign.metadata = []
    builder = Builder()
    builder.Finish(foreign.Pack(builder), b"TFL3")
    content = bytes(builder.Output())
    (folder / "net.tflite").write_bytes(content)
    with pytest.raises(ValueError, match="was not written"):
        export.export(model, folder, ["tflite"], IMAGES)
    report = json.loads((folder / "report.json").read_text())
    entry = next(a for a in report["artefacts"] if a["target"] == "tflite")
    if hashed:
        entry["sha256"] = {"net.tflite": hashlib.sha256(content).hexdigest()}
    else:
        del entry["sha256"]
        entry["file_size"] = len(content)
    (folder / "report.json").write_text(json.dumps(report))
    export.export(model, folder, ["tflite"], IMAGES)
