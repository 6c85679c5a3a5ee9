"""Resizes that TensorFlow alone has an operator for, at known sizes and at those of a tensor."""

import threading
from itertools import product

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from exporting import assert_same, noise, picture, write
from keras import layers, ops

from keras_upsample import runtimes
from keras_upsample.formats._graph_values import value_of
from keras_upsample.formats._resizes import replace_resizes

METHODS = [
    ("nearest", False), ("bilinear", False), ("bilinear", True), ("bicubic", False),
    ("bicubic", True), ("area", False), ("lanczos3", False), ("lanczos5", True),
]  # fmt: skip
ASPECTS = {"": {}, "crop": {"crop_to_aspect_ratio": True},
           "pad": {"pad_to_aspect_ratio": True, "fill_value": 0.25}}  # fmt: skip


def resizings(size):
    """Every way to ask for it, by name."""
    return {
        f"{method}_{antialias}_{aspect}": layers.Resizing(
            *size, interpolation=method, antialias=antialias, **options
        )
        for (method, antialias), (aspect, options) in product(METHODS, ASPECTS.items())
    }


@pytest.mark.parametrize("kind, size", [("tflite", (5, 19)), ("onnx", (24, 9))])
def test_resizing_in_every_option(kind, size, tmp_path):
    x = keras.Input((17, 12, 3), name="image")
    model = keras.Model(x, {name: layer(x) for name, layer in resizings(size).items()})
    path = write(model, tmp_path, kind, images=picture(17, 12), lower=False)
    image = noise(1, 17, 12, 3) - 0.4
    assert_same(path, {"image": image}, model(image))


