"""Attention as exporters of PyTorch write it, read as one layer."""

import keras
import numpy as np
import pytest
from onnx_files import check, weights, whole
from test_interchange_normalizations import names, net

TOKENS, WIDTH = 10, 12


def attention(heads, scale_at="scores", bias=None, extra=()):
    """One projection of queries, keys and values, as timm's ViT has it."""
    channels = WIDTH // heads
    scale = np.float32(channels**-0.5)
    root = np.sqrt(scale)
    constants = {
        "matrix": weights(WIDTH, 3 * WIDTH),
        "projection": weights(3 * WIDTH),
        "five": whole(1, TOKENS, 3, heads, channels),
        "axis": whole(0),
        "back": whole(1, TOKENS, WIDTH),
        "scale": scale if scale_at in ("scores", "queries", "keys") else root,
        "divisor": np.float32(1) / scale,
    }
    nodes = [
        ("MatMul", ["x", "matrix"], ["m"], {}),
        ("Add", ["projection", "m"], ["qkv"], {}),
        ("Reshape", ["qkv", "five"], ["r"], {}),
        ("Transpose", ["r"], ["t"], {"perm": [2, 0, 3, 1, 4]}),
        ("Split", ["t"], ["q3", "k3", "v3"], {"axis": 0, "num_outputs": 3}),
        *(("Squeeze", [f"{name}3", "axis"], [name], {}) for name in "qkv"),
        ("Transpose", ["k"], ["kt"], {"perm": [0, 1, 3, 2]}),
    ]
    q, k, scores = "q", "kt", "s"
    if scale_at in ("queries", "both"):
        nodes.append(("Mul", ["q", "scale"], ["qs"], {}))
        q = "qs"
    if scale_at in ("keys", "both"):
        nodes.append(("Mul", ["scale", "kt"], ["ks"], {}))
        k = "ks"
    nodes.append(("MatMul", [q, k], ["s"], {}))
    if scale_at == "scores":
        nodes.append(("Mul", ["s", "scale"], ["ss"], {}))
        scores = "ss"
    if scale_at == "divided":
        nodes.append(("Div", ["s", "divisor"], ["ss"], {}))
        scores = "ss"
    if bias is not None:
        constants["bias"] = bias
        nodes.append(("Add", [scores, "bias"], ["sb"], {}))
        scores = "sb"
    nodes += [
        *extra,
        ("Softmax", ["sx" if extra else scores], ["p"], {"axis": -1}),
        ("MatMul", ["p", "v"], ["o"], {}),
        ("Transpose", ["o"], ["ot"], {"perm": [0, 2, 1, 3]}),
        ("Reshape", ["ot", "back"], ["y"], {}),
    ]
    return nodes, constants


def read(folder, heads, *args, shape=(1, TOKENS, WIDTH), **options):
    nodes, constants = attention(heads, *args, **options)
    return check(net(folder, nodes, constants, shape=shape))


@pytest.mark.parametrize("heads", [1, 3])
@pytest.mark.parametrize("scale_at", ["scores", "divided", "queries", "keys", "both", "nowhere"])
def test_the_factor_anywhere(heads, scale_at, tmp_path):
    model = read(tmp_path, heads, scale_at)
    assert names(model) == ["Dense", "Attention"]
    assert model.layers[-1].heads == heads
    scale = 1 if scale_at == "nowhere" else (WIDTH // heads) ** -0.5
    assert np.isclose(model.layers[-1].scale, scale)


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("shape", [(1, -1, TOKENS, TOKENS), (TOKENS,), (TOKENS, 1)])
def test_a_constant_on_the_scores_is_trained(heads, shape, tmp_path):
    bias = weights(*(heads if n == -1 else n for n in shape))
    model = read(tmp_path, heads, "scores", bias)
    assert names(model) == ["Dense", "Attention"]
    (found,) = model.layers[-1].trainable_weights
    np.testing.assert_array_equal(np.squeeze(found), np.squeeze(bias))


def test_two_images_and_a_file_that_is_loaded(tmp_path):
    model = read(tmp_path, 3, "both", weights(3, TOKENS, TOKENS))
    two = weights(2, TOKENS, WIDTH)
    one_by_one = np.concatenate([model(two[:1]), model(two[1:])])
    np.testing.assert_allclose(model(two), one_by_one, atol=1e-6)
    model.save(tmp_path / "m.keras")
    again = keras.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(two), model(two))


