"""Default TFLite files: forms for any machine, which a phone's GPU takes too."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import edge, export
from keras_upsample.lowering._profile import shipped
from keras_upsample.runtimes import _load
from keras_upsample.runtimes._load import absence

PROFILE = "portable_tflite"


def decoder():
    """A convolution alone, and one of two joined maps; odd sizes."""
    keras.utils.set_random_seed(3)
    small, skip = keras.Input((17, 23, 128), name="small"), keras.Input((34, 46, 64), name="skip")
    x = layers.Conv2D(128, 3, padding="same", activation="relu")(small)
    x = layers.Concatenate()([layers.UpSampling2D(2, interpolation="bilinear")(x), skip])
    x = layers.Conv2D(64, 3, padding="same", activation="relu")(x)
    return keras.Model([small, skip], layers.Conv2D(3, 1)(x), name="decoder")


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_UPSAMPLE_PROFILE", raising=False)
    model = decoder()
    report = export.to_tflite(model, tmp_path / "decoder.tflite")
    plain = export.to_tflite(model, tmp_path / "plain.tflite", profile="table")
    assert PROFILE in str(report) and PROFILE not in str(plain)
    assert report.operators["DEPTHWISE_CONV_2D"] > plain.operators.get("DEPTHWISE_CONV_2D", 0)
    return report


def test_the_engine_takes_its_operators_by_rule(made, monkeypatch):
    from ai_edge_litert.interpreter import Interpreter

    monkeypatch.setattr(_load, "absence", lambda runtime: "x" if runtime == "litert_gpu" else "")
    checked = edge.check(made.path, "litert_gpu")
    assert checked.passed, str(checked)
    details = Interpreter(model_path=str(made.path)).get_tensor_details()
    assert max(len(tensor["shape"]) for tensor in details) == 4


@pytest.mark.skipif(bool(absence("litert_gpu")), reason=absence("litert_gpu") or "it is here")
def test_the_engine_agrees(made, every_runtime):
    checked = edge.check(made.path, "litert_gpu")
    assert checked.passed and not checked.wrong, str(checked)


def test_no_form_that_the_gpu_refuses():
    """The package's profile never decides for one, at any size that was measured."""
    profile = shipped()[PROFILE]
    refused = [
        (form, gain)
        for rows in profile.gains.values()
        for _, gains in rows
        for form, gain in gains.items()
        if "4x4" in form or form in ("transposed", "matrices")
    ]
    assert {form for form, _ in refused} == {"4x4 by 6x6"}
    assert max(gain for _, gain in refused) < -np.log(5)
    assert {rule for rule, _ in profile.gains} == {"minimal_filtering", "concatenation"}
