"""An export only reads the user's model: no variable changes, whatever its layers do."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from exporting import FORMATS, OF_RANGE, answers, assert_same, convolution, noise, write
from keras import layers

from keras_upsample import export
from keras_upsample.errors import ExportError
from keras_upsample.program._stateless import Traced


class TrainsUnlessToldNot(layers.Layer):
    """As residual blocks are often written; the inner layers learn from this one's argument."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = keras.Sequential(
            [convolution(4), layers.BatchNormalization(), layers.Dropout(0.3, seed=1)]
        )

    def build(self, shape: Any) -> None:
        self.inner.build(shape)
        self.built = True

    def call(self, x: Any, training: bool = True) -> Any:
        return self.inner(x, training=training)


class NormalizesByTheBatch(layers.Layer):
    """Trains whatever it is told: the batch's statistics, and the moving averages move."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.norm = layers.BatchNormalization()

    def build(self, shape: Any) -> None:
        self.norm.build(shape)
        self.built = True

    def call(self, x: Any) -> Any:
        return self.norm(x, training=True)


class Counts(layers.Layer):
    """Assigns in every call: how often it was called, and a moving average of what it saw."""

    def build(self, shape: Any) -> None:
        self.calls = self.add_weight(name="calls", shape=(), dtype="int32", trainable=False)
        self.mean = self.add_weight(name="mean", shape=(), trainable=False)

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1)
        self.mean.assign(0.9 * self.mean + 0.1 * keras.ops.mean(x))
        return x


class CountsByTensorFlow(layers.Layer):
    """The same with a variable of which Keras knows nothing."""

    def build(self, shape: Any) -> None:
        self.calls = tf.Variable(3.0, trainable=False)

    def call(self, x: Any) -> Any:
        self.calls.assign_add(1.0)
        return x * 2.0

    def compute_output_spec(self, x: Any) -> Any:
        return keras.KerasTensor(x.shape, x.dtype)


class Drawing(layers.Layer):
    """Draws a seed in every call, to no effect."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.seeds = keras.random.SeedGenerator(5)

    def call(self, x: Any) -> Any:
        return x + 0.0 * keras.random.uniform((), seed=self.seeds)


def _told_to_train(layer: Any) -> Any:
    return lambda x: layer(x, training=True)


ODD = {
    "trains unless told not": TrainsUnlessToldNot,
    "counts": Counts,
    "draws": Drawing,
    "batch norm recorded": lambda: _told_to_train(layers.BatchNormalization()),
    "dropout recorded": lambda: _told_to_train(layers.Dropout(0.5, seed=2)),
    "noise recorded": lambda: _told_to_train(layers.GaussianNoise(0.5, seed=3)),
    "flip": lambda: layers.RandomFlip(seed=4),
    "flip recorded": lambda: _told_to_train(layers.RandomFlip(seed=4)),
    "brightness": lambda: layers.RandomBrightness(0.3, value_range=(0, 1), seed=6),
    "spectral": lambda: layers.SpectralNormalization(convolution(4)),
    "spectral recorded": lambda: _told_to_train(layers.SpectralNormalization(convolution(4))),
    "normalization": lambda: layers.Normalization(mean=0.4, variance=0.09),
    "group": lambda: layers.GroupNormalization(2),
}

SINGLE = ("trains unless told not", "counts", "batch norm recorded", "spectral recorded")
RARE = {"normalises by the batch": NormalizesByTheBatch, "by tensorflow": CountsByTensorFlow}


def odd_model(names: list[str]) -> Any:
    keras.utils.set_random_seed(3)
    x = keras.Input((16, 12, 4), name="image")
    y = convolution(4, activation="relu")(x)
    for name in names:
        y = {**ODD, **RARE}[name]()(y)
    y = layers.UpSampling2D(2)(y)
    return keras.Model(x, convolution(3)(y), name="odd")


class Subclassed(keras.Model):
    """Layers in code of the user's own, which are not told about training."""

    def __init__(self) -> None:
        super().__init__()
        self.first = convolution(4)
        self.block = TrainsUnlessToldNot()
        self.counts = Counts()
        self.last = convolution(3)

    def call(self, x: Any) -> Any:
        return self.last(self.counts(self.block(self.first(x))))


def state_of(model: Any) -> list[np.ndarray]:
    """Every variable's value, TensorFlow's own too."""
    own = [np.asarray(v) for layer in model._flatten_layers() for v in layer.variables]
    plain = [
        value.numpy()
        for layer in model._flatten_layers()
        for value in vars(layer).values()
        if isinstance(value, tf.Variable)
    ]
    return [*map(np.copy, own), *plain]


