"""Normalisations in forms that keep their digits, equal to Keras' layers in every option."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from compare import assert_close
from exporting import FORMATS, answers, assert_same, distinctive, noise, picture, write
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.formats._reductions import reductions_in_parts


def grouped(size, **options) -> keras.Model:
    inputs = keras.Input((*size, 3), name="x")
    x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    options = {"groups": 4, "name": "y", **options}
    return distinctive(keras.Model(inputs, keras.layers.GroupNormalization(**options)(x)))


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"groups": 1},
        {"groups": -1},
        {"groups": 8},
        {"scale": False},
        {"center": False},
        {"epsilon": 0.5},
        {"axis": 3},
        {"axis": 2, "groups": 5},
    ],
)
def test_options(options, kind, tmp_path) -> None:
    model = grouped((24, 20), **options)
    x = noise(1, 24, 20, 3)
    path = write(model, tmp_path, kind, images=picture())
    assert_same(path, {"x": x}, {"y": model(x)}, of_range=1e-5)


def test_open_sizes(tmp_path) -> None:
    model = grouped((None, None))
    path = write(model, tmp_path, "onnx")
    for shape in ((1, 9, 7, 3), (3, 1, 5, 3), (2, 16, 16, 3)):
        x = noise(*shape)
        assert_same(path, {"x": x}, {"y": model(x)}, of_range=1e-5)


RUNTIMES = {"tflite": (None,), "onnx": ("onnxruntime", "openvino")}


def here(kind: str) -> list[str | None]:
    """The runtimes of a format that are installed."""
    return [name for name in RUNTIMES[kind] if name is None or runtimes.available()[name]]


class ByTheBatch(layers.Layer):
    """Takes the batch's statistics, whatever it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = layers.BatchNormalization()

    def build(self, shape) -> None:
        self.norm.build(shape)
        self.built = True

    def call(self, x):
        return self.norm(x, training=True)


class ByHand(layers.Layer):
    def call(self, x):
        mean, variance = tf.nn.moments(x, (1, 2), keepdims=True)
        return (x - mean) / tf.sqrt(variance + 1e-3)


class OfUnitSpread(layers.Layer):
    def call(self, x):
        return x / keras.ops.std(x, axis=(1, 2), keepdims=True)


LAYERS = {
    "groups": lambda: layers.GroupNormalization(3),
    "instance": lambda: layers.GroupNormalization(-1),
    "whole": lambda: layers.LayerNormalization(axis=[1, 2, 3]),
    "channels": layers.LayerNormalization,
    "batch": ByTheBatch,
    "by_hand": ByHand,
    "spread": OfUnitSpread,
    "root_mean_square": lambda: layers.RMSNormalization(axis=[1, 2, 3]),
    "unit": lambda: layers.UnitNormalization(axis=[1, 2, 3]),
    "mean": lambda: layers.GlobalAveragePooling2D(keepdims=True),
}


def in_float64(x: np.ndarray) -> dict[str, np.ndarray]:
    x = x.astype(np.float64)
    axes, root = (1, 2, 3), np.sqrt(np.mean(x**2, (1, 2, 3), keepdims=True))

    def centred(over: tuple[int, ...]) -> np.ndarray:
        part = x - x.mean(over, keepdims=True)
        return part / np.sqrt(part.var(over, keepdims=True) + 1e-3)

    return {
        "groups": normalised(x, 3) if x.shape[-1] % 3 == 0 else x,
        "instance": centred((1, 2)),
        "whole": centred(axes),
        "channels": centred((3,)),
        "batch": centred((0, 1, 2)),
        "by_hand": centred((1, 2)),
        "spread": x / x.std((1, 2), keepdims=True),
        "root_mean_square": x / root,
        "unit": x / root / np.sqrt(x[0].size),
        "mean": x.mean((1, 2), keepdims=True),
    }


