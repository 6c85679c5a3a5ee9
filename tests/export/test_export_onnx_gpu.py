"""ONNX files hold nothing that a WebGPU provider computes wrongly or leaves to the processor."""

import keras
import numpy as np
import onnx
import pytest
from keras import layers

from keras_upsample import export, runtimes
from keras_upsample.formats._onnx_einsum import product_of
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


def oracle(x, kernel, groups):
    """A grouped convolution without padding, in float64; the kernel is (k, k, inputs, outputs)."""
    size, _, inputs, outputs = kernel.shape
    each = outputs // groups
    rows, columns = x.shape[1] - size + 1, x.shape[2] - size + 1
    y = np.zeros((len(x), rows, columns, outputs))
    for o in range(outputs):
        read = x[..., o // each * inputs :][..., :inputs]
        for a, b in np.ndindex(size, size):
            y[..., o] += read[:, a : a + rows, b : b + columns] @ kernel[a, b, :, o]
    return y


def groups_of(path):
    """(groups, outputs a group) of every convolution in a file."""
    graph = onnx.load(path).graph
    outputs = {item.name: item.dims[0] for item in graph.initializer}
    found = []
    for node in graph.node:
        if node.op_type == "Conv":
            groups = next(a.i for a in node.attribute if a.name == "group")
            found.append((groups, outputs[node.input[1]] // groups))
    return found


@pytest.mark.parametrize(
    ("groups", "each", "written"),
    [(3, 6, (6, 3)), (3, 5, (15, 1)), (2, 14, (14, 2)), (3, 4, (3, 4)), (3, 3, (3, 3))],
)
@pytest.mark.parametrize("inputs", [1, 4])
def test_no_four_outputs_belong_to_two_groups(groups, each, written, inputs, tmp_path):
    keras.utils.set_random_seed(4)
    image = keras.Input((None, None, groups * inputs))
    grouped = layers.Conv2D(groups * each, 3, groups=groups, use_bias=False)
    depthwise = layers.DepthwiseConv2D(3, depth_multiplier=each, use_bias=False)
    layer = depthwise if inputs == 1 else grouped
    model = keras.Model(image, layer(image))
    kernel = np.asarray(layer.kernel, np.float64).reshape(3, 3, inputs, groups * each)
    path = tmp_path / "m.onnx"
    export.to_onnx(model, path)
    assert groups_of(path) == [written]
    x = np.random.default_rng(0).normal(size=(2, 5, 8, groups * inputs)).astype("float32")
    runner = runtimes.load(path)
    y = next(iter(runner({runner.inputs[0].name: x}).values()))
    np.testing.assert_allclose(y, oracle(x, kernel, groups), atol=1e-5)


@pytest.mark.parametrize("tokens", [None, 7])
def test_attention_is_two_matrix_products_without_arithmetic_of_shapes(tokens, tmp_path):
    keras.utils.set_random_seed(4)
    queries = keras.Input((tokens, 6), name="queries")
    seen = keras.Input((tokens, 6), name="seen")
    attention = layers.MultiHeadAttention(3, 2)
    model = keras.Model([queries, seen], attention(queries, seen))
    rng = np.random.default_rng(0)
    for weight in model.weights:  # a bias of zeros would be dropped
        weight.assign(rng.normal(0, 0.4, weight.shape))
    path = tmp_path / "m.onnx"
    feeds = [{k: rng.normal(size=(7, 6)).astype("float32") for k in ("queries", "seen")}]
    export.to_onnx(model, path, images=feeds)
    found = operators(path)
    assert "Einsum" not in found
    if tokens:
        assert set(found) == {"Add", "MatMul", "Mul", "Reshape", "Softmax", "Transpose"}
    q, s = rng.normal(size=(2, 2, 7, 6)).astype("float32")
    (y,) = runtimes.load(path)({"queries": q, "seen": s}).values()

    def projected(x, dense):
        return (
            np.einsum("ntc,chd->nhtd", x, np.float64(dense.kernel))
            + np.float64(dense.bias)[:, None]
        )

    def dense(name):
        return getattr(attention, f"_{name}_dense")

    alike = projected(q, dense("query")) @ projected(s, dense("key")).swapaxes(2, 3) / 2**0.5
    alike = np.exp(alike)
    means = alike / alike.sum(-1, keepdims=True) @ projected(s, dense("value"))
    expected = np.einsum("nhtd,hdc->ntc", means, np.float64(dense("output").kernel))
    np.testing.assert_allclose(y, expected + np.float64(dense("output").bias), atol=1e-5)


EQUATIONS = {
    "aecd,abcd->acbe": True,
    "acbe,aecd->abcd": True,
    "ij,jk->ki": True,
    "bij,bjk->bik": True,
    "bij,jk->bik": False,  # two axes of rows
    "ii,ij->j": False,
    "ij,ij->i": False,
    "ij,jk->i": False,
}


@pytest.mark.parametrize("equation", EQUATIONS)
def test_which_sums_are_one_matrix_product(equation):
    product = product_of(equation)
    assert (product is not None) == EQUATIONS[equation]
    if product:
        sizes = dict(zip("abcdeijk", (2, 3, 4, 5, 6, 3, 4, 5), strict=True))
        rng = np.random.default_rng(0)
        terms = equation.partition("->")[0].split(",")
        x, y = (rng.normal(size=[sizes[letter] for letter in term]) for term in terms)
        found = x.transpose(product.left) @ y.transpose(product.right)
        expected = np.einsum(equation, x, y)
        np.testing.assert_allclose(found.transpose(product.result), expected, atol=1e-12)