def assert_unchanged(before: list[np.ndarray], model: Any) -> None:
    after = state_of(model)
    assert len(after) == len(before) > 0
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def smooth(seed: int) -> np.ndarray:
    """Something whose neighbouring pixels have to do with each other, as in a photograph."""
    return np.cumsum(noise(16, 12, 4, seed=seed), axis=1) / 12


@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("name", [*SINGLE, *RARE])
def test_no_variable_changes(name, precision, tmp_path):
    """Whether or not the file can be written and passes: what is judged here is the model."""
    model = odd_model([name])
    before = state_of(model)
    images = [smooth(n) for n in range(8)]
    try:
        export.to_tflite(model, tmp_path / "file", images=images, precision=precision)
    except ExportError:
        assert name in RARE  # a state of the file's own, or a batch's statistics, in 8 bits
    assert_unchanged(before, model)


@pytest.mark.parametrize("kind", FORMATS)
def test_files_compute_the_inference(kind, tmp_path):
    """What `predict` computes, with Keras' own as the oracle: `training=False`."""
    model = odd_model(list(ODD))
    x = noise(1, 16, 12, 4, seed=9)
    expected = np.asarray(model(x, training=False))
    counts = next(layer for layer in model.layers if isinstance(layer, Counts))
    assert int(counts.calls.numpy()) == 1  # of the line above: Keras' own call moves it
    before = state_of(model)
    path = write(model, tmp_path, kind, images=[x[0]])
    assert_unchanged(before, model)
    assert_same(path, {"image": x}, {model.layers[-1].name: expected})


@pytest.mark.parametrize("lower", [False, True])
def test_a_subclassed_model_that_was_never_called(lower, tmp_path):
    """The export makes its variables, and calls it no more than that."""
    model = Subclassed()
    path = tmp_path / "m.tflite"
    export.to_tflite(model, path, input_shape=(16, 12, 3), lower=lower)
    before = state_of(model)
    assert int(model.counts.calls.numpy()) == 0
    x = noise(1, 16, 12, 3)
    given = answers(path, {"image": x})
    if lower:
        export.to_tflite(model, path, input_shape=(16, 12, 3), precision="int8")
        assert_unchanged(before, model)
    assert_close(given["output"], np.asarray(model(x, training=False)), of_range=OF_RANGE)


def test_a_stateful_recurrent_layer(tmp_path):
    """Its states are those of the last call; a comparison starts from them each time."""
    x = keras.Input(batch_shape=(1, 5, 3), name="track")
    model = keras.Model(x, layers.Dense(2)(layers.LSTM(4, stateful=True)(x)))
    model(noise(1, 5, 3))
    before = state_of(model)
    export.to_saved_model(model, tmp_path / "m")
    assert_unchanged(before, model)


def test_metrics_losses_and_the_optimizer(tmp_path):
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), convolution(2, activity_regularizer="l2"), TrainsUnlessToldNot()]
    )
    model.compile("adam", "mse", metrics=["mae"])
    x, y = noise(4, 8, 8, 1), noise(4, 8, 8, 4)
    model.fit(x, y, verbose=0)
    before = [v.numpy().copy() for v in (*model.variables, *model.optimizer.variables)]
    before += [v.numpy().copy() for v in model.metrics_variables]
    export.to_tflite(model, tmp_path / "m.tflite", precision="int8")
    after = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    after += [v.numpy() for v in model.metrics_variables]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


def test_layer_errors_and_verify_only_read(tmp_path):
    model = odd_model(["trains unless told not"])
    before = state_of(model)
    images = [smooth(n) for n in range(8)]
    export.quantization_errors(model, images=images)
    export.to_onnx(model, tmp_path / "m.onnx", images=images[:1])
    export.verify(model, tmp_path / "m.onnx", images[:1])
    assert_unchanged(before, model)


def test_a_traced_function_gives_variables_back():
    count = tf.Variable(2.0)

    def counted(x: Any) -> Any:
        count.assign_add(1.0)
        return x * count

    run = Traced(counted)
    assert [float(run(tf.constant(1.0))) for _ in range(2)] == [3.0, 3.0]
    assert float(count) == 2.0
    nested = Traced(tf.function(counted, autograph=False))
    assert float(nested(tf.constant(2.0))) == 6.0
    assert float(count) == 2.0


def test_dtype_policies_stay(tmp_path):
    image = keras.Input((8, 8, 3), name="image")
    x = convolution(3, dtype="mixed_float16")(image)
    model = keras.Model(image, layers.Conv2D(2, 1, dtype="mixed_bfloat16")(x))
    before = [layer.dtype_policy.name for layer in model.layers]
    assert "mixed_float16" in before and keras.config.dtype_policy().name == "float32"
    export.to_onnx(model, tmp_path / "m.onnx", images=[noise(8, 8, 3)])
    assert [layer.dtype_policy.name for layer in model.layers] == before
    assert keras.config.dtype_policy().name == "float32"
