"""Nothing wrong is published, and a failure leaves the place as it was."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
from exporting import FORMATS, answers, assert_same, convolution, distinctive, noise, picture, write

from keras_upsample import _publish, export
from keras_upsample.errors import ArtefactError, ExportError, VerificationError
from keras_upsample.export import Gate, _artefact
from keras_upsample.export._compare import difference

formats = pytest.mark.parametrize("kind", FORMATS)


def net():
    return distinctive(
        keras.Sequential([keras.Input((12, 12, 3), name="image"), convolution(4, name="out")])
    )


def put_an_older_one(folder, kind):
    """What stands where `write` is about to write, by the report of an earlier export."""
    path = folder / {"saved_model": "saved/saved_model.pb"}.get(kind, f"m.{kind}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"an older artefact")
    place = {"path": str(folder / path.relative_to(folder).parts[0]), "file_size": 17}
    (folder / "report.json").write_text(json.dumps({"artefacts": [place]}))


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below, with the bytes of the files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def of_another_kernel(model, shift):
    """A converter that writes a model with one weight off by `shift`."""
    convert = _artefact.convert

    def wrong(program, *arguments):
        kernel = next(layer.kernel for layer in program.model.layers if hasattr(layer, "kernel"))
        right = np.array(kernel)
        changed = right.copy()
        changed[1, 1, 0, 0] += shift
        kernel.assign(changed)
        try:
            return convert(program, *arguments)
        finally:
            kernel.assign(right)

    return wrong


@pytest.mark.parametrize("before", [True, False])
@formats
def test_a_wrong_artefact_is_not_published(before, kind, tmp_path, monkeypatch):
    model = net()
    if before:
        put_an_older_one(tmp_path, kind)
    stood = snapshot(tmp_path)
    monkeypatch.setattr(_artefact, "convert", of_another_kernel(model, 1e-3))
    with pytest.raises(VerificationError, match=r"does not compute what the model computes") as e:
        write(model, tmp_path, kind)
    failed = next(d for d in e.value.verification.differences if d.failure)
    assert f" On {failed.case}: " in str(e.value)
    assert "'out'[0, " in str(e.value)
    assert "allowed 5e-05" in str(e.value)
    assert snapshot(tmp_path) == stood


@formats
def test_an_artefact_as_good_as_float32_is_published(kind, tmp_path, monkeypatch):
    # The counterpart of the test above: it is the shift that is refused, not the detour.
    model = net()
    monkeypatch.setattr(_artefact, "convert", of_another_kernel(model, 1e-7))
    write(model, tmp_path, kind)


def fail(*arguments, **options):
    raise OSError("planted")


STAGES = {
    "convert": (_artefact, "convert", ExportError),
    "load": (_artefact, "load", OSError),
    "verify": (_artefact, "compare", OSError),
    "measure": (_artefact, "measure", OSError),
    "swap": (_publish, "_swap", OSError),
    "rename": (_publish.os, "replace", OSError),
}


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("stage", STAGES)
@formats
def test_a_failure_in_any_stage_changes_nothing(stage, before, kind, tmp_path, monkeypatch):
    model, folder = net(), tmp_path / "new" / "deep"
    if before:
        put_an_older_one(folder, kind)
    stood = snapshot(tmp_path)
    module, name, error = STAGES[stage]
    if stage == "rename" and kind == "saved_model":
        _fail_second_rename(monkeypatch)
    else:
        monkeypatch.setattr(module, name, fail)
    with pytest.raises(error, match=r"planted"):
        write(model, folder, kind)
    monkeypatch.undo()
    assert snapshot(tmp_path) == stood


def _fail_second_rename(monkeypatch):
    rename, count = _publish.os.rename, []

    def second_fails(*arguments):
        count.append(1)
        if len(count) == 2:
            fail()
        rename(*arguments)

    monkeypatch.setattr(_publish.os, "rename", second_fails)


def test_a_refused_file_is_an_export_error(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise ArtefactError("it is refused")

    monkeypatch.setattr(_artefact, "load", refuse)
    with pytest.raises(ExportError, match=r"The artefact was converted but it is refused"):
        write(net(), tmp_path, "onnx")
    assert not snapshot(tmp_path)


@formats
def test_what_stood_there_is_replaced(kind, tmp_path):
    first, second = net(), distinctive(net(), seed=6)
    write(first, tmp_path, kind)
    path = write(second, tmp_path, kind)
    x = noise(1, 12, 12, 3)
    assert_same(path, {"image": x}, {"out": second(x)})
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


TWICE = """
    import sys
    import keras, numpy as np
    from keras_upsample import export
    from keras_upsample.export import _verify

    _verify._LATENCY_ROUNDS = (1, 1)
    kernel = float(sys.argv[2])
    x = keras.Input((8, 8, 1), name="x")
    model = keras.Model(x, keras.layers.Conv2D(1, 1, name="y")(x))
    model.set_weights([np.full((1, 1, 1, 1), kernel, "float32"), np.zeros(1, "float32")])
    images = [np.random.default_rng(0).random((8, 8, 1), "float32")]
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(3):
        export.to_saved_model(model, sys.argv[1] + "/saved", images=images)
        export.to_onnx(model, sys.argv[1] + "/m.onnx", images=images)