def test_scores_that_something_else_happens_to_stay_as_they_are(tmp_path):
    """A tensor that flows is added to the scores: no Attention, but the same values."""
    extra = [("Sigmoid", ["s"], ["live"], {}), ("Add", ["ss", "live"], ["sx"], {})]
    model = read(tmp_path, 3, "scores", extra=extra)
    assert "Attention" not in names(model)


def test_weights_that_are_transposed(tmp_path):
    """Non-local blocks have channels before the pixels: values times transposed weights."""
    nodes = [
        *(("Conv", ["x", f"kernel_{name}"], [f"{name}4"], {}) for name in "qkv"),
        *(("Reshape", [f"{name}4", "flat"], [name], {}) for name in "qkv"),
        ("Transpose", ["q"], ["qt"], {"perm": [0, 2, 1]}),
        ("MatMul", ["qt", "k"], ["s"], {}),
        ("Softmax", ["s"], ["p"], {"axis": -1}),
        ("Transpose", ["p"], ["pt"], {"perm": [0, 2, 1]}),
        ("MatMul", ["v", "pt"], ["o"], {}),
        ("Reshape", ["o", "image"], ["y"], {}),
    ]
    constants = {
        "kernel_q": weights(2, 6, 1, 1),
        "kernel_k": weights(2, 6, 1, 1),
        "kernel_v": weights(5, 6, 1, 1),
        "flat": whole(1, 0, -1),
        "image": whole(1, 5, 4, 3),
    }
    model = check(net(tmp_path, nodes, constants, shape=(1, 6, 4, 3)))
    assert "Attention" in names(model) and "Transpose" not in names(model)


def test_queries_of_an_image_keys_of_a_smaller_one(tmp_path):
    """SegFormer's spatial reduction: keys and values of a strided convolution."""
    nodes = [
        ("Reshape", ["x", "flat"], ["f"], {}),
        ("Transpose", ["f"], ["tokens"], {"perm": [0, 2, 1]}),
        ("MatMul", ["tokens", "wq"], ["q0"], {}),
        ("Reshape", ["q0", "heads"], ["q1"], {}),
        ("Transpose", ["q1"], ["q"], {"perm": [0, 2, 1, 3]}),
        ("Conv", ["x", "kernel"], ["small"], {"strides": [2, 2]}),
        ("Reshape", ["small", "flat"], ["g"], {}),
        ("Transpose", ["g"], ["few"], {"perm": [0, 2, 1]}),
        ("MatMul", ["few", "wkv"], ["kv0"], {}),
        ("Reshape", ["kv0", "pair"], ["kv1"], {}),
        ("Transpose", ["kv1"], ["kv"], {"perm": [2, 0, 3, 1, 4]}),
        ("Gather", ["kv", "zero"], ["k"], {"axis": 0}),
        ("Gather", ["kv", "one"], ["v"], {"axis": 0}),
        ("Transpose", ["k"], ["kt"], {"perm": [0, 1, 3, 2]}),
        ("MatMul", ["q", "kt"], ["s"], {}),
        ("Mul", ["s", "scale"], ["ss"], {}),
        ("Softmax", ["ss"], ["p"], {"axis": -1}),
        ("MatMul", ["p", "v"], ["o"], {}),
        ("Transpose", ["o"], ["ot"], {"perm": [0, 2, 1, 3]}),
        ("Reshape", ["ot", "joined"], ["oj"], {}),
        ("Transpose", ["oj"], ["channels"], {"perm": [0, 2, 1]}),
        ("Reshape", ["channels", "image"], ["y"], {}),
    ]
    constants = {
        "flat": whole(1, 6, -1),
        "wq": weights(6, 6),
        "wkv": weights(6, 12),
        "kernel": weights(6, 6, 2, 2),
        "heads": whole(1, 24, 2, 3),
        "pair": whole(1, -1, 2, 2, 3),
        "joined": whole(1, 24, 6),
        "image": whole(1, 6, 6, 4),
        "zero": np.array(0),
        "one": np.array(1),
        "scale": np.float32(3**-0.5),
    }
    model = check(net(tmp_path, nodes, constants, shape=(1, 6, 6, 4)))
    layers = [name for name in names(model) if name != "Reshape"]
    assert sorted(layers) == ["Attention", "Conv2D", "Dense", "Dense"]


