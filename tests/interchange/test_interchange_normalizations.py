"""Normalizations, stacked sums and products of two tensors, as exporters of PyTorch write them."""

from functools import partial

import keras
import numpy as np
import pytest
from onnx_files import check, file_of, net, weights, whole

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError
from keras_upsample.interchange import _build

SHAPE = (1, 6, 5, 4)


net = partial(net, shape=SHAPE)


def names(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


def group_norm(groups, scale=1.0):
    nodes = [
        ("Reshape", ["x", "flat"], ["a"], {}),
        ("InstanceNormalization", ["a", "ones", "zeros"], ["b"], {"epsilon": 1e-3}),
        ("Shape", ["x"], ["s"], {}),
        ("Reshape", ["b", "s"], ["c"], {}),
        ("Mul", ["c", "scale"], ["d"], {}),
        ("Add", ["d", "shift"], ["y"], {}),
    ]
    constants = {
        "flat": whole(0, groups, -1),
        "ones": np.full(groups, scale, "float32"),
        "zeros": np.zeros(groups, "float32"),
        "scale": weights(6, 1, 1),
        "shift": weights(6, 1, 1),
    }
    return nodes, constants


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_normalization_is_one_layer(groups, tmp_path):
    model = check(net(tmp_path, *group_norm(groups)))
    assert names(model) == ["GroupNormalization"]
    assert model.layers[1].groups == groups and len(model.trainable_weights) == 2


def test_what_only_looks_like_group_normalization(tmp_path):
    """With other scales than 1 it is what it says, rows of an image by themselves."""
    model = check(net(tmp_path, *group_norm(3, scale=0.5)))
    assert "Reshape" in " ".join(names(model)) or "Transpose" in " ".join(names(model))


def test_instance_normalization(tmp_path):
    model = check(file_of(tmp_path, "InstanceNormalization", [weights(6), weights(6)]))
    assert len(model.trainable_weights) == 2


@pytest.mark.parametrize("shape", [(1, 9, 6), (1, 3, 5, 6)])
def test_layer_normalization(shape, tmp_path):
    constants = [weights(6), weights(6)]
    check(file_of(tmp_path, "LayerNormalization", constants, shape, axis=-1))


def test_layer_normalization_of_channels_moves_nothing(tmp_path):
    """As ConvNeXt has it: a transpose to channels last, the layer, a transpose back."""
    nodes = [
        ("Transpose", ["x"], ["a"], {"perm": [0, 2, 3, 1]}),
        ("LayerNormalization", ["a", "scale", "shift"], ["b"], {"axis": -1}),
        ("Transpose", ["b"], ["y"], {"perm": [0, 3, 1, 2]}),
    ]
    model = check(net(tmp_path, nodes, {"scale": weights(6), "shift": weights(6)}))
    assert names(model) == ["LayerNormalization"]


def written_out(axis, square="Pow", inverse=False, affine=True, swap=False):
    """A layer normalization, as exporters write it where the opset has none."""
    keep = {"axes": [axis], "keepdims": 1}
    shape = (4,) if axis in (-1, 3) else (6, 1, 1)
    nodes = [
        ("ReduceMean", ["x"], ["m"], keep),
        ("Sub", ["x", "m"], ["c"], {}),
        (square, ["c", "two" if square == "Pow" else "c"], ["s"], {}),
        ("ReduceMean", ["s"], ["v"], keep),
        ("Add", ["eps", "v"] if swap else ["v", "eps"], ["e"], {}),
        ("Sqrt", ["e"], ["r"], {}),
    ]
    if inverse:
        nodes += [("Reciprocal", ["r"], ["i"], {}), ("Mul", ["i", "c"], ["n"], {})]
    else:
        nodes.append(("Div", ["c", "r"], ["n"], {}))
    if affine:
        nodes += [
            ("Mul", ["gamma", "n"] if swap else ["n", "gamma"], ["g"], {}),
            ("Add", ["beta", "g"] if swap else ["g", "beta"], ["o"], {}),
        ]
    nodes.append(("Relu", ["o" if affine else "n"], ["y"], {}))
    constants = {
        "two": np.float32(2),
        "eps": np.float32(1e-3),
        "gamma": weights(*shape),
        "beta": weights(*shape),
    }
    return nodes, constants


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize(
    "how", [{}, {"square": "Mul"}, {"inverse": True}, {"affine": False}, {"swap": True}], ids=str
)
def test_layer_normalization_written_out(axis, how, tmp_path):
    model = check(net(tmp_path, *written_out(axis, **how), opset=13))
    assert names(model) == ["LayerNormalization", "Activation"]
    layer = model.layers[1]
    assert np.isclose(layer.epsilon, 1e-3)
    assert len(layer.trainable_weights) == (2 if how.get("affine", True) else 0)


def test_what_only_looks_like_layer_normalization(tmp_path):
    """The mean of another axis is taken off: no layer normalization, but the same values."""
    nodes, constants = written_out(1)
    nodes[3] = ("ReduceMean", ["s"], ["v"], {"axes": [2], "keepdims": 1})
    model = check(net(tmp_path, nodes, constants, opset=13))
    assert "LayerNormalization" not in names(model)


@pytest.mark.parametrize("count", [2, 4])
def test_a_stack_that_is_summed_is_a_sum(count, tmp_path):
    inputs = [f"x{i}" for i in range(count)]
    nodes = [("Unsqueeze", [name, "axis"], [f"u_{name}"], {}) for name in inputs]
    nodes += [
        ("Concat", [f"u_{name}" for name in inputs], ["stack"], {"axis": 0}),
        ("ReduceSum", ["stack", "axis"], ["y"], {"keepdims": 0}),
    ]
    model = check(net(tmp_path, nodes, {"axis": whole(0)}, inputs))
    assert [name for name in names(model) if name != "InputLayer"] == ["Add"]


def test_products_of_two_tensors(tmp_path):
    """Attention over the pixels: (N, C, HW) x (N, HW, C), softmax, times the values."""
    nodes = [
        ("Reshape", ["x", "flat"], ["k"], {}),
        ("Transpose", ["k"], ["q"], {"perm": [0, 2, 1]}),
        ("MatMul", ["q", "k"], ["scores"], {}),
        ("Softmax", ["scores"], ["weights"], {"axis": -1}),
        ("MatMul", ["k", "weights"], ["mixed"], {}),
        ("Reshape", ["mixed", "image"], ["y"], {}),
    ]
    constants = {"flat": whole(0, 6, -1), "image": whole(1, 6, 5, 4)}
    model = check(net(tmp_path, nodes, constants))
    assert model.output_shape == (None, 5, 4, 6)


def test_axes_that_move_before_the_batch_and_away_again(tmp_path):
    """As attention has it: queries and keys in one tensor, taken apart by their place."""
    nodes = [
        ("Reshape", ["x", "pair"], ["a"], {}),  # (N, 2, 3, 5, 4)
        ("Transpose", ["a"], ["b"], {"perm": [1, 0, 3, 4, 2]}),
        ("Gather", ["b", "first"], ["q"], {"axis": 0}),
        ("Gather", ["b", "second"], ["k"], {"axis": 0}),
        ("Mul", ["q", "k"], ["y"], {}),
    ]
    constants = {"pair": whole(1, 2, 3, 5, 4), "first": np.array(0), "second": np.array(1)}
    check(net(tmp_path, nodes, constants))


def test_nodes_that_no_output_needs_are_not_read(tmp_path):
    nodes = [("Relu", ["x"], ["y"], {}), ("GridSample", ["x", "grid"], ["unused"], {})]
    path = net(tmp_path, nodes, {"grid": weights(1, 4, 4, 2)})
    model = interchange.from_onnx(path)
    assert isinstance(model, keras.Model) and len(model.layers) == 2


def test_a_refusal_names_why_a_group_was_not_read_as_one(tmp_path, monkeypatch):
    monkeypatch.setattr(_build, "KINDS", {k: v for k, v in _build.KINDS.items() if k != "Concat"})
    nodes = [
        ("Unsqueeze", ["x", "axis"], ["a"], {}),
        ("Concat", ["a", "a"], ["stack"], {"axis": 0}),
        ("ReduceSum", ["stack", "axis"], ["y"], {"keepdims": 0}),
    ]
    with pytest.raises(ArtefactError, match="sum of a stack: each part needs an Unsqueeze"):
        interchange.from_onnx(net(tmp_path, nodes, {"axis": whole(0)}))