class Own(keras.Model):
    """A subclassed model that resizes by three different calls."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(3, 1, bias_initializer="uniform")

    def call(self, x):
        a = tf.image.resize(self.conv(x), (7, 6), method="gaussian", antialias=True)
        b = ops.image.resize(a, (9, 11), interpolation="area")
        return tf.image.resize(b[0], (13, 4), method="mitchellcubic")[None] + tf.image.resize(
            x, (13, 40), method="area", preserve_aspect_ratio=True
        )


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_calls_in_a_subclassed_model(kind, tmp_path):
    image = noise(1, 26, 8, 3)
    model = Own()
    expected = model(image)
    path = write(model, tmp_path, kind, images=picture(26, 8), batch_size=1)
    found = runtimes.load(path).operator_counts()
    assert not {"Resize", "RESIZE_BILINEAR"} & set(found)
    assert_same(path, {"image": image}, {"output": expected})


def test_integers_and_channels_first(tmp_path):
    x = keras.Input((3, 9, 12), name="image")
    shrunk = layers.Resizing(4, 7, interpolation="area", data_format="channels_first")
    model = keras.Model(x, shrunk(x))
    path = write(model, tmp_path, "onnx", images=picture(9, 12))
    image = noise(1, 3, 9, 12)
    last = tf.image.resize(image.transpose(0, 2, 3, 1), (4, 7), method="area").numpy()
    assert_same(path, {"image": image}, {model.output_names[0]: last.transpose(0, 3, 1, 2)})


class Like(layers.Layer):
    """Resized to the size of another tensor."""

    def __init__(self, method, antialias=False):
        super().__init__()
        self.method, self.antialias = method, antialias

    def call(self, x, other):
        size = tf.shape(other)[1:3]
        return tf.image.resize(x, size, method=self.method, antialias=self.antialias)

    def compute_output_shape(self, x_shape, other_shape):
        return (x_shape[0], *other_shape[1:3], x_shape[3])


ODD = [(101, 77), (37, 64), (9, 10), (2, 31)]


def skip_net(method, antialias):
    x = keras.Input((None, None, 3), name="image")
    small = layers.Conv2D(4, 3, strides=4, padding="same", bias_initializer="uniform")(x)
    up = layers.Conv2D(2, 1, name="up")(Like(method, antialias)(small, x))
    half = layers.Conv2D(2, 2, strides=2, padding="valid")(x)
    other = Like(method, antialias)(up, half)
    return keras.Model(x, {"up": up, "down": layers.Concatenate()([other, half])})


@pytest.mark.parametrize("method, antialias", METHODS)
def test_resized_to_another_tensors_size_in_onnx(method, antialias, tmp_path):
    model = skip_net(method, antialias)
    for lower in (True, False):
        path = write(model, tmp_path, "onnx", images=picture(33, 50), lower=lower)
        runner = runtimes.load(path)
        for batch, (height, width) in enumerate(ODD, 1):
            x = noise(batch, height, width, 3)
            assert_same(runner, {"image": x}, model(x))


def test_nearest_takes_tensorflows_pixel_at_every_size(tmp_path):
    # ONNX's own Resize takes another one at 4% of these sizes.
    x, other = (keras.Input((None, None, 1), name=name) for name in ("image", "other"))
    model = keras.Model([x, other], Like("nearest")(x, other))
    path = write(model, tmp_path, "onnx", images=picture(9, 11, 1))
    runner = runtimes.load(path)
    assert "Resize" not in runner.operator_counts()
    for n, m in product(range(1, 60, 3), range(1, 150, 7)):
        image = np.arange(n, dtype="float32").reshape(1, n, 1, 1)
        (found,) = runner({"image": image, "other": np.zeros((1, m, 2, 1), "float32")}).values()
        step = np.float32(n) / np.float32(m)
        index = np.floor((np.arange(m, dtype="float32") + np.float32(0.5)) * step)
        assert found[0, :, 1, 0].tolist() == np.minimum(index, n - 1).tolist()


GROWING = {
    "vector": lambda x: tf.image.resize(x, tf.shape(x)[1:3] * 2),
    "scalars": lambda x: tf.image.resize(
        tf.nn.relu(x), (tf.shape(x)[1] * 3, 2 * tf.shape(x)[2]), method="nearest"
    ),
    "sum": lambda x: tf.image.resize(
        x, [tf.shape(tf.nn.relu(x))[1] + tf.shape(x)[1], tf.shape(x)[2] * 4 // 2]
    ),
}
"""Sizes that follow from the image alone, however they are written down."""


def test_whole_factors_leave_no_arithmetic_of_shapes(tmp_path):
    x = keras.Input((None, None, 3), name="image")
    model = keras.Model(x, {name: layers.Lambda(grow)(x) for name, grow in GROWING.items()})
    path = write(model, tmp_path, "onnx", images=picture(9, 11))
    runner = runtimes.load(path)
    assert set(runner.operator_counts()) <= {"Resize", "Transpose", "Relu", "Identity"}
    image = noise(2, 7, 5, 3)
    assert_same(runner, {"image": image}, model(image))


@pytest.mark.parametrize("method", ["gaussian", "mitchellcubic", "lanczos3", "area", "bicubic"])
@pytest.mark.parametrize("antialias", [False, True])
def test_matrices_of_the_graph_are_the_operators_own(method, antialias):
    def resize(x, size):
        return tf.image.resize(x, size, method=method, antialias=antialias)

    specs = [tf.TensorSpec((None, None, None, 2)), tf.TensorSpec((2,), tf.int32)]
    with replace_resizes():
        function = tf.function(resize, input_signature=specs).get_concrete_function()
    kinds = {op.type for op in function.graph.get_operations()}
    assert not kinds & {"ResizeArea", "ResizeBicubic", "ScaleAndTranslate"}
    for before, after in [
        ((7, 5), (13, 9)),
        ((64, 48), (24, 31)),
        ((1, 9), (5, 1)),
        ((97, 3),) * 2,
    ]:
        x = noise(2, *before, 2)
        assert_close(
            function(x, tf.constant(after)).numpy(), resize(x, after).numpy(), of_range=1e-5
        )


def test_others_are_left_alone():
    seen = []

    def other():
        traced = tf.function(lambda x: tf.image.resize(x, (4, 5), "area"))
        graph = traced.get_concrete_function(tf.TensorSpec((1, 9, 9, 1))).graph
        seen.append({op.type for op in graph.get_operations()})

    with replace_resizes():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    other()
    assert all("ResizeArea" in kinds for kinds in seen)


def test_values_that_follow_from_known_sizes():
    found = []

    @tf.function(input_signature=[tf.TensorSpec((None, 7, 12, None))])
    def function(x):
        height, width = tf.shape(x)[1], tf.shape(x)[2]
        ratio = tf.cast(height * 5, "float32") / tf.cast(width, "float32")
        found.append(value_of(tf.stack([height // 2, tf.maximum(width, 20)])))
        found.append(value_of(tf.cast(tf.round(ratio), "int32")))
        found.append(value_of(tf.shape(x)[:2]))
        found.append(value_of(tf.minimum(tf.shape(x)[0], 0)))
        found.append(value_of([height, width * 2]))
        found.append(value_of([3, 4]))
        return x

    function.get_concrete_function()
    assert [None if v is None else np.asarray(v).tolist() for v in found] == [
        [3, 20], 3, None, None, [7, 24], [3, 4],
    ]  # fmt: skip
