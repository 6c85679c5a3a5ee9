"""The commands as a user runs them: output, exit codes, silence."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample.zoo import CATALOGUE

ROOT = Path(__file__).parents[2]
SMALL = ("--filters", "4,4,8", "--classes", "3")


def run(*arguments: object, program: tuple[str, ...] = ("-m", "keras_upsample"), cwd=None):
    environment = {k: v for k, v in os.environ.items() if k not in ("TF_CPP_MIN_LOG_LEVEL",)}
    return subprocess.run(
        [sys.executable, *program, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**environment, "COLUMNS": "200"},
    )


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_help_and_list() -> None:
    assert {"list", "info", "export", "verify"} <= set(run("--help").stdout.split())
    result = run("list")
    assert result.returncode == 0 and result.stderr == ""
    for entry in CATALOGUE:
        assert f"{entry.name} " in result.stdout
    assert "tflite_float16" in result.stdout


def test_info() -> None:
    result = run("info", "unet", *SMALL, "--size", 32)
    assert result.returncode == 0 and result.stderr == ""
    assert "input          image ?x?x?x3 float32" in result.stdout
    assert "output         ?x?x?x3 float32" in result.stdout
    assert "at 32x32x3" in result.stdout


def test_export_and_verify(tmp_path: Path) -> None:
    out = tmp_path / "unet"
    result = run("export", "unet", *SMALL, "--out", out, "--class-names", "a,b,c")
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""  # no log line of any library
    assert {path.name for path in out.iterdir()} == {
        "saved_model", "unet.tflite", "unet.onnx", "report.json",
    }  # fmt: skip
    report = json.loads((out / "report.json").read_text())
    assert [a["target"] for a in report["artefacts"]] == ["saved_model", "tflite", "onnx"]
    assert "LiteRT" in result.stdout and "ONNX Runtime" in result.stdout
    import onnx

    properties = {p.key: p.value for p in onnx.load(str(out / "unet.onnx")).metadata_props}
    assert json.loads(properties["class_names"]) == {"0": "a", "1": "b", "2": "c"}
    assert properties["preprocessing"] == "float32 RGB in [0, 1]"

    same = run("verify", "unet", out / "unet.onnx", *SMALL)
    assert same.returncode == 0 and "passed" in same.stdout
    other = run("verify", "unet", out / "unet.tflite", *SMALL, "--seed", 1)
    assert other.returncode == 1
    assert "does not compute what the model computes" in one_line(other.stderr)


def test_a_failed_target_does_not_stop_the_others(tmp_path: Path) -> None:
    inputs = keras.Input((None, None, 3), name="image")
    turn = np.array([[1.0, 0.1, 2.0, 0.0, 1.0, 3.0, 0.0, 0.0]], "float32")
    x = keras.ops.image.affine_transform(inputs, turn)  # neither ONNX nor TFLite has a form for it
    keras.Model(inputs, x, name="turned").save(tmp_path / "m.keras")
    targets = ("--target", "onnx", "--target", "saved_model", "--input-shape", "32,32,3")
    result = run("export", tmp_path / "m.keras", "--out", tmp_path / "out", *targets)
    assert result.returncode == 1
    assert one_line(result.stderr).startswith("onnx: ")
    assert (tmp_path / "out" / "saved_model").is_dir()
    assert not (tmp_path / "out" / "m.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "unett", "--out", "o"), "Did you mean 'unet'?"),
        (("export", "unet", "--out", "o", "--upsample", "cubic"), "`upsample` must be one of"),
        (("export", "fcn8s", "--out", "o", "--encoder", "vgg16"), "has no option --encoder"),
        (("export", "unet", "--out", "o", "--classes", "0"), "`classes`"),
        (("export", "unet", "--out", "o", "--target", "onx"), "Did you mean 'onnx'?"),
        (("verify", "unet", "none.onnx", *SMALL), "`none.onnx` is missing"),
        (("info", "bad.keras"), "is damaged"),
        (("info", "notes.txt"), "is not a Keras model file"),
        (("info", "lambda.keras"), "holds a Lambda layer"),
        (("info", "tfsm.keras"), "holds a TFSMLayer, which loads and runs a SavedModel"),
        (("info", "custom.keras"), "--import MODULE"),
    ],
)
def test_one_readable_line_and_exit_code_2(arguments, message, tmp_path: Path) -> None:
    (tmp_path / "bad.keras").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "notes.txt").write_text("notes")
    if arguments[1] == "lambda.keras":
        layer = keras.layers.Lambda(lambda x: x + 1)
        keras.Sequential([keras.Input((4,)), layer]).save(tmp_path / "lambda.keras")
    if arguments[1] == "tfsm.keras":
        plain = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        plain.export(str(tmp_path / "plain"), verbose=False)
        layer = keras.layers.TFSMLayer(str(tmp_path / "plain"), call_endpoint="serve")
        inputs = keras.Input((4,))
        keras.Model(inputs, layer(inputs)).save(tmp_path / "tfsm.keras")
    if arguments[1] == "custom.keras":
        save_custom(tmp_path)
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2, result.stderr
    line = one_line(result.stderr)
    assert message in line
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "o").exists()


def test_verify_prints_json_of_a_file_that_fails_too(tmp_path: Path) -> None:
    from keras_upsample import export

    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        image = keras.Input((8, 8, 3), name="image")
        model = keras.Model(image, keras.layers.Conv2D(2, 3)(image))
        model.save(tmp_path / f"{seed}.keras")
    export.to_onnx(model, tmp_path / "1.onnx")
    for seed, passed in ((1, True), (0, False)):
        found = run("verify", f"{seed}.keras", "1.onnx", "--json", cwd=tmp_path)
        assert found.returncode == int(not passed), found.stderr
        facts = json.loads(found.stdout)
        assert facts["passed"] is passed and len(facts["differences"]) > 2
        assert ("does not compute what the model computes" in facts["error"]) is not passed
        assert any(one["failure"] for one in facts["differences"]) is not passed


def save_custom(folder: Path) -> None:
    (folder / "my_layers.py").write_text(
        "import keras\n\n\n@keras.saving.register_keras_serializable('mine')\n"
        "class Twice(keras.layers.Layer):\n"
        "    def call(self, x):\n        return 2 * x\n"
    )
    code = (
        "import keras, my_layers; m = keras.Sequential([keras.Input((4, 4, 3)), my_layers.Twice()])"
        "; m.save('custom.keras')"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)


def test_custom_classes_are_imported_on_request(tmp_path: Path) -> None:
    save_custom(tmp_path)
    result = run("info", "custom.keras", "--import", "my_layers", cwd=tmp_path)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("integers", ["1,x", "", "0,3,3"])
def test_bad_shapes_are_usage_errors(integers: str) -> None:
    result = run("export", "unet", "--out", "o", "--input-shape", integers)
    assert result.returncode == 2
    assert "--input-shape takes whole numbers" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("script", "name", "more"),
    [
        ("to_onnx.py", "m.onnx", ("--layout", "nchw")),
        ("to_tflite.py", "m.tflite", ("--precision", "float16")),
        ("to_saved_model.py", "m", ()),
    ],
)
def test_scripts(script: str, name: str, more: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / name
    program = (str(ROOT / "export" / script),)
    result = run("unet", path, *SMALL, *more, program=program)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert path.exists()
    if script == "to_onnx.py":
        from keras_upsample.runtimes import load

        runner = load(path)
        assert runner.layout == "nchw"
        answer = runner({"image": np.zeros((1, 3, 9, 7), "float32")})
        assert answer["logits"].shape == (1, 3, 9, 7)


def test_export_with_scaling_inside(tmp_path: Path) -> None:
    options = ("--out", tmp_path / "o", "--target", "tflite", "--input-shape", "32,32,3")
    result = run("export", "unet", *SMALL, *options, "--scaling", "inside")
    assert result.returncode == 0, result.stderr
    from keras_upsample.runtimes import load

    assert [str(info.dtype) for info in load(tmp_path / "o" / "unet.tflite").inputs] == ["uint8"]
    refused = run("export", "unet:cells", "--out", tmp_path / "c", "--scaling", "inside")
    assert refused.returncode == 2 and "percentiles" in one_line(refused.stderr)
    assert not (tmp_path / "c").exists()


def test_a_saved_model_as_the_source(tmp_path: Path) -> None:
    import tensorflow as tf

    inputs = keras.Input((16, 16, 3), name="image")
    model = keras.Model(inputs, keras.layers.UpSampling2D()(keras.layers.Conv2D(2, 1)(inputs)))
    model.export(tmp_path / "seg", verbose=False)
    result = run("export", tmp_path / "seg", "--out", tmp_path / "out", "--target", "onnx")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "seg.onnx").is_file()
    same = run("verify", tmp_path / "seg", tmp_path / "out" / "seg.onnx")
    assert same.returncode == 0 and "passed" in same.stdout

    spec = tf.TensorSpec((None, 16, 16, 3), tf.float32, name="image")
    module = tf.Module()
    module.double = tf.function(lambda image: 2 * image, input_signature=[spec])
    module.half = tf.function(lambda image: image / 2, input_signature=[spec])
    signatures = {"double": module.double, "half": module.half}
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=signatures)
    options = ("--out", tmp_path / "two_out", "--target", "onnx")
    asked = run("export", tmp_path / "two", *options)
    assert asked.returncode == 2 and "has several signatures: double, half" in asked.stderr
    chosen = run("export", tmp_path / "two", *options, "--signature", "half")
    assert chosen.returncode == 0, chosen.stderr
    wrong = run("export", "unet", *options, "--signature", "half")
    assert wrong.returncode == 2
    assert "--signature is for SavedModel folders" in one_line(wrong.stderr)


def test_an_untrained_model_is_checked(tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = keras.layers.UpSampling2D(interpolation="bilinear")(keras.layers.MaxPooling2D()(x))
    x = keras.layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer="zeros")(x)
    keras.Model(image, x).save(tmp_path / "fresh.keras")
    result = run("check", tmp_path / "fresh.keras", "--target", "edge_tpu", "--json")
    assert result.returncode in (0, 1) and result.stderr == "", result.stderr
    report = json.loads(result.stdout)
    assert {"CONV_2D", "LOGISTIC"} <= {p["operator"] for p in report["placements"]}
    assert "not compared" in report["notes"][-1]


def test_notes_on_a_file_without_outputs() -> None:
    from types import SimpleNamespace

    from keras_upsample._cli.describe import _notes

    assert _notes(SimpleNamespace(inputs=(), outputs=()), "a.tflite", None) == []


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [(KeyboardInterrupt, 130, ""), (MemoryError, 2, "There is not enough memory to start.")],
)
def test_interrupted_before_a_command_began(error, status, said, monkeypatch, capsys) -> None:
    from keras_upsample import cli

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(cli, "clear_up_on_signals", lambda: None)
    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.run_command()
    assert ended.value.code == status
    assert capsys.readouterr().err.startswith(said)


def test_an_operator_that_fails_is_one_line(capfd, monkeypatch) -> None:
    """Where memory is short, TensorFlow says that an operator is not known, or lacks an input."""
    import tensorflow as tf
    import typer

    from keras_upsample._cli.session import session

    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(typer.Exit) as ended, session(False):
        tf.reshape(tf.zeros(3), (2,))
    assert ended.value.exit_code == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith("TensorFlow failed: ") and "--verbose shows where." in line
