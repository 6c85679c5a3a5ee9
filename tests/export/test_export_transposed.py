"""Transposed convolutions in groups, with dilations, of lines and volumes, in every format."""

import keras
import numpy as np
import pytest
import reference
from exporting import FORMATS, answers, assert_same, distinctive, noise, picture, write

from keras_upsample import runtimes
from keras_upsample.layers import TransposedConv1D, TransposedConv2D, TransposedConv3D

T1, T2, T3 = TransposedConv1D, TransposedConv2D, TransposedConv3D
IMAGES = {
    "groups": lambda: T2(6, 2, 3, groups=2),
    "depthwise": lambda: T2(4, 2, 4, groups=4, initializer="bilinear"),
    "multiplied": lambda: T2(8, (2, 3), 5, groups=4, activation="relu"),
    "dilated": lambda: T2(3, 1, 3, dilation_rate=2),
    "dilated_unlike": lambda: T2(3, (3, 1), (3, 2), dilation_rate=(2, 3)),
    "dilated_groups": lambda: T2(4, 3, 3, dilation_rate=2, groups=2, use_bias=False),
    "dilated_depthwise": lambda: T2(4, 1, 3, dilation_rate=2, groups=4),
    "torch": lambda: T2.from_torch_geometry(4, 3, 2, 1, 1, groups=2, dilation=2),
}
LINES = {
    "plain": lambda: T1(3, 2, 4),
    "odd": lambda: T1(3, 3, 4, activation="tanh"),
    "groups": lambda: T1(6, 2, 3, groups=2),
    "depthwise": lambda: T1(4, 2, 4, groups=4),
    "dilated": lambda: T1(3, 1, 3, dilation_rate=2),
    "torch": lambda: T1.from_torch_geometry(3, 3, 3, 1, 2, dilation=2),
}
VOLUMES = {
    "plain": lambda: T3(3, 2, 2),
    "cut": lambda: T3(3, (1, 2, 2), 3),
    "groups": lambda: T3(6, 2, 3, groups=2),
    "dilated": lambda: T3(3, 1, 2, dilation_rate=2),
    "torch": lambda: T3.from_torch_geometry(3, 3, 2, 1, 1),
}
RANKS = {1: (LINES, (7,), (11,)), 2: (IMAGES, (5, 6), (8, 3)), 3: (VOLUMES, (3, 4, 5), (5, 2, 3))}


def model_of(rank: int, lengths: tuple) -> keras.Model:
    x = keras.Input((*lengths, 4), name="x")
    return distinctive(keras.Model(x, {name: make()(x) for name, make in RANKS[rank][0].items()}))


def expected(model: keras.Model, x: np.ndarray) -> dict[str, np.ndarray]:
    """By the oracle, from the layers' weights."""
    answers = {}
    for name, make in RANKS[x.ndim - 2][0].items():
        own = make()
        layer = next(n for n in model.layers if n.output is model.output[name])
        kernel, bias = layer.kernel, None if layer.bias is None else np.asarray(layer.bias)
        y = reference.spread(
            x, np.asarray(kernel), own.scale, own.dilation_rate, own.groups, own.crop, bias
        )
        answers[name] = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}.get(
            own.activation.__name__, lambda v: v
        )(y)
    return answers


@pytest.mark.parametrize("size", ["static", "open"])
@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("kind", FORMATS)
def test_transposed_convolutions(kind, rank, size, tmp_path):
    _, lengths, others = RANKS[rank]
    if size == "open" and (kind == "tflite" or rank != 2):
        pytest.skip("these files have one size")
    known = lengths if size == "static" else (None,) * rank
    model = model_of(rank, known)
    options = {"images": picture(5, 6)} if rank == 2 else {}
    runner = runtimes.load(write(model, tmp_path, kind, **options))
    shapes = [(1, *lengths, 4)]
    if size == "open":
        shapes += [(2, *others, 4), (1, *(1,) * rank, 4)]
    for shape in shapes:
        x = noise(*shape) - 0.3
        assert_same(runner, {"x": x}, expected(model, x))


def test_onnx_has_constant_kernels_and_no_chains(tmp_path):
    """Also where kernels are large, which go around tf2onnx."""
    x = keras.Input((6, 5, 64), name="x")
    stack = {
        "dilated": T2(32, 3, 4, dilation_rate=2),
        "groups": T2(32, 2, 4, groups=2),
        "depthwise": T2(64, 2, 8, groups=64),
        "plain": T2(32, 2, 4),
    }
    model = distinctive(keras.Model(x, {name: layer(x) for name, layer in stack.items()}))
    path = write(model, tmp_path, "onnx", images=picture(6, 5, 64))
    import onnx

    graph = onnx.load(path).graph
    constants = {item.name for item in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose"):
            assert node.input[1] in constants, node
    found = {node.op_type for node in graph.node}
    allowed = {"Conv", "ConvTranspose", "Transpose", "DepthToSpace", "Reshape", "Concat", "Split"}
    assert found <= allowed | {"Slice", "Pad", "Add"}, found
    feeds = {"x": noise(2, 6, 5, 64)}
    assert_same(path, feeds, {k: np.asarray(v) for k, v in model(feeds["x"]).items()})


def test_in_eight_bits(tmp_path):
    x = keras.Input((8, 6, 4), name="x")
    y = keras.layers.Conv2D(4, 3, padding="same")(x)
    model = distinctive(
        keras.Model(
            x,
            {
                "groups": T2(4, 2, 4, groups=2, name="a")(y),
                "depthwise": T2(4, 2, 4, groups=4, name="b")(y),
                "dilated": T2(4, 1, 3, dilation_rate=2, name="c")(y),
            },
        )
    )
    path = write(model, tmp_path, "tflite", precision="int8", images=[noise(8, 6, 4)])
    feeds = {"x": noise(1, 8, 6, 4)}
    wanted = {name: np.asarray(value) for name, value in model(feeds["x"]).items()}
    for name, value in answers(path, feeds).items():
        noise_power = np.mean((value - wanted[name]) ** 2)
        assert 10 * np.log10(np.mean(wanted[name] ** 2) / noise_power) > 30, name
