"""ONNX files whose batch, height and width are open, where some other axis has size 1."""

import os
import subprocess
import sys
from itertools import product

import keras
import numpy as np
import pytest
from exporting import assert_same, distinctive, noise, picture, write
from keras import layers, ops

from keras_upsample import runtimes


@pytest.mark.parametrize(
    "kernel, stride, channels", [(2, 2, 1), (3, 2, 1), (4, 4, 2), (2, 2, 3), (3, 1, 1)]
)
def test_transposed_convolutions_of_one_channel(kernel, stride, channels, tmp_path):
    x = keras.Input((None, None, channels), name="image")
    y = layers.Conv2D(1, 3, padding="same")(x)
    up = layers.Conv2DTranspose(1, kernel, stride, padding="same", activation="relu", name="out")
    model = distinctive(keras.Model(x, up(y)))
    for lower in (True, False):
        options = {"lower": lower, "images": picture(8, 7, channels)}
        runner = runtimes.load(write(model, tmp_path, "onnx", **options))
        for shape in [(2, 9, 7, channels), (1, 1, 5, channels)]:
            image = noise(*shape)
            assert_same(runner, {"image": image}, {"out": model(image)})


class Attention(layers.Layer):
    """Over the points of a map, in `heads` parts of the channels."""

    def __init__(self, heads, **options):
        super().__init__(**options)
        self.heads = heads
        self.parts = [layers.Dense(8) for _ in range(3)]

    def call(self, x):
        batch, points, width, heads = ops.shape(x)[0], x.shape[1], x.shape[2], self.heads
        shape = (batch, points, heads, width // heads)
        q, k, v = (ops.transpose(ops.reshape(d(x), shape), (0, 2, 1, 3)) for d in self.parts)
        weights = ops.softmax(q @ ops.transpose(k, (0, 1, 3, 2)))
        return ops.reshape(ops.transpose(weights @ v, (0, 2, 1, 3)), (batch, points, width))

    def compute_output_shape(self, shape):
        return shape


@pytest.mark.parametrize("heads, size", [(1, 6), (2, 6), (1, 1), (8, 5)])
def test_attention_with_an_open_batch(heads, size, tmp_path):
    x = keras.Input((size, size, 3), name="image")
    y = layers.Reshape((size * size, 8))(layers.Conv2D(8, 1)(x))
    model = keras.Model(x, layers.Reshape((size, size, 8), name="out")(Attention(heads)(y)))
    runner = runtimes.load(write(model, tmp_path, "onnx", images=picture(size, size)))
    for batch in (1, 3):
        image = noise(batch, size, size, 3)
        assert_same(runner, {"image": image}, {"out": model(image)})


_SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_export_onnx_open import *
for number, case in enumerate([(2, 2, 1), (3, 2, 1)]):
    test_transposed_convolutions_of_one_channel(*case, Path(sys.argv[2]))
test_attention_with_an_open_batch(1, 6, Path(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_no_order_of_sets_matters(seed, tmp_path):
    folder = os.path.dirname(__file__)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed)}
    paths = [os.path.dirname(folder), os.environ.get("PYTHONPATH", "")]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    command = [sys.executable, "-c", _SCRIPT, folder, str(tmp_path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def convolutions():
    """Grouped and dilated ones, by name."""
    stack = {}
    for rate, padding in product((1, 2, (2, 3)), ("same", "valid")):
        name = f"{rate}_{padding}".replace(", ", "").replace("(", "").replace(")", "")
        options = {"dilation_rate": rate, "padding": padding, "bias_initializer": "uniform"}
        stack[f"grouped_{name}"] = layers.Conv2D(6, 3, groups=2, **options)
        stack[f"depthwise_{name}"] = layers.DepthwiseConv2D(
            (3, 2), depth_multiplier=2, activation="relu", **options
        )
        stack[f"separable_{name}"] = layers.SeparableConv2D(3, 3, **options)
        stack[f"transposed_{name}"] = layers.Conv2DTranspose(3, (2, 3), **options)
    stack["grouped_strided"] = layers.Conv2D(6, 3, strides=2, groups=2, padding="same")
    stack["grouped_each"] = layers.Conv2D(4, (3, 1), groups=4, activation="gelu")
    return stack


@pytest.mark.parametrize("lower", [True, False])
def test_grouped_and_dilated_convolutions_at_open_sizes(lower, tmp_path):
    x = keras.Input((None, None, 4), name="image")
    model = distinctive(keras.Model(x, {name: layer(x) for name, layer in convolutions().items()}))
    path = write(model, tmp_path, "onnx", images=picture(11, 14, 4), lower=lower)
    runner = runtimes.load(path)
    for shape in [(1, 11, 14, 4), (2, 13, 9, 4), (3, 8, 21, 4)]:
        image = noise(*shape) - 0.5
        assert_same(runner, {"image": image}, {k: np.asarray(v) for k, v in model(image).items()})
