"""The report: on disk, as text, as HTML."""

import errno
import hashlib
import json
import os
from pathlib import Path

import keras
import pytest
from exporting import convolution, picture

from keras_upsample import export
from keras_upsample.errors import ExportError
from keras_upsample.export import _export
from keras_upsample.export._report import ArtefactReport, ExportReport, Latency, Verification


@pytest.fixture(scope="module")
def net():
    return keras.Sequential(
        [keras.Input((16, 16, 3), name="image"), convolution(4, name="out")], name="tiny"
    )


def test_report_json(net, tmp_path):
    steps = []
    report = export.export(
        net, tmp_path, images=picture(), progress=lambda *step: steps.append(step)
    )
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored["model"] == "tiny"
    assert set(stored["versions"]) >= {"tensorflow", "keras", "onnxruntime", "ai-edge-litert"}
    assert stored["failures"] == {}
    assert [a["target"] for a in stored["artefacts"]] == ["saved_model", "tflite", "onnx"]
    for artefact, kept in zip(stored["artefacts"], report.artefacts, strict=True):
        (verification,) = artefact["verifications"]
        assert [d["case"] for d in verification["differences"]][:2] == ["image 0", "noise"]
        for difference in verification["differences"]:
            assert 0 <= difference["max_error"] <= 5e-5
            assert difference["equal_argmax"] >= 0.99
        assert sum(artefact["operators"].values()) >= 1
        assert artefact["latency"]["artefact_median"] > 0
        assert artefact["latency"]["model_median"] > 0
        assert artefact["latency"]["threads"] >= 1
        assert artefact["path"] == kept.path
    tflite, onnx = stored["artefacts"][1:]
    assert tflite["file_size"] == (tmp_path / "tiny.tflite").stat().st_size
    assert onnx["file_size"] == (tmp_path / "tiny.onnx").stat().st_size
    assert tflite["operators"] == {"CONV_2D": 1}
    assert tflite["delegate_partitions"] == 1
    assert onnx["operators"] == {"Transpose": 2, "Conv": 1}
    saved = sum(p.stat().st_size for p in (tmp_path / "saved_model").rglob("*") if p.is_file())
    assert stored["artefacts"][0]["file_size"] == saved
    for artefact in stored["artefacts"]:
        place = Path(artefact["path"])
        files = [f for f in place.rglob("*") if f.is_file()] if place.is_dir() else [place]
        assert artefact["sha256"] == {  # as `sha256sum` prints them in the report's folder
            file.relative_to(tmp_path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }
    every = ("lower", "convert", "verify", "measure", "publish")
    assert steps == [(t, step) for t in ("saved_model", "tflite", "onnx") for step in every]


def test_precisions_do_not_overwrite_each_other(net, tmp_path):
    targets = ["tflite", "tflite_float16", "tflite_dynamic", "tflite"]
    report = export.export(net, tmp_path, targets, images=picture())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "report.json", "tiny.tflite", "tiny_dynamic.tflite", "tiny_float16.tflite"
    ]  # fmt: skip
    assert [a.target for a in report.artefacts] == targets[:3]


@pytest.mark.parametrize("harm", [lambda file: file.write_bytes(b"other"), Path.unlink])
def test_the_report_tells_of_files_that_stand_there(harm, net, tmp_path):
    def meanwhile(target, step):
        if (target, step) == ("onnx", "publish"):
            harm(tmp_path / "tiny.tflite")

    with pytest.raises(ExportError, match=r"tflite: .*replaced by another process") as info:
        export.export(net, tmp_path, ["tflite", "onnx"], picture(), progress=meanwhile)
    assert [a.target for a in info.value.report.artefacts] == ["onnx"]
    stored = json.loads((tmp_path / "report.json").read_text())
    assert [a["target"] for a in stored["artefacts"]] == ["onnx"]
    assert list(stored["failures"]) == ["tflite"]


def test_a_disk_that_does_not_give_back_what_was_written(net, tmp_path, monkeypatch):
    def unreadable(path, digests):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(_export, "have_digests", unreadable)
    with pytest.raises(ExportError, match=r"can't be read again: .*Input/output error: '.*tiny"):
        export.export(net, tmp_path, ["tflite"], picture())
    assert (tmp_path / "tiny.tflite").is_file()


def a_report(**options):
    from keras_upsample.export._compare import Difference

    cases = (
        Difference("a", 1e-6, 90.0, 0.995),
        Difference("b", 3e-6, float("inf"), None),
        Difference("c", 2e-6, 80.0, 1.0),
    )
    artefact = ArtefactReport(
        "onnx",
        "build/m.onnx",
        1_234_567,
        {"image": (None, None, None, 3)},
        (Verification("ONNX Runtime 1", cases), Verification("OpenVINO 1", cases[1:])),
        {"Conv": 3, "Relu": 2},
        Latency(20, 2, 1.0, 1.25, 2.0, 2.5),
    )
    return ExportReport("m", (artefact,), **options)


def test_verification_takes_the_worst_case():
    first, second = a_report().artefacts[0].verifications
    assert (first.max_error, first.snr_db, first.equal_argmax) == (3e-6, 80.0, 0.995)
    assert second.equal_argmax == 1.0


def test_as_text():
    lines = str(a_report(failures={"tflite": "why <not>"})).splitlines()
    row = "onnx m.onnx 1.2 ONNX Runtime 1 3.0e-06 99.500% 1.2 2.5 5"
    assert " ".join(lines[2].split()) == row
    assert " ".join(lines[3].split()) == "OpenVINO 1 3.0e-06 100.000%"
    assert lines[-1] == "tflite: why <not>"
    starts = [lines[0].index(word) for word in ("verified in", "largest error")]
    assert [lines[3].index(word) for word in ("OpenVINO", "3.0e-06")] == starts


def test_as_html():
    from html.parser import HTMLParser

    text = a_report(failures={"tflite": "why <not>"})._repr_html_()
    cells, opened = [], []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

        def handle_data(self, data):
            cells.append(data)

    Reader().feed(text)
    assert not opened
    assert "ONNX Runtime 1" in cells
    assert "tflite: why <not>" in cells


def test_infinity_is_null_in_json(tmp_path):
    a_report().save(tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text()
    assert "Infinity" not in text
    (artefact,) = json.loads(text)["artefacts"]
    assert artefact["verifications"][0]["differences"][1]["snr_db"] is None


def test_a_failure_is_in_the_report_and_on_the_error(net, tmp_path, monkeypatch):
    from keras_upsample.formats import _convert

    def broken(*arguments, **options):
        raise RuntimeError("planted")

    monkeypatch.setattr(_convert, "write_tflite", broken)
    with pytest.raises(ExportError) as info:
        export.export(net, tmp_path, ["tflite", "onnx"], images=picture())
    stored = json.loads((tmp_path / "report.json").read_text())
    assert stored["failures"] == info.value.report.failures
    assert "planted" in stored["failures"]["tflite"]
    assert "planted" in str(info.value)
