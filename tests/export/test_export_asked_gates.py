"""Gates that the user asks for, and runtimes that are only installed beside."""

import json
from typing import Any

import keras
import numpy as np
import pytest
from exporting import convolution, distinctive, noise

from keras_upsample import export
from keras_upsample.errors import ArtefactError, ExportError, VerificationError
from keras_upsample.export import _artefact, _verify
from keras_upsample.export._gates import gate_for, gates_of_options
from keras_upsample.targets import TARGETS, Gate


def small() -> Any:
    x = keras.Input((12, 10, 3), name="image")
    return distinctive(keras.Model(x, convolution(2)(x), name="small"))


class Beside:
    """Stands for a runtime that is installed beside: it loads the file and adds an error."""

    runtime, layout, ordered, layout_known = "Beside 1.0", "nhwc", True, True

    def __init__(self, runner: Any, error: float) -> None:
        self._runner, self._error = runner, error
        self.inputs, self.outputs = runner.inputs, runner.outputs

    def __call__(self, feeds: Any) -> Any:
        given = self._runner(feeds)
        return {name: value + self._error * np.ptp(value) for name, value in given.items()}


@pytest.fixture
def beside(monkeypatch):
    """`openvino` and `tflm` are replaced by something whose failure is known."""
    load = _verify.load

    def install(error: float | Exception) -> None:
        def replaced(path: Any, runtime: str | None = None, **options: Any) -> Any:
            if runtime not in ("openvino", "tflm"):
                return load(path, runtime=runtime, **options)
            if isinstance(error, Exception):
                raise error
            return Beside(load(path), error)

        for module in (_verify, _artefact):
            monkeypatch.setattr(module, "load", replaced)
            monkeypatch.setattr(module, "other_runtimes", list)
        monkeypatch.setattr(_artefact, "remember", lambda *arguments: None)

    return install


def test_a_runtime_beside_that_misses_the_gate_warns(beside, tmp_path):
    """The file is for ONNX Runtime, which computes what the model computes."""
    beside(0.25)
    path = tmp_path / "m.onnx"
    with pytest.warns(UserWarning, match="Beside 1.0, for which the file is not"):
        report = export.to_onnx(small(), path)
    assert path.is_file()
    first, second = report.verifications
    assert first.passed and first.decides
    assert not second.passed and not second.decides
    assert second.max_error == pytest.approx(0.25, rel=1e-3)
    text = str(report)
    assert "Beside 1.0 (FAILED)" in text and "onnx: Beside 1.0" in text
    assert "2.5e-01" in text


def test_a_runtime_beside_that_cannot_read_the_file_warns(beside, tmp_path):
    path = tmp_path / "m.onnx"
    beside(ArtefactError(f"`{path}` can't be loaded by OpenVINO: no such operator"))
    with pytest.warns(UserWarning, match="no such operator"):
        report = export.to_onnx(small(), path)
    assert path.is_file()
    assert report.verifications[1].error
    directory = tmp_path / "all"
    with pytest.warns(UserWarning, match="no such operator"):
        export.export(small(), directory, ["onnx"])
    saved = json.loads((directory / "report.json").read_text())
    assert "no such operator" in saved["artefacts"][0]["verifications"][1]["error"]


def test_a_runtime_beside_that_agrees_says_nothing(beside, tmp_path, recwarn):
    beside(0.0)
    report = export.to_onnx(small(), tmp_path / "m.onnx")
    assert [v.passed for v in report.verifications] == [True, True]
    assert report.warnings == ()
    assert not [w for w in recwarn if "for which the file" in str(w.message)]


def test_tflm_and_the_gpu_decide_for_their_own_targets_only(beside, tmp_path):
    deciding = {name: target.decides for name, target in TARGETS.items() if target.decides}
    assert deciding == {"litert_gpu": ("litert_gpu",), "tflm": ("tflm",)}
    beside(0.5)
    with pytest.raises(ExportError, match="Beside 1"):
        export.export(small(), tmp_path, ["tflm"])
    assert not list(tmp_path.glob("*.tflite"))


@pytest.mark.filterwarnings("ignore:.*for which the file is not")
def test_the_gate_is_asked_for_and_recorded(tmp_path):
    model = small()
    report = export.to_tflite(model, tmp_path / "m.tflite", precision="float16", gate=0.2)
    assert report.gate == Gate(max_error=0.2)
    assert report.default_gate == Gate(max_error=1e-2)
    assert "verified with Gate(max_error=0.2" in str(report)
    with pytest.raises(VerificationError, match="allowed 1e-09"):
        export.to_onnx(model, tmp_path / "m.onnx", precision="float16", gate=Gate(max_error=1e-9))
    assert not (tmp_path / "m.onnx").exists()
    with pytest.raises(VerificationError, match="at least 200 dB are needed"):
        export.to_tflite(model, tmp_path / "i.tflite", precision="int8", gate=200)


