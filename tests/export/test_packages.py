"""`package`: what the formats state, compared with the files inside and with the model."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import triton_config
from exporting import answers, noise, picture
from typer.testing import CliRunner

from keras_upsample import export
from keras_upsample.cli import app
from keras_upsample.errors import VerificationError
from keras_upsample.metadata import Input, Metadata, Output, Scaling, attach
from keras_upsample.runtimes import load

NAMES = ("sky", 'a "quoted"\\ name', "ночь\t空")


def network(size: tuple = (None, None), batch: int | None = None, name: str = "net") -> Any:
    image = keras.Input((*size, 3), batch_size=batch, name="image")
    x = keras.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = keras.layers.UpSampling2D(2, interpolation="bilinear")(x)
    model = keras.Model(image, keras.layers.Conv2D(3, 1, name="scores")(x), name=name)
    facts = Metadata(
        name,
        task="segmentation",
        licence="CC0-1.0",
        inputs=(Input("image", scaling=Scaling("percentiles")),),
        outputs=(Output("scores", "logits", NAMES),),
        preprocessing='percentiles,\n"by" channel \x01 é',
    )
    return attach(model, facts)


@pytest.fixture(scope="module")
def model() -> Any:
    return network()


@pytest.fixture(scope="module")
def made(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages of both servers in one folder, from the model itself."""
    out = tmp_path_factory.mktemp("made")
    for kind, folder in (("triton", "triton"), ("tf-serving", "serving")):
        report = export.package(model, out / folder, kind, images=picture())
        assert Path(report.path) == out / folder / "net"
        assert report.artefact is not None and report.artefact.verifications[0].passed
        assert Path(report.artefact.path).exists()
    return out


def check_fits(folder: Path, config: Any) -> None:
    """Names, types and sizes of a configuration are those of the ONNX file, by onnx itself."""
    graph = onnx.load(folder / "1" / "model.onnx").graph
    first = int(config.max_batch_size > 0)
    dtypes = {"float32": 11, "uint8": 2, "int64": 9}
    for told, values in ((config.input, graph.input), (config.output, graph.output)):
        assert [item.name for item in told] == [value.name for value in values]
        for item, value in zip(told, values, strict=True):
            kind = value.type.tensor_type
            sizes = [dim.dim_value or -1 for dim in kind.shape.dim]
            assert list(item.dims) == sizes[first:]
            assert first == 0 or sizes[0] == -1
            dtype = onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type)
            assert item.data_type == dtypes[str(dtype)]


def test_triton_reads_what_the_file_is(made: Path) -> None:
    folder = made / "triton" / "net"
    text = (folder / "config.pbtxt").read_text(encoding="utf-8")
    config = triton_config.parse(text)
    check_fits(folder, config)
    assert config.name == folder.name and config.backend == "onnxruntime"
    assert config.max_batch_size > 0
    assert list(config.input[0].dims) == [-1, -1, 3]
    told = triton_config.parameters(config)
    assert told["preprocessing"] == 'percentiles,\n"by" channel \x01 é'
    assert told["licence"] == "CC0-1.0" and told["layout"] == "nhwc"
    facts = Metadata.from_json(told["keras_upsample_metadata"])
    assert facts.class_names == NAMES and facts.input.scaling == Scaling("percentiles")
    labels = (folder / told["labels"]).read_text(encoding="utf-8").splitlines()
    assert labels == ["sky", 'a "quoted"\\ name', "ночь 空"]


@triton_config.needs_tritonclient
def test_tritonclient_reads_the_same(made: Path) -> None:
    text = (made / "triton" / "net" / "config.pbtxt").read_text(encoding="utf-8")
    found = triton_config.parse_by_tritonclient(text)
    expected = triton_config.parse(text)
    assert triton_config.parameters(found) == triton_config.parameters(expected)
    for each in (found, expected):
        del each.parameters[:]  # a map has no order
    assert found == expected


def test_triton_gets_no_batch_where_the_file_has_one(tmp_path: Path) -> None:
    report = export.package(
        network((17, 21)), tmp_path, "triton", name="fixed", batch_size=2, head="argmax"
    )
    folder = tmp_path / "fixed"
    assert report.path == str(folder)
    config = triton_config.parse((folder / "config.pbtxt").read_text(encoding="utf-8"))
    check_fits(folder, config)
    assert config.max_batch_size == 0
    assert list(config.input[0].dims) == [2, 17, 21, 3]
    assert config.output[0].data_type == 2  # uint8