@pytest.mark.parametrize("kind", RUNTIMES)
@pytest.mark.parametrize(
    ("size", "mean"),
    [pytest.param((512, 512), 1.0, marks=pytest.mark.slow), ((511, 509), -30.0)],
)
def test_digits_on_a_large_image(size, mean, kind, tmp_path) -> None:
    """Against float64, not against Keras, which is itself further off: the gate, or less."""
    inputs = keras.Input((*size, 6), name="x")
    model = keras.Model(inputs, {name: make()(inputs) for name, make in LAYERS.items()})
    x = (0.3 * np.random.default_rng(4).normal(size=(1, *size, 6)) + mean).astype("float32")
    path = write(model, tmp_path, kind, images=[x[0]])
    rounding = 8 * float(np.finfo("float32").eps)  # of the largest, as the gate has it
    for runtime in here(kind):
        given = answers(path, {"x": x}, runtime)
        for name, wanted in in_float64(x).items():
            allowed = 5e-5 * np.ptp(wanted) + rounding * np.abs(wanted).max()
            assert_close(given[name], wanted, atol=allowed, of_range=0)
            if name in ("groups", "instance", "whole"):
                assert_close(given[name], wanted, of_range=1e-6)


@pytest.mark.parametrize("kind", RUNTIMES)
def test_digits_far_from_zero(kind, tmp_path) -> None:
    """A mean of 6,000 deviations: float32 holds no such mean well enough."""
    inputs = keras.Input((131, 97, 6), name="x")
    names = ("groups", "instance", "whole")
    model = keras.Model(inputs, {name: LAYERS[name]()(inputs) for name in names})
    x = (noise(1, 131, 97, 6) * 2 + 3000).astype("float32")
    path = write(model, tmp_path, kind, images=[x[0]])
    for runtime in here(kind):
        given = answers(path, {"x": x}, runtime)
        for name in names:
            assert_close(given[name], in_float64(x)[name], of_range=2e-6)


def test_digits_at_an_open_size(tmp_path) -> None:
    inputs = keras.Input((None, None, 4), name="x")
    bounds = {"instance": 1e-6, "by_hand": 1e-5, "mean": 5e-5}
    model = keras.Model(inputs, {name: LAYERS[name]()(inputs) for name in bounds})
    path = write(model, tmp_path, "onnx", images=picture(channels=4))
    x = (0.3 * noise(1, 700, 601, 4) + 1).astype("float32")
    for runtime in here("onnx"):
        given = answers(path, {"x": x}, runtime)
        for name, bound in bounds.items():
            assert_close(given[name], in_float64(x)[name], of_range=bound)


@pytest.mark.parametrize("kind", RUNTIMES)
def test_a_large_net_passes_in_every_runtime(kind, tmp_path) -> None:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((509, 512, 3), name="image")
    x = layers.Conv2D(6, 3, padding="same", activation="relu")(inputs)
    x = layers.GroupNormalization(2)(x)
    model = keras.Model(inputs, layers.Conv2D(3, 1, name="logits")(x))
    path = write(model, tmp_path, kind, images=picture(509, 512))
    for runtime in here(kind):
        assert export.verify(model, path, picture(509, 512), runtime=runtime).passed


def normalised(x: np.ndarray, groups: int, epsilon: float = 1e-3) -> np.ndarray:
    """In float64, without gamma and beta."""
    parts = x.astype(np.float64).reshape(*x.shape[:-1], groups, -1)
    axes = (*range(1, x.ndim - 1), x.ndim)
    centred = parts - parts.mean(axes, keepdims=True)
    return (centred / np.sqrt(parts.var(axes, keepdims=True) + epsilon)).reshape(x.shape)


# Layer normalisation


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("size", [(24, 20), (70, 66)])  # above and below what is added up at once
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"axis": [1, 2, 3]},
        {"axis": (1, 2)},
        {"axis": 1},
        {"axis": [-1, 1], "scale": False},
        {"axis": [1, 2], "center": False},
        {"axis": [2, 1], "center": False, "scale": False, "epsilon": 0.5},
    ],
)
def test_layer_options(options, size, kind, tmp_path) -> None:
    inputs = keras.Input((*size, 3), name="x")
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    y = layers.LayerNormalization(name="y", **options)(x)
    model = distinctive(keras.Model(inputs, y))
    x = noise(1, *size, 3)
    path = write(model, tmp_path, kind, images=picture(*size))
    assert_same(path, {"x": x}, {"y": model(x)}, of_range=1e-5)


