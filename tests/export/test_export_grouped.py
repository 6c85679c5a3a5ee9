"""Convolutions in groups, of lines, images and volumes, in every format; at open sizes in ONNX."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from exporting import FORMATS, assert_same, distinctive, noise, write
from keras import layers, ops

from keras_upsample import runtimes


class Own(layers.Conv2D):
    """A user's layer, which is no stock layer."""


class ByOperation(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 2, 6), name="kernel")

    def call(self, x):
        y = ops.conv(x, self.kernel, strides=1, padding="same", dilation_rate=2)
        return ops.relu(y)


def lines():
    for padding in ("same", "valid", "causal"):
        for name, options in {"": {}, "_dilated": {"dilation_rate": 3}}.items():
            yield layers.Conv1D(6, 3, padding=padding, groups=2, name=f"{padding}{name}", **options)
    yield layers.Conv1D(
        4, 2, strides=2, padding="same", groups=4, activation="gelu", name="strided"
    )
    yield layers.DepthwiseConv1D(3, dilation_rate=2, padding="same", name="depthwise")
    yield layers.SeparableConv1D(5, 3, dilation_rate=2, name="separable")


def maps():
    yield Own(6, 3, groups=2, padding="same", name="own")
    yield ByOperation(name="operation")
    yield layers.DepthwiseConv2D(3, strides=2, dilation_rate=2, padding="same", name="both")
    yield layers.SeparableConv2D(3, 3, strides=2, dilation_rate=2, name="both_separable")


def volumes():
    for rate in (1, 2):
        yield layers.Conv3D(6, 3, groups=2, padding="same", dilation_rate=rate, name=f"rate_{rate}")
    yield layers.Conv3D(4, 2, strides=2, groups=4, activation="relu", name="strided")


KINDS = {"lines": (lines, 1, (9,)), "maps": (maps, 2, (11, 14)), "volumes": (volumes, 3, (7, 6, 8))}


def net(kind, open_sizes):
    make, rank, size = KINDS[kind]
    x = keras.Input((*((None,) * rank if open_sizes else size), 4), name="x")
    return distinctive(keras.Model(x, {layer.name: layer(x) for layer in make()}))


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_open_sizes_in_onnx(kind, lower, tmp_path):
    size = KINDS[kind][2]
    model = net(kind, open_sizes=True)
    path = write(model, tmp_path, "onnx", lower=lower, images=[noise(*size, 4)])
    runner = runtimes.load(path)
    for batch, more in ((1, 0), (2, 3), (3, 6)):
        x = noise(batch, *(n + more for n in size), 4) - 0.5
        assert_same(runner, {"x": x}, {k: np.asarray(v) for k, v in model(x).items()})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("file_format", FORMATS)
def test_fixed_sizes(file_format, kind, tmp_path):
    size = KINDS[kind][2]
    model = net(kind, open_sizes=False)
    path = write(model, tmp_path, file_format, images=[noise(*size, 4)])
    x = noise(1, *size, 4) - 0.5
    assert_same(path, {"x": x}, {k: np.asarray(v) for k, v in model(x).items()})


def test_channels_first_volumes(tmp_path):
    first = {"data_format": "channels_first"}
    # Keras adds a bias along the width where that is as long as there are channels.
    x = keras.Input((4, 5, 6, 8), name="x")
    plain = layers.Conv3D(3, 3, activation="relu", name="plain", **first)
    grouped = layers.Conv3D(6, 2, groups=2, name="grouped", **first)
    model = distinctive(keras.Model(x, {"plain": plain(x), "grouped": grouped(x)}))
    feed = noise(1, 4, 5, 6, 8)
    wanted = {}
    for layer in (plain, grouped):
        kernel, bias = (np.asarray(w) for w in layer.weights)
        parts = zip(
            np.split(feed.transpose(0, 2, 3, 4, 1), layer.groups, -1),
            np.split(kernel, layer.groups, -1),
            strict=True,
        )
        y = [tf.nn.conv3d(part, own, [1] * 5, "VALID") for part, own in parts]
        wanted[layer.name] = np.moveaxis(layer.activation(tf.concat(y, -1) + bias), -1, 1)
    for kind in ("onnx", "tflite"):
        assert_same(write(model, tmp_path, kind, images=[feed[0]]), {"x": feed}, wanted)
