"""`import`, and the other commands on files of another framework."""

import json

import keras
import numpy as np
import onnx
import pytest
from test_cli import one_line, run

import keras_upsample as ku


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A net as ONNX, and the same without its metadata, as anybody's file."""
    place = tmp_path_factory.mktemp("foreign")
    keras.utils.set_random_seed(4)
    model = ku.zoo.unet((None, None, 3), 2, filters=(4, 8))
    images = [np.random.default_rng(0).random((48, 64, 3), "float32")]
    ku.export.to_onnx(model, place / "ours.onnx", layout="nchw", images=images)
    proto = onnx.load(place / "ours.onnx")
    del proto.metadata_props[:]
    onnx.save(proto, place / "theirs.onnx")
    fixed = onnx.load(place / "theirs.onnx")
    for axis, length in zip((2, 3), (48, 64), strict=True):
        fixed.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = length
    onnx.save(fixed, place / "fixed.onnx")
    model.save(place / "model.keras")
    return place


def test_import_writes_a_model_that_computes_the_same(folder, tmp_path):
    result = run("import", folder / "theirs.onnx", "--out", tmp_path / "a.keras")
    assert result.returncode == 0, result.stderr
    assert "The file does not say which values its input takes" in result.stdout
    assert f"written: {tmp_path / 'a.keras'}" in result.stdout
    x = np.random.default_rng(1).random((2, 41, 54, 3), "float32")
    ours = keras.saving.load_model(folder / "model.keras")(x)
    read = keras.saving.load_model(tmp_path / "a.keras")(x)
    np.testing.assert_allclose(read, ours, atol=1e-5 * np.ptp(ours))
    result = run("import", folder / "theirs.onnx", "--out", tmp_path / "a.keras")
    assert result.returncode == 2 and "exists. Choose another --out" in one_line(result.stderr)


def test_import_reads_our_metadata_back(folder, tmp_path):
    result = run("import", folder / "ours.onnx", "--out", tmp_path / "a.keras", "--name", "mine")
    assert result.returncode == 0, result.stderr
    assert "does not say" not in result.stdout
    metadata = ku.metadata.read(tmp_path / "a.keras")
    assert metadata.inputs[0].value_range == (0, 1)


@pytest.mark.parametrize(
    ("source", "out", "message"),
    [
        ("none.onnx", "a.keras", "does not exist"),
        ("theirs.onnx", "a.h5", "--out must be a .keras file. Received: "),
        ("model.keras", "a.keras", "has an ending that is not read. Allowed: .onnx, .tflite, "),
    ],
)
def test_import_says_what_is_wrong_in_one_line(source, out, message, folder, tmp_path):
    result = run("import", folder / source, "--out", tmp_path / out)
    assert result.returncode == 2 and message in one_line(result.stderr)
    assert not list(tmp_path.iterdir())


def test_what_stands_at_out_is_replaced_on_request_alone(folder, tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from keras_upsample import interchange
    from keras_upsample.cli import app

    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 1)])
    monkeypatch.setattr(interchange, "from_file", lambda *_, **__: model)
    out, elsewhere = tmp_path / "a.keras", tmp_path / "elsewhere"
    command = ["import", str(folder / "theirs.onnx"), "--out", str(out)]
    for stands in ("a file", "a link to nothing"):
        if stands == "a file":
            out.write_text("of the user")
        else:
            out.unlink()
            out.symlink_to(elsewhere)
        assert CliRunner().invoke(app, command).exit_code == 2
        assert out.is_symlink() or out.read_text() == "of the user"
        assert CliRunner().invoke(app, [*command, "--overwrite"]).exit_code == 0
        assert keras.saving.load_model(out).count_params() == model.count_params()
    assert not elsewhere.exists()


def test_a_checkpoint_needs_its_extra_or_a_name(folder, tmp_path):
    result = run("import", folder / "theirs.onnx", "--out", tmp_path / "a.keras", "--encoder", "x")
    assert result.returncode == 2 and "--smp names theirs" in one_line(result.stderr)
    (tmp_path / "w.pth").write_bytes(b"no checkpoint")
    result = run("import", tmp_path / "w.pth", "--out", tmp_path / "a.keras", "--smp", "Unet")
    assert result.returncode == 2 and one_line(result.stderr)
    assert not (tmp_path / "a.keras").exists()


def test_an_onnx_file_is_exported_and_checked(folder, tmp_path):
    out = tmp_path / "out"
    result = run("export", folder / "fixed.onnx", "--out", out, "--target", "tflite")
    assert result.returncode == 0, result.stderr
    assert (out / "fixed.tflite").is_file()
    assert json.loads((out / "report.json").read_text())["failures"] == {}
    result = run("check", folder / "fixed.onnx", "--target", "tflm", "--json")
    assert "verdict" in json.loads(result.stdout), result.stderr
    result = run("verify", folder / "fixed.onnx", out / "fixed.tflite")
    assert result.returncode == 0 and "passed" in result.stdout, result.stderr


def test_sizes_that_cannot_stay_open_are_asked_for(folder, tmp_path):
    proto = onnx.load(folder / "theirs.onnx")
    name = proto.graph.output[0].name
    shape = onnx.numpy_helper.from_array(np.array([0, 2, 48, -1]), "fixed_rows")
    proto.graph.initializer.append(shape)
    proto.graph.node.append(onnx.helper.make_node("Reshape", [name, "fixed_rows"], ["rows"]))
    del proto.graph.output[:]
    proto.graph.output.append(
        onnx.helper.make_tensor_value_info("rows", onnx.TensorProto.FLOAT, None)
    )
    onnx.save(proto, tmp_path / "rows.onnx")
    with pytest.raises(ku.errors.InputShapeError, match="Pass `input_shape`"):
        ku.export.load_source(tmp_path / "rows.onnx")
    model = ku.export.load_source(tmp_path / "rows.onnx", input_shape=(48, 64, 3))
    assert model.input_shape == (None, 48, 64, 3)
    open_model = ku.export.load_source(folder / "theirs.onnx", input_shape=(48, 64, 3))
    assert open_model.input_shape == (None, None, None, 3)
