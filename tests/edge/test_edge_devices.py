"""Vela's compiler, the interpreter for microcontrollers, and exports for devices."""

import json
import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from edge_files import content, net, small
from keras import layers
from typer.testing import CliRunner

from keras_upsample import edge, export, zoo
from keras_upsample.cli import app
from keras_upsample.errors import ArtefactError
from keras_upsample.layers import NearestUpSampling2D
from keras_upsample.targets import DEVICE_NAMES, TARGETS


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.tflite"
    path.write_bytes(small())
    return path


def test_every_device_target_is_a_device():
    assert set(DEVICE_NAMES) == set(edge.DEVICES)
    assert {TARGETS[name].device for name in DEVICE_NAMES} == set(DEVICE_NAMES)


@pytest.mark.parametrize("device", ["ethos_u55_128", "ethos_u65_256", "ethos_u85_256"])
def test_vela_says_what_stays_on_the_cpu_and_why(device, file):
    report = edge.check(file, device)
    left = [(p.operator, p.layer, p.reason) for p in report.left]
    assert left == [("DEPTH_TO_SPACE", "shuffle", "Unsupported opType")]
    assert report.left[0].remedy
    assert re.search(r"inference: \d+\.\d\d ms", report.notes[0])
    assert not report.passed


def test_a_float_file_stays_on_the_cpu_of_an_npu(tmp_path):
    path = tmp_path / "float.tflite"
    path.write_bytes(content(net(layers.Conv2D(2, 3, name="only")), "tflite"))
    report = edge.check(path, "ethos_u55_128")
    assert [p.operator for p in report.left] == ["CONV_2D"]


def test_files_that_vela_refuses(tmp_path):
    path = tmp_path / "cut.tflite"
    path.write_bytes(small()[:-200])
    with pytest.raises(ArtefactError) as caught:
        edge.check(path, "ethos_u55_128")
    assert "\n" not in str(caught.value)


FAST = ["transposed_conv", "nearest", "bilinear", "bicubic", "lanczos", "area", "pixel_shuffle"]
WITH_PRODUCTS = ("carafe", "joint_bilateral", "sapa", "fade", "freq_fusion")
ALL_ON_NPUS = [
    *FAST,
    "dysample",
    "max_unpooling",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("pixel_shuffle_blur", *WITH_PRODUCTS)
    ),
]


@pytest.mark.parametrize("scale", [3, 8, 16, 32, (1, 2), (2, 3)])
def test_nearest_by_any_factor_stays_on_an_npu(scale, tmp_path):
    model = net(NearestUpSampling2D(scale))
    (made,) = export.export(model, tmp_path / "out", targets=["ethos_u55_128"]).artefacts
    assert made.check.passed, str(made.check)


@pytest.mark.parametrize("upsample", ALL_ON_NPUS)
def test_nothing_is_left_on_the_cpu(upsample, tmp_path):
    from keras_upsample.export import Options
    from keras_upsample.formats._convert import convert
    from keras_upsample.lowering._lower import lower_program
    from keras_upsample.program._program import program_of
    from keras_upsample.program._signature import signature_of
    from keras_upsample.quantization._calibration import calibration_feeds

    keras.utils.set_random_seed(0)
    model = zoo.unet((32, 32, 3), classes=3, filters=(4, 8), upsample=upsample)
    signature = signature_of(model).fixed()
    feeds = calibration_feeds(model, signature, None, None)
    path = tmp_path / "m.tflite"
    for device in ("ethos_u55_128", "ethos_u65_256", "ethos_u85_256"):
        program = lower_program(program_of(model, signature), TARGETS[device])
        convert(program, path, TARGETS[device], Options(), feeds)
        report = edge.check(path, device)
        assert report.passed, str(report)
    # The Edge TPU has no products of matrices and no softmax of several dimensions.
    if upsample not in ("bicubic", "lanczos", *WITH_PRODUCTS):
        assert edge.check(path, "edge_tpu").passed


def test_tflm_runs_it_in_the_smallest_arena(file):
    found = edge.smallest_arena(file)
    assert found.flash == len(small())
    assert found.operators == ("CONV_2D", "DEPTH_TO_SPACE", "MAX_POOL_2D", "TRANSPOSE_CONV")
    from tflite_micro.python.tflite_micro import runtime

    runtime.Interpreter.from_bytes(small(), arena_size=found.arena).invoke()
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(small(), arena_size=found.arena - 32)
    # input, convolution's result and padding of the lines of both
    assert 16 * 16 * (3 + 8) <= found.arena < 100_000
    report = edge.check(file, "tflm")
    assert report.passed
    assert f"arena: {found.arena} bytes, flash: {found.flash} bytes" in report.notes


