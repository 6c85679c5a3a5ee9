"""ONNX files hold nothing that a WebGPU provider computes wrongly or leaves to the processor."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.layers import PixelUnshuffle2D

STRIDED = {
    "3 by 2": lambda: layers.Conv2D(4, 3, strides=2, padding="same"),
    "2 by 2": lambda: layers.Conv2D(4, 2, strides=2, padding="same"),
    "1 by 3": lambda: layers.Conv2D(4, 1, strides=3, padding="same"),
    "5x2 by 2x3": lambda: layers.Conv2D(4, (5, 2), strides=(2, 3), padding="same"),
    "depthwise": lambda: layers.DepthwiseConv2D(3, strides=2, padding="same"),
    "separable": lambda: layers.SeparableConv2D(4, 5, strides=2, padding="same"),
    "grouped": lambda: layers.Conv2D(3, 3, strides=2, padding="same", groups=3),
}


def padded_by_itself(path):
    """Kinds of the nodes in a file that pad by `auto_pad`."""
    found = []
    for node in onnx.load(path).graph.node:
        values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if values.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
            found.append(node.op_type)
    return found


def operators(path):
    return [node.op_type for node in onnx.load(path).graph.node]


@pytest.mark.parametrize("size", [(None, None), (12, 13), (13, 12)])
@pytest.mark.parametrize("kind", STRIDED)
def test_convolutions_state_their_pads(kind, size, tmp_path):
    keras.utils.set_random_seed(4)
    image = keras.Input((*size, 3))
    model = keras.Model(image, STRIDED[kind]()(image))
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    assert padded_by_itself(path) == []
    assert ("Pad" in operators(path)) == (size == (None, None) and kind != "1 by 3")
    runner = runtimes.load(path)
    for shape in [(12, 13), (13, 12), (1, 5), (32, 7)] if size[0] is None else [size]:
        x = np.random.default_rng(0).normal(size=(2, *shape, 3)).astype("float32")
        y = runner({runner.inputs[0].name: x[: 2 if size[0] is None else 1]})
        expected = keras.ops.convert_to_numpy(model(x))[: len(next(iter(y.values())))]
        np.testing.assert_allclose(next(iter(y.values())), expected, atol=2e-5)


@pytest.mark.parametrize("rank", [1, 3])
def test_lines_and_volumes_state_their_pads(rank, tmp_path):
    keras.utils.set_random_seed(4)
    signal = keras.Input((None,) * rank + (2,))
    layer = {1: layers.Conv1D, 3: layers.Conv3D}[rank](3, 3, strides=2, padding="same")
    model = keras.Model(signal, layer(signal))
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    assert padded_by_itself(path) == []
    runner = runtimes.load(path)
    x = np.random.default_rng(0).normal(size=(1, *(7, 6, 5)[:rank], 2)).astype("float32")
    y = next(iter(runner({runner.inputs[0].name: x}).values()))
    np.testing.assert_allclose(y, keras.ops.convert_to_numpy(model(x)), atol=2e-5)


def test_strided_convolutions_in_8_bits(tmp_path):
    keras.utils.set_random_seed(4)
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    model = keras.Model(image, layers.Conv2D(4, 3, strides=2, padding="same")(x))
    report = export.to_onnx(model, tmp_path / "m.onnx", precision="int8")
    assert report.verifications[0].snr_db > 30
    assert padded_by_itself(tmp_path / "m.onnx") == []


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("order", ["dcr", "crd"])
@pytest.mark.parametrize("layout", ["nhwc", "nchw"])
def test_unshuffles_are_slices(scale, order, layout, tmp_path):
    size = 6 * scale
    model = keras.Sequential([keras.Input((size, size, 2)), PixelUnshuffle2D(scale, order=order)])
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path, layout=layout)
    found = operators(path)
    assert "SpaceToDepth" not in found
    assert found.count("Slice") == 2 * scale
    x = np.random.default_rng(0).random((2, size, size, 2), "float32")
    runner = runtimes.load(path)
    given = x.transpose(0, 3, 1, 2) if layout == "nchw" else x
    y = next(iter(runner({runner.inputs[0].name: given}).values()))
    y = y.transpose(0, 2, 3, 1) if layout == "nchw" else y
    n, channels = size // scale, 2
    blocks = x.reshape(2, n, scale, n, scale, channels)
    axes = (0, 1, 3, 2, 4, 5) if order == "dcr" else (0, 1, 3, 5, 2, 4)
    np.testing.assert_array_equal(y, blocks.transpose(axes).reshape(2, n, n, -1))