def test_multihead_attention_of_torch(tmp_path):
    """(tokens, batch, channels), the heads merged into the batch; two images stay apart."""
    heads, channels = 3, WIDTH // 3
    nodes = [
        ("Transpose", ["x"], ["a"], {"perm": [1, 0, 2]}),  # (tokens, 1, C)
        ("MatMul", ["a", "matrix"], ["b"], {}),
        ("Add", ["b", "bias"], ["c"], {}),
        ("Reshape", ["c", "three"], ["d"], {}),  # (tokens, 1, 3, C)
        ("Unsqueeze", ["d", "zero"], ["e"], {}),
        ("Transpose", ["e"], ["f"], {"perm": [3, 1, 2, 0, 4]}),
        ("Squeeze", ["f", "three_axis"], ["g"], {}),  # (3, tokens, 1, C)
    ]
    for place, name in enumerate("qkv"):
        nodes += [
            ("Gather", ["g", f"at{place}"], [f"{name}0"], {"axis": 0}),
            ("Reshape", [f"{name}0", "merged"], [f"{name}1"], {}),  # (tokens, heads, channels)
            ("Transpose", [f"{name}1"], [f"{name}2"], {"perm": [1, 0, 2]}),
        ]
    nodes += [
        ("Mul", ["q2", "scale"], ["qs"], {}),
        ("Transpose", ["k2"], ["kt"], {"perm": [0, 2, 1]}),
        ("MatMul", ["qs", "kt"], ["s"], {}),
        ("Softmax", ["s"], ["p"], {"axis": -1}),
        ("MatMul", ["p", "v2"], ["o"], {}),
        ("Transpose", ["o"], ["ot"], {"perm": [1, 0, 2]}),
        ("Reshape", ["ot", "rows"], ["r"], {}),  # (tokens, C)
        ("Gemm", ["r", "out", "bias_out"], ["h"], {"transB": 1}),
        ("Reshape", ["h", "back"], ["i"], {}),
        ("Transpose", ["i"], ["y"], {"perm": [1, 0, 2]}),
    ]
    constants = {
        "matrix": weights(WIDTH, 3 * WIDTH),
        "bias": weights(3 * WIDTH),
        "three": whole(TOKENS, 1, 3, WIDTH),
        "zero": whole(0),
        "three_axis": whole(3),
        **{f"at{place}": np.array(place) for place in range(3)},
        "merged": whole(TOKENS, heads, channels),
        "scale": np.float32(channels**-0.5),
        "rows": whole(TOKENS, WIDTH),
        "out": weights(WIDTH, WIDTH),
        "bias_out": weights(WIDTH),
        "back": whole(TOKENS, 1, WIDTH),
    }
    model = check(net(tmp_path, nodes, constants, shape=(1, TOKENS, WIDTH)))
    assert names(model) == ["Dense", "Attention", "Dense"]
    two = weights(2, TOKENS, WIDTH)
    one_by_one = np.concatenate([model(two[:1]), model(two[1:])])
    np.testing.assert_allclose(model(two), one_by_one, atol=1e-6)


