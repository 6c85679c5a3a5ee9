"""Files for LiteRT's GPU accelerator: no operator that it refuses or computes wrongly."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_upsample import edge, export, metadata, runtimes
from keras_upsample.errors import ExportError
from keras_upsample.layers import PixelShuffle2D, PixelUnshuffle2D
from keras_upsample.runtimes import _load
from keras_upsample.runtimes._load import absence

SIZE = (10, 15, 6)
STACKS = {
    "narrow groups": lambda: [layers.Conv2D(4, 3, groups=2, padding="same", activation="relu")],
    "groups of one": lambda: [layers.Conv2D(12, 3, strides=2, groups=6)],
    "transposed 3/2": lambda: [layers.Conv2DTranspose(4, 3, strides=2, padding="same")],
    "transposed 4/4": lambda: [layers.Conv2DTranspose(4, 4, strides=4, padding="same")],
    "transposed 5x2/2x3": lambda: [layers.Conv2DTranspose(4, (5, 2), (2, 3), padding="same")],
    "transposed 16/8": lambda: [layers.Conv2DTranspose(2, 16, strides=8, padding="same")],
    "shuffles": lambda: [PixelUnshuffle2D(5), layers.Conv2D(12, 1), PixelShuffle2D(2)],
    "bicubic": lambda: [layers.UpSampling2D(2, interpolation="bicubic")],
}


class Inside(layers.Layer):
    """A layer of the user's own, which no rule of lowering sees into."""

    def __init__(self, stack, **options):
        super().__init__(**options)
        self.stack = stack

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x


def net(name):
    keras.utils.set_random_seed(6)
    image = keras.Input(SIZE, name="image")
    return keras.Model(image, Inside(STACKS[name]())(image), name="net")


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("name", STACKS)
def test_every_operator_is_taken_and_right(name, batch, tmp_path, monkeypatch):
    """By the rules, and by values on the processor; in the engine one of them, see below."""
    monkeypatch.setattr(_load, "absence", lambda runtime: "x" if runtime == "litert_gpu" else "")
    model = net(name)
    images = list(np.random.default_rng(1).random((batch, *SIZE), "float32"))
    report = export.export(
        model, tmp_path, ["litert_gpu"], batch_size=batch, images=images, lower=False
    )
    (made,) = report.artefacts
    assert made.check.passed, str(made.check)
    assert made.verifications[0].passed


@pytest.mark.skipif(bool(absence("litert_gpu")), reason=absence("litert_gpu") or "it is here")
@pytest.mark.parametrize(
    "name", [*(pytest.param(n, marks=pytest.mark.slow) for n in STACKS), "transposed 3/2"]
)
def test_the_engine_agrees(name, every_runtime, tmp_path):
    model = net(name)
    images = list(np.random.default_rng(1).random((2, *SIZE), "float32"))
    report = export.export(
        model, tmp_path, ["litert_gpu"], batch_size=2, images=images, lower=False
    )
    (made,) = report.artefacts
    assert made.check.passed, str(made.check)
    on_gpu = made.verifications[1]
    assert " GPU float32 on " in on_gpu.runtime and on_gpu.passed
    assert runtimes.load(made.path).inputs[0].shape[0] == 2


@pytest.mark.skipif(bool(absence("litert_gpu")), reason=absence("litert_gpu") or "it is here")
def test_what_the_gpu_computes_wrongly_is_not_written(every_runtime, tmp_path):
    class Sum(layers.Layer):
        def call(self, x):
            import tensorflow as tf

            return tf.reshape(tf.cumsum(x, axis=2, reverse=True), (-1, *SIZE))

    image = keras.Input(SIZE, name="image")
    model = keras.Model(image, Sum()(image), name="sums")
    images = [np.random.default_rng(1).random(SIZE, "float32")]
    with pytest.raises(
        ExportError, match=r"litert_gpu: .*sums.*in LiteRT .* GPU float32 on .* does not"
    ):
        export.export(model, tmp_path / "out", ["litert_gpu"], images=images)
    assert not list((tmp_path / "out").glob("*.tflite"))
    # The default file is for processors, and `check` says what a GPU makes of it.
    made = export.export(model, tmp_path / "cpu", ["tflite"], images=images).artefacts[0]
    checked = edge.check(made.path, "litert_gpu")
    assert checked.wrong and not checked.passed


def test_a_file_names_what_it_was_verified_in(every_runtime, tmp_path):
    images = [np.random.default_rng(1).random(SIZE, "float32")]
    made = export.export(net("bicubic"), tmp_path, ["litert_gpu", "onnx"], images=images).artefacts
    expected = "litert" if absence("litert_gpu") else "litert, litert_gpu"
    assert metadata.read(made[0].path).verified_in == expected
    assert metadata.read(made[1].path).verified_in == "onnxruntime"