def test_tf_serving_computes_what_the_model_does(made: Path, model: Any) -> None:
    import tensorflow as tf

    folder = made / "serving" / "net"
    assert [path.name for path in folder.iterdir() if not path.name.startswith(".")] == ["1"]
    served = tf.saved_model.load(str(folder / "1")).signatures["serving_default"]
    for shape in ((1, 17, 23, 3), (3, 8, 5, 3)):
        image = noise(*shape)
        wanted = np.asarray(model(image))
        got = served(image=tf.constant(image))["scores"].numpy()
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, atol=1e-5 * np.ptp(wanted))


def test_files_of_an_export_are_packaged_as_they_are(made: Path, tmp_path: Path) -> None:
    inside = made / "triton" / "net" / "1" / "model.onnx"
    file = tmp_path / "mine.onnx"
    shutil.copyfile(inside, file)
    report = export.package(file, tmp_path / "out", "triton")
    assert report.artefact is None and report.path == str(tmp_path / "out" / "mine")
    assert (tmp_path / "out/mine/1/model.onnx").read_bytes() == inside.read_bytes()
    config = triton_config.parse((tmp_path / "out/mine/config.pbtxt").read_text(encoding="utf-8"))
    assert config.name == "mine"

    saved = made / "serving" / "net" / "1"
    export.package(saved, tmp_path / "out", "tf-serving")
    copy = tmp_path / "out" / "net" / "1"  # its own name, for the folder's is a number
    image = noise(1, 9, 7, 3)
    for name, values in answers(copy, {"image": image}).items():
        np.testing.assert_array_equal(values, answers(saved, {"image": image})[name])

    with pytest.raises(ValueError, match=r"`head` is for models that are exported.*as it is"):
        export.package(file, tmp_path / "out", "triton", head="argmax")
    with pytest.raises(ValueError, match="`precision` is for models"):
        export.package(file, tmp_path / "out", "triton", precision="int8")


def test_the_command_packages_a_file(
    made: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.onnx"
    shutil.copyfile(made / "triton" / "net" / "1" / "model.onnx", file)
    arguments = ["package", str(file), "--out", str(tmp_path / "out"), "--format"]
    done = CliRunner().invoke(app, [*arguments, "triton", "--name", "a b"])
    assert done.exit_code == 0, done.output
    assert "a_b" in done.output
    assert load(tmp_path / "out" / "a_b" / "1" / "model.onnx").inputs[0].name == "image"
    for wrong, why in (
        ([*arguments, "tritn"], "Did you mean 'triton'"),
        ([*arguments, "triton", "--classes", "3"], "was exported before"),
        ([*arguments, "triton", "--input-shape", "8,8,3"], "`input_shape` is for models"),
    ):
        done = CliRunner().invoke(app, wrong)
        assert done.exit_code == 2 and why in " ".join(capfd.readouterr().err.split())


def test_what_no_package_wrote_is_not_replaced(made: Path, tmp_path: Path) -> None:
    file = made / "triton" / "net" / "1" / "model.onnx"

    def write(**options: Any) -> None:
        export.package(file, tmp_path, "triton", name="net", **options)

    folder = tmp_path / "net"
    folder.mkdir()
    config = folder / "config.pbtxt"
    config.write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=r"holds 'config.pbtxt', which no `package` wrote"):
            write(overwrite=overwrite)
    assert config.read_text() == "mine" and [*folder.iterdir()] == [config]
    config.unlink()

    write()
    write()  # its own is replaced
    (folder / "notes.txt").write_text("of others")
    with pytest.raises(ValueError, match=r"holds 'notes.txt'.*--overwrite"):
        write()
    write(overwrite=True)
    assert (folder / "notes.txt").read_text() == "of others"
    assert (
        "notes.txt" not in json.loads((folder / "keras_upsample_package.json").read_text())["files"]
    )
    config.write_text(config.read_text() + "instance_group { count: 2 }\n")
    with pytest.raises(ValueError, match="was changed since it was written"):
        write(overwrite=True)
    assert "instance_group" in config.read_text()


def test_a_failure_leaves_nothing(tmp_path: Path, model: Any) -> None:
    with pytest.raises(VerificationError) as caught:
        export.package(model, tmp_path / "out", "triton", precision="float16", gate=1e-9)
    assert str(tmp_path / "out" / "net") in str(caught.value)
    assert ".in-progress" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="`precision` of format 'tf-serving'"):
        export.package(model, tmp_path / "out", "tf-serving", precision="int8")
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="is a file; it must be a folder"):
        export.package(model, tmp_path / "file", "triton")