@pytest.mark.parametrize("policy", ["bfloat16", "float16", "mixed_float16"])
@pytest.mark.parametrize("name", ["groups", "whole", "channels"])
def test_weights_in_half_precision(name, policy, tmp_path) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((9, 7, 6), name="x", dtype="float32")
        y = layers.Activation("linear", dtype="float32", name="y")(LAYERS[name]()(inputs))
        model = keras.Model(inputs, y)
    finally:
        keras.config.set_dtype_policy(before)
    x = noise(1, 9, 7, 6)
    path = write(model, tmp_path, "onnx", images=[x[0]])
    assert_close(answers(path, {"x": x})["y"], in_float64(x)[name], of_range=1e-5)


# Sums and means in parts


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((2, 81, 67, 3), (1, 2)),
        ((2, 81, 67, 3), (1, 2, 3)),
        ((2, 17, 19, 23), (0, 1, 2, 3)),
        ((2, 3, 81, 67), (2, 3)),
        ((3, 5003), (1,)),  # blocks, the last of them not full
        ((2, 4099, 3), (1,)),
        ((8192,), (0,)),
        ((2, 5000, 2, 3), (1, 3)),
    ],
)
@pytest.mark.parametrize("is_mean", [False, True])
def test_in_parts(is_mean, shape, axes, keepdims) -> None:
    x = (noise(*shape) - 0.3).astype("float32")
    reduce = tf.reduce_mean if is_mean else tf.reduce_sum

    @tf.function(autograph=False)
    def parts(x):
        with reductions_in_parts():
            return reduce(x, axes, keepdims)

    wanted = (np.mean if is_mean else np.sum)(x.astype("float64"), axes, keepdims=keepdims)
    assert_close(np.asarray(parts(x)), wanted, of_range=1e-6)
    kinds = [op.type for op in parts.get_concrete_function(x).graph.get_operations()]
    assert sum(kind in ("Mean", "Sum") for kind in kinds) > 1


def test_few_elements_and_whole_numbers_stay_one_sum() -> None:
    @tf.function(autograph=False)
    def sums(x, few, whole):
        with reductions_in_parts():
            return tf.reduce_sum(few, (1, 2)), tf.reduce_sum(whole, (0, 1)), tf.reduce_max(x)

    large = np.ones((100, 100), "float32")
    graph = sums.get_concrete_function(large, np.ones((9, 64, 64)), large.astype("int32")).graph
    assert [op.type for op in graph.get_operations()].count("Sum") == 2


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_a_large_pool(padding, tmp_path) -> None:
    inputs = keras.Input((150, 201, 3), name="x")
    pool = layers.AveragePooling2D((100, 120), strides=(90, 50), padding=padding, name="y")
    model = keras.Model(inputs, pool(inputs))
    x = (noise(1, 150, 201, 3) + 9).astype("float32")
    found = answers(write(model, tmp_path, "onnx", images=[x[0]]), {"x": x})["y"]
    shape = found.shape[1:3]
    same = padding == "same"
    wanted = np.zeros(found.shape)
    for place in np.ndindex(*shape):
        part: list[slice] = []
        for k, n, size, stride in zip(place, (150, 201), (100, 120), (90, 50), strict=True):
            count = -(-n // stride)
            before = max((count - 1) * stride + size - n, 0) // 2 if same else 0
            part.append(slice(max(k * stride - before, 0), k * stride - before + size))
        wanted[(0, *place)] = x[(0, *part)].astype("float64").mean((0, 1))
    assert shape == ((2, 5) if same else (1, 2))
    assert_close(found, wanted, atol=1e-6)


@pytest.mark.parametrize(("precision", "means"), [("float32", 2), ("int8", 1)])
def test_a_file_of_integers_keeps_its_means(precision, means, tmp_path) -> None:
    """It adds up whole numbers, and rounds after each."""
    inputs = keras.Input((80, 81, 3), name="x")
    excited = inputs * layers.GlobalAveragePooling2D(keepdims=True)(inputs)
    options = {"precision": precision, "images": picture(80, 81)}
    path = write(keras.Model(inputs, excited), tmp_path, "tflite", **options)
    kinds = [op["op_name"] for op in Interpreter(str(path))._get_ops_details()]
    assert kinds.count("MEAN") == means