"""


def test_two_processes_leave_one_whole_artefact(tmp_path):
    script = textwrap.dedent(TWICE)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), factor],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for factor in ("2", "3")
    ]
    for process in both:
        assert process.stdout.readline().strip() == "ready"
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors[-2000:]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.onnx", "saved"]
    x = noise(1, 8, 8, 1)
    for name in ("m.onnx", "saved"):
        y = answers(tmp_path / name, {"x": x})["y"]
        assert np.allclose(y, 2 * x) or np.allclose(y, 3 * x)


def test_a_process_that_was_faster_is_replaced_in_turn(tmp_path, monkeypatch):
    put_an_older_one(tmp_path, "saved_model")
    path, rename = tmp_path / "saved", _publish.os.rename
    seen = []

    def slow(source, target):
        if (
            Path(target) == path and path.name not in seen
        ):  # between our two steps another one puts its own
            put_an_older_one(tmp_path, "saved_model")
        seen.append(Path(target).name)
        rename(source, target)

    monkeypatch.setattr(_publish.os, "rename", slow)
    model = net()
    write(model, tmp_path, "saved_model")
    assert seen == ["replaced_0", "saved", "replaced_1", "saved"]
    x = noise(1, 12, 12, 3)
    assert_same(path, {"image": x}, {"out": model(x)})
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json", "saved"]


def test_the_other_targets_are_published_when_one_fails(tmp_path, monkeypatch):
    model = net()
    convert = _artefact.convert

    def only_tflite_fails(program, path, target, *arguments):
        if target.format == "tflite":
            raise ExportError("planted")
        return convert(program, path, target, *arguments)

    monkeypatch.setattr(_artefact, "convert", only_tflite_fails)
    with pytest.raises(ExportError, match=r"tflite: planted") as info:
        export.export(model, tmp_path, images=picture())
    report = info.value.report
    assert report.failures == {"tflite": "planted"}
    assert [artefact.target for artefact in report.artefacts] == ["saved_model", "onnx"]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["report.json", "saved_model", f"{model.name}.onnx"]
    )


EXPECTED = {"y": np.linspace(-1, 3, 24, dtype="float32").reshape(1, 2, 3, 4)}


def judged(change, gate=None):
    actual = EXPECTED["y"].copy()
    change(actual)
    return difference("case", {"y": actual}, EXPECTED, gate or Gate(5e-5))


def test_the_gate_measures_by_the_range():
    inside = judged(lambda y: y.__setitem__((0, 1, 2, 3), y[0, 1, 2, 3] + 1.9e-4))
    outside = judged(lambda y: y.__setitem__((0, 1, 2, 3), y[0, 1, 2, 3] + 2.1e-4))
    assert not inside.failure
    assert inside.max_error == pytest.approx(1.9e-4 / 4, rel=1e-2)
    assert "'y'[0, 1, 2, 3] is 3.00021, expected 3" in outside.failure


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_gate_refuses_what_is_not_finite(value):
    found = judged(lambda y: y.__setitem__((0, 0, 0, 0), value))
    assert "'y' holds NaN or infinity" in found.failure


def test_the_gate_refuses_other_shapes_names_and_classes():
    gate = Gate(5e-5)
    assert "has the shape" in difference("", {"y": EXPECTED["y"][..., :3]}, EXPECTED, gate).failure
    assert "outputs ['z']" in difference("", {"z": EXPECTED["y"]}, EXPECTED, gate).failure
    classes = {"y": np.arange(100).reshape(1, 10, 10)}
    wrong = {"y": classes["y"].copy()}
    wrong["y"][0, 0, 0] += 1
    assert "equal in 99.00%" in difference("", wrong, classes, gate).failure
    assert not difference("", classes, classes, gate).failure


def test_the_noise_gate():
    rng = np.random.default_rng(0)
    for db, fails in ((31, False), (29, True)):
        sigma = EXPECTED["y"].std() * 10 ** (-db / 20)
        noisy = rng.standard_normal(24)
        noisy *= sigma / np.sqrt(np.mean(noisy**2))

        def add(y, noisy=noisy):
            y += noisy.reshape(y.shape).astype("float32")

        found = judged(add, Gate(min_snr_db=30))
        assert found.snr_db == pytest.approx(db, abs=0.01)
        assert bool(found.failure) is fails


def test_a_constant_output_is_compared_by_its_magnitude():
    constant = {"y": np.full((1, 2, 2, 1), 100, "float32")}
    near = {"y": constant["y"] + np.float32(1e-5)}
    far = {"y": constant["y"] + np.float32(1e-2)}
    assert not difference("", near, constant, Gate(5e-5)).failure
    assert difference("", far, constant, Gate(5e-5)).failure
    assert difference("", far, constant, Gate(5e-5)).max_error == pytest.approx(1e-4, rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (2, 3, 4, 1)])
@pytest.mark.parametrize("value", [-7.0, 1e-4, 3e6])
def test_a_constant_has_its_magnitude_for_a_range(value, size):
    """A single number is one too: no gate can be a share of the range of one number."""
    constant = {"y": np.full(size, value, "float32")}

    def off(share, gate):
        return difference("", {"y": constant["y"] * np.float32(1 + share)}, constant, gate)

    assert not off(4e-5, Gate(5e-5)).failure
    assert "of the magnitude, allowed 5e-05" in off(7e-5, Gate(5e-5)).failure
    assert off(0.02, Gate(min_snr_db=30)).snr_db == pytest.approx(34, abs=0.1)
    assert not off(0.02, Gate(min_snr_db=30)).failure
    assert "at least 30 dB" in off(0.04, Gate(min_snr_db=30)).failure


def test_probabilities_near_0_are_compared_by_the_rounding_of_1():
    gate = Gate(5e-5)
    expected = {"p": np.linspace(2.0e-7, 4.2e-7, 30).reshape(1, 5, 6, 1).astype("float32")}
    approximate = {"p": expected["p"] + np.float32(3.2e-8)}  # as ONNX Runtime's sigmoid has it
    assert difference("noise", approximate, expected, gate).failure
    found = difference("noise", approximate, expected, gate, probabilities={"p"})
    assert not found.failure and found.max_error < 1e-7
    wrong = {"p": expected["p"] + np.float32(1e-4)}
    assert (
        "of the magnitude"
        in difference("noise", wrong, expected, gate, probabilities={"p"}).failure
    )
    half = {"p": np.linspace(0.2, 0.7, 30).reshape(1, 5, 6, 1).astype("float32")}
    wrong = {"p": half["p"] + np.float32(5e-5)}  # of a range of 0.5
    assert difference("image", wrong, half, gate, probabilities={"p"}).failure


def test_a_sigmoid_near_0_passes_in_every_runtime(tmp_path):
    low = keras.initializers.Constant(-14.7)
    layer = keras.layers.Conv2D(1, 1, activation="sigmoid", bias_initializer=low)
    model = keras.Sequential([keras.Input((16, 16, 3), name="image"), layer])
    report = export.export(model, tmp_path, ["tflite", "onnx"])
    assert all(artefact.verifications[0].passed for artefact in report.artefacts)


def test_zeros_are_compared_by_what_is_there():
    zeros = {"y": np.zeros((1, 2, 2, 1), "float32")}
    near, far = ({"y": zeros["y"] + np.float32(value)} for value in (4e-5, 6e-5))
    assert not difference("", near, zeros, Gate(5e-5)).failure
    found = difference("", far, zeros, Gate(5e-5))
    assert found.failure and found.max_error == pytest.approx(6e-5)
    assert difference("", zeros, zeros, Gate(min_snr_db=30)).snr_db == np.inf


def test_what_barely_varies_is_a_constant():
    """By less than float32 rounds; above that the range counts, and rounding on top."""
    values = np.float32(1000) + np.float32(2**-13) * np.arange(2, dtype="float32")
    barely = {"y": values.reshape(1, 1, 2, 1)}
    assert not difference("", {"y": barely["y"] + np.float32(0.04)}, barely, Gate(5e-5)).failure
    values = np.float32(1000) + np.float32(2**-9) * np.arange(2, dtype="float32")
    varies = {"y": values.reshape(1, 1, 2, 1)}
    found = difference("", {"y": varies["y"] + np.float32(0.04)}, varies, Gate(5e-5))
    assert "of the range" in found.failure


@pytest.mark.parametrize("target", ["tflite", "tflite_int8", "onnx", "onnx_int8"])
def test_a_model_of_one_number(target, tmp_path):
    """As regression of a whole image gives it, far from zero."""
    x = keras.Input((24, 20, 3), name="image")
    y = keras.layers.GlobalAveragePooling2D()(convolution(4, activation="relu")(x))
    y = keras.layers.Dense(1, name="age")(y)
    model = distinctive(keras.Model(x, y))
    model.layers[-1].bias.assign([40.0])
    report = export.export(model, tmp_path, [target], images=picture())
    assert all(found.passed for found in report.artefacts[0].verifications)