def test_tflm_names_the_operator_that_it_lacks(tmp_path):
    class Cumulative(keras.layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.math.segment_sum(x[0], tf.constant([0] * 8 + [1] * 8))[None]

    path = tmp_path / "m.tflite"
    path.write_bytes(content(net(Cumulative()), "tflite"))
    report = edge.check(path, "tflm")
    assert not report.passed
    assert report.problems == ("it has no SEGMENT_SUM",)
    assert [p.operator for p in report.left] == ["SEGMENT_SUM"]


def test_a_c_header_holds_the_file(file, tmp_path):
    header = tmp_path / "model.h"
    edge.c_array(file, header, "unet")
    text = header.read_text()
    numbers = re.findall(r"0x([0-9a-f]{2})", text)
    assert bytes(int(n, 16) for n in numbers) == small()
    assert f"unet_len = {len(small())};" in text
    with pytest.raises(ValueError, match="C identifier"):
        edge.c_array(file, header, "9x")
    with pytest.raises(ArtefactError):
        edge.c_array(header, tmp_path / "other.h")
    assert not (tmp_path / "other.h").exists()


def test_an_export_for_a_device_says_where_it_runs(tmp_path):
    model = zoo.espcn(weights="photos_x2")
    report = export.export(model, tmp_path, ["ethos_u85_256", "tflm"], input_shape=(32, 40, 3))
    ethos, tflm = report.artefacts
    assert ethos.check.passed and tflm.check.passed
    assert "ethos_u85_256 (Vela" in str(report)
    assert {p.name for p in tmp_path.iterdir()} == {
        "report.json",
        "espcn_photos_x2_ethos_u85_256.tflite",
        "espcn_photos_x2_tflm.tflite",
    }
    assert ethos.verifications[0].snr_db > 30


def test_an_export_without_the_compiler(monkeypatch, tmp_path):

    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    model = zoo.espcn(weights="photos_x2")
    report = export.export(model, tmp_path, ["ethos_u55_128"], input_shape=(32, 40, 3))
    (artefact,) = report.artefacts
    assert artefact.check is None
    assert artefact.not_checked.startswith("not compiled: Vela is not installed. Run: pip install")
    header, _, row, *lines = str(report).splitlines()
    assert header.split()[-1] == "device"
    assert row.endswith("  not compiled: Vela is not installed")
    assert f"ethos_u55_128: {artefact.not_checked}" in lines
    assert "<td>not compiled: Vela is not installed</td>" in report._repr_html_()
    saved = json.loads((tmp_path / "report.json").read_text())
    assert saved["artefacts"][0]["not_checked"] == artefact.not_checked
    with pytest.raises(ModuleNotFoundError, match="Vela is not installed"):
        edge.check(artefact.path, "ethos_u55_128")


def test_a_microcontroller_without_the_interpreter(monkeypatch, tmp_path):
    from keras_upsample.export import _artefact

    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    monkeypatch.setattr(_artefact, "other_runtimes", lambda names: [])
    model = zoo.espcn(weights="photos_x2")
    report = export.export(model, tmp_path, ["tflm"], input_shape=(32, 40, 3))
    assert "not run: tflite-micro is not installed" in str(report).splitlines()[2]


def fresh(seed: int = 1) -> keras.Model:
    """Untrained: its sigmoid barely leaves one half, which no 8-bit file can follow to 30 dB."""
    keras.utils.set_random_seed(seed)
    image = keras.Input((32, 40, 3), name="image")
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(image)
    x = keras.layers.MaxPooling2D()(keras.layers.ReLU()(keras.layers.BatchNormalization()(x)))
    x = keras.layers.UpSampling2D(interpolation="bilinear")(x)
    x = keras.layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer="zeros")(x)
    return keras.Model(image, x, name="fresh")


@pytest.mark.parametrize("device", ["edge_tpu", "ethos_u55_128", "litert_gpu"])
def test_an_untrained_model_is_checked_without_a_gate(device, tmp_path):
    from keras_upsample.export._check_model import check_model

    model = fresh()
    before = [np.array(weight) for weight in model.weights]
    report = check_model(model, device)
    trained = fresh()  # the same operators, weights apart
    trained.layers[-1].kernel.assign(np.random.default_rng(0).normal(0, 2, (1, 1, 8, 1)))
    target = TARGETS[device]
    gate = replace(target.gate, min_snr_db=10.0)
    artefact = export.export(trained, tmp_path, [target.name], gate=gate).artefacts[0]
    exported = edge.check(artefact.path, device)
    kinds = [(p.operator, p.place) for p in report.placements]
    assert kinds == [(p.operator, p.place) for p in exported.placements]
    assert "CONV_2D" in dict(kinds)
    assert "not compared" in report.notes[-1]
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_missing_compiler_is_told_before_the_conversion(monkeypatch):
    from keras_upsample.export import _check_model

    monkeypatch.setattr("keras_upsample._installed.find_spec", lambda name: None)
    monkeypatch.setattr(_check_model, "as_model", lambda model: pytest.fail("too late"))
    with pytest.raises(ModuleNotFoundError, match="Vela is not installed"):
        _check_model.check_model(fresh(), "ethos_u55_128")


def test_unknown_devices(file):
    with pytest.raises(ValueError, match=r"`target` must be one of .*'edge_tpu'.*Did you mean"):
        edge.check(file, "edgetpu")


def test_the_command(file, tmp_path):
    runner = CliRunner()
    passed = runner.invoke(app, ["check", str(file), "--target", "tflm"])
    assert passed.exit_code == 0
    assert "TRANSPOSE_CONV  up" in passed.output
    failed = runner.invoke(app, ["check", str(file), "--target", "edge_tpu"])
    assert failed.exit_code == 1
    assert "FAILED, 2 of 5 operators on the CPU" in failed.output
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(small()[:300])
    assert runner.invoke(app, ["check", str(broken), "--target", "edge_tpu"]).exit_code == 2
    model = tmp_path / "net.keras"
    net(layers.Conv2D(4, 3, padding="same"), layers.Conv2D(2, 1)).save(model)
    done = runner.invoke(app, ["check", str(model), "--target", "gpu_delegate"])
    assert done.exit_code == 0, done.output
    assert np.all(["CPU" not in line for line in done.output.splitlines()[:-1]])
