"""The exact GELU beside other activations, and the error function by itself."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from compare import assert_close
from exporting import answers, assert_same, noise, write
from keras import layers, ops

from keras_upsample import runtimes
from keras_upsample.formats._error_functions import _erf

X = np.linspace(-6, 6, 6 * 5 * 4, dtype="float32").reshape(1, 6, 5, 4)


def gelu(x):
    return ops.gelu(x, approximate=False)


def by_hand(x):
    return 0.5 * x * (1 + ops.erf(x / math.sqrt(2.0)))


BESIDE = {
    "relu": lambda x: ops.relu(gelu(x)),
    "relu6": lambda x: ops.relu6(gelu(x)),
    "relu to 1": lambda x: ops.hard_tanh(gelu(x)),
    "leaky": lambda x: ops.leaky_relu(gelu(x)),
    "elu": lambda x: ops.elu(gelu(x)),
    "clip": lambda x: ops.clip(gelu(x), 0.0, 2.5),
    "behind relu": lambda x: gelu(ops.relu(x)),
    "behind minus": lambda x: gelu(-x),
    "behind log_sigmoid": lambda x: gelu(ops.log_sigmoid(x)),
    "behind a product": lambda x: ops.relu(gelu(x * ops.convert_to_tensor([1.0, 2, 3, -4]))),
    "twice": lambda x: ops.relu(gelu(ops.relu(gelu(x)))),
    "two readers": lambda x: ops.relu(gelu(x)) + gelu(x),
    "by hand": by_hand,
    "by hand, relu": lambda x: ops.relu(by_hand(x)),
    "erf": ops.erf,
    "erfc": lambda x: 1 - ops.erf(x) + tf.math.erfc(x),
    "raw erf": lambda x: tf.raw_ops.Erf(x=x) * 2,
}


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("name", BESIDE)
def test_beside(name, kind, tmp_path):
    x = keras.Input((6, 5, 4), name="x")
    y = layers.Lambda(BESIDE[name], output_shape=(6, 5, 4), name="y")(x)
    exact = BESIDE[name](tf.constant(X, tf.float64)) if "product" not in name else BESIDE[name](X)
    path = write(keras.Model(x, y), tmp_path, kind, images=[X[0]])
    assert_same(path, {"x": X}, {"y": np.asarray(exact, "float32")}, of_range=5e-6)


def test_built_in_gelu_and_nothing_around_it_unless_needed(tmp_path):
    def counts(activation):
        x = keras.Input((6, 5, 4), name="x")
        y = layers.Conv2D(4, 1, activation=gelu)(x)
        model = keras.Model(x, layers.Conv2D(3, 1)(layers.Activation(activation)(y)))
        return runtimes.load(write(model, tmp_path, "tflite", images=[X[0]])).operator_counts()

    assert counts("tanh")["GELU"] == 1 and "RESHAPE" not in counts("tanh")
    assert counts("relu")["GELU"] == 1 and "EXP" not in counts("relu")


@pytest.mark.parametrize("precision", ["float16", "dynamic", "int8"])
def test_in_a_net_of_lower_precision(precision, tmp_path):
    keras.utils.set_random_seed(4)
    x = keras.Input((16, 16, 3), name="x")
    y = layers.Conv2D(8, 3, padding="same", activation=gelu)(x)
    y = layers.Conv2D(8, 3, padding="same", activation=gelu)(layers.ReLU()(y))
    model = keras.Model(x, layers.Conv2D(2, 1, name="y")(layers.ReLU(6.0)(y)))
    images = [noise(16, 16, 3, seed=k) for k in range(8)]
    options = {"representative_data": images} if precision == "int8" else {}
    path = write(model, tmp_path, "tflite", precision=precision, images=images, **options)
    found = answers(path, {"x": images[0][None]})["y"]
    assert_close(found, np.asarray(model(images[0][None])), of_range=5e-2)


def test_gelu_of_a_row_and_of_many_axes(tmp_path):
    for shape in [(), (7,), (2, 3, 2, 3, 2)]:
        x = keras.Input(shape, name="x")
        model = keras.Model(x, layers.Lambda(lambda t: ops.relu(gelu(t)), name="y")(x))
        feed = np.linspace(-3, 3, max(math.prod(shape), 1), dtype="float32").reshape(1, *shape)
        path = write(model, tmp_path, "tflite", images=None if not shape else [feed[0]])
        assert_same(path, {"x": feed}, {"y": model(feed)})


def test_the_error_function_is_that_of_the_standard_library():
    x = np.linspace(-5, 5, 2001)
    wanted = np.array([math.erf(value) for value in x])
    np.testing.assert_allclose(_erf(tf.constant(x)), wanted, atol=1.5e-7)
    np.testing.assert_allclose(_erf(tf.constant(x, tf.float32)), wanted, atol=6e-7)
    assert float(_erf(tf.constant(0.0))) == 0.0