def test_the_gate_in_the_report_of_several_targets(tmp_path):
    export.export(small(), tmp_path, ["tflite", "onnx"], gate={"onnx": 1e-3})
    saved = json.loads((tmp_path / "report.json").read_text())["artefacts"]
    by_target = {item["target"]: item for item in saved}
    assert by_target["onnx"]["gate"]["max_error"] == 1e-3
    assert by_target["onnx"]["default_gate"]["max_error"] == 5e-5
    assert by_target["tflite"]["gate"] == by_target["tflite"]["default_gate"]


@pytest.mark.parametrize("target, gate, error, words", [
    ("onnx", 30, ValueError, "share of the output's range"),
    ("onnx", 0, ValueError, "above 0 and below 1"),
    ("tflite_int8", 0.01, ValueError, "in dB, above 1"),
    ("tflite_dynamic", float("nan"), ValueError, "in dB"),
    ("onnx", float("nan"), ValueError, "share"),
    ("onnx", "strict", TypeError, "a Gate, a number"),
    ("onnx", True, TypeError, "a Gate, a number"),
    ("onnx", {"onnxx": 0.1}, ValueError, "'onnxx'"),
])  # fmt: skip
def test_gates_that_mean_nothing(target, gate, error, words):
    with pytest.raises(error, match=words):
        gate_for(TARGETS[target], gate)


def test_gates_of_the_command_line():
    assert gates_of_options(None) is None
    assert gates_of_options(["25"]) == 25.0
    assert gates_of_options(["onnx=1e-4", "tflite_int8=25"]) == {"onnx": 1e-4, "tflite_int8": 25.0}
    for options, words in ((["a=b"], "NUMBER"), (["1", "2"], "twice"), (["1", "onnx=2"], "each")):
        with pytest.raises(ValueError, match=words):
            gates_of_options(options)


def test_a_bad_gate_is_told_before_any_work(tmp_path):
    with pytest.raises(ValueError, match="in dB"):
        export.export(small(), tmp_path / "all", ["onnx", "tflite_int8"], gate=0.5)
    assert not (tmp_path / "all").exists()


def test_every_place_is_looked_at_before_the_first_file(tmp_path):
    """The last of three targets can't be written; the first is not either."""
    (tmp_path / "small.onnx").mkdir()
    with pytest.raises(ValueError, match=r"small\.onnx"):
        export.export(small(), tmp_path, ["tflite", "onnx"])
    assert [p.name for p in tmp_path.iterdir()] == ["small.onnx"]
    (tmp_path / "report.json").mkdir()
    (tmp_path / "small.onnx").rmdir()
    with pytest.raises(ValueError, match=r"report\.json"):
        export.export(small(), tmp_path, ["tflite", "onnx"])
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]


def test_a_file_of_an_earlier_run_is_not_reported_as_made_now(tmp_path):
    stale = tmp_path / "small_float16.tflite"
    stale.write_bytes(b"of an earlier run")
    earlier = {"model": "", "versions": {}, "artefacts": [{"path": stale.name, "file_size": 17}]}
    (tmp_path / "report.json").write_text(json.dumps(earlier))
    gates = {"tflite_float16": Gate(max_error=1e-12)}
    with pytest.raises(ExportError, match="was there before") as caught:
        export.export(small(), tmp_path, ["tflite", "tflite_float16"], gate=gates)
    assert [a.target for a in caught.value.report.artefacts] == ["tflite"]
    saved = json.loads((tmp_path / "report.json").read_text())
    assert [a["target"] for a in saved["artefacts"]] == ["tflite"]
    assert "was there before" in saved["failures"]["tflite_float16"]
    assert stale.read_bytes() == b"of an earlier run"


def test_an_interrupted_export_reports_what_it_wrote(tmp_path):
    def interrupt(target: str, step: str) -> None:
        if target == "onnx":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.export(small(), tmp_path, ["tflite", "onnx"], progress=interrupt)
    saved = json.loads((tmp_path / "report.json").read_text())
    assert [a["target"] for a in saved["artefacts"]] == ["tflite"]
    assert saved["failures"] == {"onnx": "KeyboardInterrupt"}
    assert (tmp_path / "small.tflite").is_file() and not (tmp_path / "small.onnx").exists()


def test_too_little_data_for_one_target(tmp_path):
    """It is told before the others are made."""
    with pytest.raises(ValueError, match="at least 8"):
        export.export(
            small(), tmp_path, ["tflite", "tflite_int8"], representative_data=[noise(12, 10, 3)]
        )
    assert not list(tmp_path.iterdir())
