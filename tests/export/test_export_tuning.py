"""Tuning where the runtime is not here: NPUs by their compiler; and of files of integers."""

import json

import keras
import numpy as np
import pytest

from keras_upsample import export
from keras_upsample.data import PHOTOGRAPHS, photograph
from keras_upsample.edge._file import read
from keras_upsample.lowering import _meters, lower
from keras_upsample.program._applied import KEEP
from keras_upsample.targets._names import (
    INTERLEAVED,
    INTERLEAVED_ADDED,
    NEAREST,
    TRANSPOSED,
)

IMAGES = [photograph(name, (24, 24)) / np.float32(255) for name in list(PHOTOGRAPHS)[:8]]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_UPSAMPLE_CACHE", str(tmp_path / "cache"))


def with_skip(channels: int, filters: int) -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((24, 24, 3))
    skip = keras.layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
    x = keras.layers.Conv2D(channels, 3, 2, padding="same", activation="relu")(skip)
    x = keras.layers.Concatenate()([keras.layers.UpSampling2D(2)(x), skip])
    x = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", name="joined")(x)
    return keras.Model(image, keras.layers.Conv2D(2, 1, name="scores")(x))


def entry_of(lowered, rule):
    (entry,) = [entry for entry in lowered.applied if entry.rule == rule]
    return entry


def milliseconds(report) -> float:
    return float(report.check.notes[0].split(": ")[1].split(" ms")[0])


@pytest.mark.parametrize(("channels", "filters"), [(32, 16), (16, 16)])
def test_an_npu_is_tuned_by_its_compiler(channels, filters, tmp_path, monkeypatch):
    """Never by this processor's time; the estimate of the file is the least that was found."""

    def called(*arguments):
        raise AssertionError("timed on this processor")

    monkeypatch.setattr(_meters, "call_on_noise", called)
    model, device = with_skip(channels, filters), "ethos_u55_128"
    options = {"targets": [device], "representative_data": IMAGES, "images": IMAGES[:2]}

    def exported(name, **more):
        (report,) = export.export(model, tmp_path / name, **options, **more).artefacts
        return report

    tuned = exported("tuned", tune=True)
    (path,) = (tmp_path / "cache" / "tuning").iterdir()
    assert path.name.startswith("ethos-u55-128_vela"), path.name
    times = json.loads(path.read_text())
    (block,) = [found for key, found in times.items() if key.startswith(NEAREST)]
    assert {KEEP, INTERLEAVED, INTERLEAVED_ADDED} <= set(block)
    fastest = min(block, key=block.get)
    entry = entry_of(lower(model, device, tune=True), NEAREST)
    assert entry.form == (fastest if block[KEEP] / block[fastest] >= 1.03 else KEEP)
    assert milliseconds(tuned) <= milliseconds(exported("table"))
    assert tuned.check.passed and tuned.verifications[0].passed


def test_the_table_takes_what_pays_without_a_doubt():
    assert entry_of(lower(with_skip(32, 16), "ethos_u55_128"), NEAREST).form == INTERLEAVED_ADDED
    assert entry_of(lower(with_skip(16, 16), "ethos_u55_128"), NEAREST).form == KEEP
    assert entry_of(lower(with_skip(16, 8), "ethos_u55_128"), NEAREST).form == KEEP


def test_what_stays_on_the_processor_takes_for_ever():
    """Ethos-U55 has no transposed convolution of stride 3."""
    image = keras.Input((8, 8, 4))
    x = keras.layers.Conv2DTranspose(8, 3, 3)(image)
    entry = entry_of(lower(keras.Model(image, x), "ethos_u55_128", tune=True), TRANSPOSED)
    assert (entry.form, entry.measured) == (INTERLEAVED, None)


@pytest.mark.parametrize("device", ["edge_tpu", "tflm"])
def test_a_device_that_nothing_here_speaks_for(device):
    model = with_skip(32, 16)
    lowered = lower(model, device, tune=True)
    assert str(lowered.applied[-1]).endswith(f"nothing here can say how long {device} takes")
    assert lowered.applied[:-1] == lower(model, device).applied


def test_without_vela(monkeypatch):
    monkeypatch.setattr(_meters, "find_spec", lambda name: None)
    lowered = lower(with_skip(32, 16), "ethos_u55_128", tune=True)
    assert "pip install ethos-u-vela" in str(lowered.applied[-1])


@pytest.mark.parametrize("target", ["tflite_int8", "onnx_int8"])
def test_integer_blocks_are_measured_as_integers(target, monkeypatch):
    seen = []
    opened = _meters.Runtime.opened

    def watched(self, path):
        if path.suffix == ".tflite":
            kinds = {t.kind for op in read(path).operators for t in op.outputs}
            seen.append("int8" in kinds)
        else:
            seen.append(b"QuantizeLinear" in path.read_bytes())
        return opened(self, path)

    monkeypatch.setattr(_meters.Runtime, "opened", watched)
    lowered = lower(with_skip(16, 16), target, tune=True)
    assert lowered.notice == ""
    assert entry_of(lowered, NEAREST).measured is not None
    assert len(seen) >= 2 and all(seen)
