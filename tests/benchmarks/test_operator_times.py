"""Times by operator: profiles are read whole, and the work is what the model needs."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest
from keras import layers

from keras_upsample import zoo

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
SHAPE = (20, 12, 8)


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import operator_times

    yield operator_times
    for name in ("operator_times", "export_latency", "_page", "_unverified"):
        sys.modules.pop(name, None)


def net():
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    y = layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    return keras.Model(image, layers.Conv2D(16, 1)(layers.Add()([x, y])))


@pytest.mark.parametrize("target", ["tflite", "onnx"])
def test_work_and_times_of_a_file(script, target, tmp_path):
    model, path = net(), tmp_path / f"net.{target}"
    script.write_file(model, target, path, profile="table")
    run = [sys.executable, script.SCRIPT, path]
    found = json.loads(subprocess.run(run, stdout=subprocess.PIPE, check=True).stdout)
    assert sum(work[1] for work in found["work"]) == zoo.multiply_adds(model, SHAPE)
    its = script.parts(found)
    assert set(its["seconds"]) >= {"convolutions", "depthwise", "others"}
    assert its["seconds"]["convolutions"] > 0
    assert [work[0] for work in its["work"]["depthwise"]] == [20 * 12 * 16 * 9]
    # Two maps of 16 channels are read and one is written.
    assert 3 * 4 * 20 * 12 * 16 in [work[1] for work in its["work"]["others"]]


def test_the_bound_is_the_longer_of_arithmetic_and_traffic(script):
    peak = {"multiply-adds a second": 100.0, "bytes a second": 10.0, "date": "2026-01-02"}
    its = {
        "seconds": {"convolutions": 4.0, "others": 1.0},
        "work": {"convolutions": [(200.0, 5.0), (0.0, 10.0)], "others": [(0.0, 5.0)],
                 "products": [], "depthwise": []},
        "operators": {"Convolution IGEMM": 4.0, "Add": 1.0},
    }  # fmt: skip
    assert script.bound(its, "convolutions", peak) == 3.0
    found = {"tflite": {**peak, "models": {"net": its}}}
    assert script.row("net", "tflite", found["tflite"]) == (
        "| net | tflite | 5000 | 4000 / 3000 |  |  | 1000 / 500 | 70% |"
    )
    assert "Convolution IGEMM 80%, Add 20%" in script.table(found)
