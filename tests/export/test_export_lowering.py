"""Export with lowering: heads, tuning, the forms of each target, and what can't be lowered."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample import export, runtimes, zoo
from keras_upsample.lowering import _meters, lower
from keras_upsample.lowering._tuning_cache import TuningCache
from keras_upsample.program._failures import VARIABLE
from keras_upsample.quantization import _equalise, _lines, _round
from keras_upsample.targets import TARGETS
from keras_upsample.targets._names import FILTERING, NEAREST

RNG = np.random.default_rng(5)
PICTURES = RNG.random((2, 16, 24, 3), "float32")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))


def unet(**options):
    keras.utils.set_random_seed(3)
    return zoo.unet(filters=(4, 8), classes=3, **{"upsample": "nearest", **options})


def wide():
    """A 3x3 convolution with the channels that minimal filtering asks for, behind a nearest."""
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 24, 3))
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(image)
    x = keras.layers.Conv2D(32, 3, padding="same", activation="relu", name="wide")(x)
    x = keras.layers.UpSampling2D(2)(x)
    return keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", name="end")(x))


WRITERS = {
    "saved_model": (export.to_saved_model, "saved", {}),
    "tflite": (export.to_tflite, "m.tflite", {"input_shape": (16, 24, 3)}),
    "onnx": (export.to_onnx, "m.onnx", {}),
}
formats = pytest.mark.parametrize("kind", WRITERS)


def cache_of(kind):
    target = TARGETS[kind]
    return TuningCache(target, _meters.meter_of(target).conditions)


def write(model, folder, kind, **options):
    writer, name, own = WRITERS[kind]
    return writer(model, folder / name, images=PICTURES, **own, **options)


@formats
@pytest.mark.parametrize("head", ["argmax", "softmax"])
def test_heads(head, kind, tmp_path):
    model = unet()
    report = write(model, tmp_path, kind, head=head)
    runner = runtimes.load(report.path)
    (output,) = runner({runner.inputs[0].name: PICTURES[:1]}).values()
    scores = np.asarray(model(PICTURES[:1]), "float64")
    if head == "argmax":
        assert output.dtype == np.uint8
        assert output.shape == scores.shape[:-1]
        assert (output == scores.argmax(-1)).mean() > 0.999
    else:
        expected = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        np.testing.assert_allclose(output, expected, atol=2e-5)


@pytest.mark.parametrize("place", ["layer", "activation of a layer", "activation layer"])
def test_a_softmax_under_argmax_is_dropped(place):
    image = keras.Input((8, 8, 3))
    end = {
        "layer": lambda x: keras.layers.Softmax()(keras.layers.Conv2D(3, 1)(x)),
        "activation of a layer": keras.layers.Conv2D(3, 1, activation="softmax"),
        "activation layer": lambda x: keras.layers.Activation("softmax")(
            keras.layers.Conv2D(3, 1)(x)
        ),
    }[place]
    model = keras.Model(image, end(image))
    lowered = lower(model, head="argmax")
    x = RNG.random((2, 8, 8, 3), "float32")
    result = lower(model, replace(TARGETS["tflite"], static=False), head="argmax").model(x)
    assert (np.asarray(result) == np.asarray(model(x)).argmax(-1)).mean() > 0.999
    assert len(lowered.model.layers) == 3  # input, convolution, class map
    softmax = [getattr(layer, "activation", None) for layer in model.layers]
    if place == "activation of a layer":
        assert softmax[-1] is keras.activations.softmax  # the user's model keeps its own


def test_many_classes_need_a_larger_integer():
    image = keras.Input((4, 4, 1))
    for classes, dtype in ((256, "uint8"), (257, "int32")):
        model = keras.Model(image, keras.layers.Conv2D(classes, 1)(image))
        assert lower(model, head="argmax").model.output.dtype == dtype


@pytest.mark.parametrize("head", ["max", 1])
def test_no_such_head(head, tmp_path):
    with pytest.raises(
        ValueError, match=r"`head` must be None or one of 'argmax', 'softmax', 'sigmoid'"
    ):
        write(unet(), tmp_path, "tflite", head=head)
    assert not (tmp_path / "m.tflite").exists()


def test_a_head_needs_one_output_of_scores():
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(3, 1)(image)
    with pytest.raises(ValueError, match="one output of scores"):
        lower(keras.Model(image, [x, x]), head="argmax")
    with pytest.raises(ValueError, match="Pass `threshold`"):
        lower(keras.Model(image, keras.layers.Conv2D(1, 1)(image)), head="argmax")


@formats
def test_lowering_can_be_left_out(kind, tmp_path):
    with_it = write(unet(), tmp_path / "a", kind)
    without = write(unet(), tmp_path / "b", kind, lower=False)
    assert without.lowering == ()
    assert any(line.startswith("fold: encoder_stage1_conv1") for line in with_it.lowering)
    if kind == "tflite":
        assert with_it.operators.get("DEPTH_TO_SPACE") == 1
        assert "DEPTH_TO_SPACE" not in without.operators
        assert sum(with_it.operators.values()) <= sum(without.operators.values())


def test_tuning_measures_once_and_then_remembers(tmp_path):
    said = []
    first = lower(wide(), "tflite", tune=True, progress=said.append)
    places = {entry.rule: entry for entry in first.applied if entry.measured is not None}
    assert set(places) == {NEAREST, FILTERING}
    assert len(said) == 2
    path = cache_of("tflite").path
    times = json.loads(path.read_text())
    assert len(times) == 2
    for entry in places.values():
        block = next(t for key, t in times.items() if key.startswith(entry.rule))
        fastest = min(block, key=block.get)
        assert entry.measured == pytest.approx(block["as it is"] / block[fastest])
        assert entry.form == (fastest if entry.measured >= 1.03 else "as it is")
    said.clear()
    again = lower(wide(), "tflite", tune=True, progress=said.append)
    chosen = [[(e.rule, e.form, e.measured) for e in low.applied] for low in (first, again)]
    assert chosen[0] == chosen[1]
    assert not said


def test_tuning_stops_when_its_time_is_over():
    model = wide()
    told: list[str] = []
    lowered = lower(model, "tflite", input_shape=(16, 24, 3), tune=1e-9, progress=told.append)
    by_table = lower(model, "tflite", input_shape=(16, 24, 3))
    assert told == []
    assert lowered.applied == by_table.applied


@pytest.mark.parametrize("tune", [0, -1, "yes", float("nan"), None])
def test_a_wrong_tuning_time(tune, tmp_path):
    for call in (
        lambda: lower(wide(), "tflite", tune=tune),
        lambda: export.to_onnx(wide(), tmp_path / "m.onnx", tune=tune),
    ):
        with pytest.raises(ValueError, match=r"`tune` must be True, False, or the seconds"):
            call()
    assert list(tmp_path.iterdir()) == []


def test_tuning_obeys_the_times(tmp_path):
    lower(wide(), "tflite", tune=True)
    path = cache_of("tflite").path
    times = json.loads(path.read_text())
    for block in times.values():
        for form in block:
            block[form] = 1.0
        block["as it is"] = 1.02  # a gain that noise could be
    path.write_text(json.dumps(times))
    kept = lower(wide(), "tflite", tune=True)
    assert {e.form for e in kept.applied if e.measured is not None} == {"as it is"}
    for block in times.values():
        block["as it is"] = 2.0
        block["4 by 6" if "4 by 6" in block else "dense"] = 0.5
    path.write_text(json.dumps(times))
    taken = lower(wide(), "tflite", tune=True)
    assert {e.form for e in taken.applied if e.measured is not None} == {"4 by 6", "dense"}
    assert {e.measured for e in taken.applied if e.measured is not None} == {4.0}


@pytest.mark.parametrize("content", ["", "[]", "{", '{"block": 1}', '{"block": {"form": "x"}}'])
def test_a_damaged_tuning_cache_counts_as_empty(content):
    path = cache_of("tflite").path
    path.parent.mkdir(parents=True)
    path.write_text(content)
    cache = cache_of("tflite")
    assert cache.get("block") is None
    cache.put("block", {"as it is": 1.0})
    assert cache_of("tflite").get("block") == {"as it is": 1.0}


def test_a_tuning_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "file"))
    cache_of("tflite").put("block", {"as it is": 1.0})
    assert lower(wide(), "tflite", tune=True).applied


def test_at_open_sizes_the_forms_are_those_of_the_default_size(tmp_path):
    model = unet()
    tuned = lower(model, "onnx", tune=True)
    assert not tuned.notice
    entries = [entry for entry in tuned.applied if entry.rule == NEAREST]
    assert len(entries) == 1
    assert entries[0].measured is not None
    x = RNG.random((2, 18, 10, 3), "float32")
    np.testing.assert_allclose(tuned.model(x), model(x), atol=1e-5)


@formats
def test_a_tuned_export_is_verified(kind, tmp_path):
    report = write(wide(), tmp_path, kind, tune=True)
    assert report.verifications[0].passed
    assert any("measured" in line for line in report.lowering)


def test_rounded_weights_are_spared_minimal_filtering():
    for name in ("tflite_float16", "tflite_dynamic"):
        rules = {entry.rule for entry in lower(wide(), name, tune=True).applied}
        assert FILTERING not in rules


@formats
def test_a_model_that_cannot_be_taken_apart_is_exported_as_it_is(kind, tmp_path):
    class Plain(keras.Model):
        def __init__(self):
            super().__init__(name="plain")
            self.conv = keras.layers.Conv2D(4, 3, padding="same")

        def call(self, x):
            return tf.nn.relu(self.conv(x))

    model = Plain()
    model(PICTURES[:1])
    report = write(model, tmp_path, kind)
    assert report.verifications[0].passed
    assert report.lowering == ()
    assert report.notice.startswith("The model 'plain' was not lowered: ")
    assert report.notice in str(report)


@pytest.mark.parametrize("rule", ["lines", "equalisation", "rounding"])
def test_a_bug_in_a_step_of_quantization_leaves_a_note(rule, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a bug")

    monkeypatch.setenv(VARIABLE, "")
    module, step = {
        "lines": (_lines, "put_lines_on_images"),
        "equalisation": (_equalise, "equalise"),
        "rounding": (_round, "round_weights"),
    }[rule]
    monkeypatch.setattr(module, step, broken)
    report = export.to_tflite(
        wide(), tmp_path / "m.tflite", input_shape=(16, 24, 3), precision="int8"
    )
    (note,) = [line for line in report.lowering if "a bug" in line]
    assert note.startswith(f"{rule}: ")
    assert note in report.warnings
    assert "left out after an error of its own" in str(report)


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
@pytest.mark.parametrize("faster", ["untuned", "tuned"])
def test_the_whole_tuned_file_must_be_faster(faster, kind, tmp_path, monkeypatch):
    """Blocks that are faster one by one need not be so together."""
    lower(wide(), kind, tune=True, input_shape=(16, 24, 3))  # fills the cache
    path = cache_of(kind).path
    times = json.loads(path.read_text())
    for block in times.values():
        block.update(dict.fromkeys(block, 1.0) | {"as it is": 2.0})
    path.write_text(json.dumps(times))
    asked = []

    def minima(runs, seconds):
        asked.append(sorted(runs))
        for run in runs.values():
            run()
        return {name: 1.0 if name == faster else 2.0 for name in runs}

    monkeypatch.setattr(_meters, "interleaved_minima", minima)
    folder = tmp_path / "out"
    folder.mkdir()
    report = write(wide(), folder, kind, tune=True)
    plain = write(wide(), tmp_path, kind)
    assert asked == [["tuned", "untuned"]]
    assert (report.operators == plain.operators) == (faster == "untuned")
    form, gain = {"untuned": ("untuned", "0.50x"), "tuned": ("tuned", "2.00x")}[faster]
    assert report.lowering[-1].startswith(f"whole model: {wide().name[:10]}")
    assert f": {form}: " in report.lowering[-1] and gain in report.lowering[-1]
    assert len(list(folder.iterdir())) == 1