def test_windows_with_relative_positions_and_a_mask(tmp_path):
    """Swin: windows of 2x3 pixels are one with the batch, each with a mask of its own."""
    heads, channels, rows, columns = 2, 3, 2, 3
    tokens, windows = rows * columns, 6
    width = heads * channels
    mask = np.where(weights(windows, 1, tokens, tokens) > 0.3, -100, 0).astype("float32")
    nodes = [
        ("Reshape", ["x", "six"], ["a"], {}),
        ("Transpose", ["a"], ["b"], {"perm": [0, 1, 3, 2, 4, 5]}),
        ("Reshape", ["b", "windows"], ["w"], {}),  # (windows, tokens, C)
        ("MatMul", ["w", "matrix"], ["m"], {}),
        ("Reshape", ["m", "five"], ["r"], {}),
        ("Transpose", ["r"], ["t"], {"perm": [2, 0, 3, 1, 4]}),
        *(("Gather", ["t", f"at{i}"], [name], {"axis": 0}) for i, name in enumerate("qkv")),
        ("Mul", ["q", "scale"], ["qs"], {}),
        ("Transpose", ["k"], ["kt"], {"perm": [0, 1, 3, 2]}),
        ("MatMul", ["qs", "kt"], ["s"], {}),
        ("Gather", ["table", "index"], ["g"], {"axis": 0}),
        ("Reshape", ["g", "square"], ["h"], {}),
        ("Transpose", ["h"], ["i"], {"perm": [2, 0, 1]}),
        ("Unsqueeze", ["i", "zero"], ["bias"], {}),
        ("Add", ["s", "bias"], ["sb"], {}),
        ("Reshape", ["sb", "apart"], ["s5"], {}),
        ("Add", ["s5", "mask"], ["sm"], {}),
        ("Reshape", ["sm", "together"], ["s4"], {}),
        ("Softmax", ["s4"], ["p"], {"axis": -1}),
        ("MatMul", ["p", "v"], ["o"], {}),
        ("Transpose", ["o"], ["ot"], {"perm": [0, 2, 1, 3]}),
        ("Reshape", ["ot", "channels"], ["oc"], {}),
        ("MatMul", ["oc", "out"], ["z"], {}),
        ("Reshape", ["z", "unsix"], ["u"], {}),
        ("Transpose", ["u"], ["n"], {"perm": [0, 1, 3, 2, 4, 5]}),
        ("Reshape", ["n", "tokens"], ["y"], {}),
    ]
    rng = np.random.default_rng(3)
    constants = {
        "six": whole(1, 3, rows, 2, columns, width),
        "windows": whole(-1, tokens, width),
        "matrix": weights(width, 3 * width),
        "five": whole(windows, tokens, 3, heads, channels),
        **{f"at{i}": np.array(i) for i in range(3)},
        "scale": np.float32(channels**-0.5),
        "table": weights(15, heads),
        "index": rng.integers(0, 15, tokens * tokens),
        "square": whole(tokens, tokens, -1),
        "zero": whole(0),
        "apart": whole(-1, windows, heads, tokens, tokens),
        "mask": mask[None],
        "together": whole(-1, heads, tokens, tokens),
        "channels": whole(windows, tokens, width),
        "out": weights(width, width),
        "unsix": whole(1, 3, 2, rows, columns, width),
        "tokens": whole(1, 36, width),
    }
    model = check(net(tmp_path, nodes, constants, shape=(1, 36, width)))
    layer = next(each for each in model.layers if type(each).__name__ == "Attention")
    assert [weight.shape for weight in layer.biases] == [
        (1, heads, tokens, tokens),
        (windows, 1, tokens, tokens),
    ]
    two = weights(2, 36, width)
    one_by_one = np.concatenate([model(two[:1]), model(two[1:])])
    np.testing.assert_allclose(model(two), one_by_one, atol=1e-6)
