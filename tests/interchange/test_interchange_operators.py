"""Operators of ONNX, one a file, against ONNX Runtime and ONNX' reference evaluator."""

import keras
import numpy as np
import pytest
from onnx_files import check, file_of, net, weights, whole

from keras_upsample import interchange
from keras_upsample.errors import ArtefactError

CONVOLUTIONS = {
    "plain": ([weights(5, 6, 3, 3), weights(5)], {}),
    "pads, strides": ([weights(5, 6, 3, 3)], {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "uneven pads": ([weights(5, 6, 2, 3)], {"pads": [0, 2, 1, 1]}),
    "dilated": ([weights(5, 6, 3, 2)], {"dilations": [2, 3], "pads": [2, 2, 2, 1]}),
    "auto_pad upper": ([weights(5, 6, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    "auto_pad lower": ([weights(5, 6, 2, 2)], {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "depthwise": ([weights(6, 1, 3, 3), weights(6)], {"group": 6, "pads": [1, 1, 1, 1]}),
    "two filters a channel": ([weights(12, 1, 3, 3)], {"group": 6, "strides": [2, 2]}),
    "three groups": ([weights(9, 2, 3, 3), weights(9)], {"group": 3, "pads": [1, 0, 1, 2]}),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name, tmp_path):
    constants, options = CONVOLUTIONS[name]
    model = check(file_of(tmp_path, "Conv", constants, **options))
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == sum(
        array.size for array in constants
    )


@pytest.mark.parametrize(
    "kernel, options",
    [
        (2, {"strides": [2, 2]}),
        (4, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
        (3, {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]}),
        (16, {"strides": [8, 8], "pads": [4, 4, 4, 4]}),
    ],
)
def test_transposed_convolutions(kernel, options, tmp_path):
    constants = [weights(6, 4, kernel, kernel), weights(4)]
    check(file_of(tmp_path, "ConvTranspose", constants, **options))


@pytest.mark.parametrize("matrix", [(3, 7), (1, 1, 5, 7)], ids=str)
def test_a_matrix_in_front(matrix, tmp_path):
    """y[..., i, j] = Σ A[i, k] x[..., k, j]: rows of an image, of a file with channels in front."""
    constant = weights(*matrix)
    path = net(tmp_path, [("MatMul", ["a", "x"], ["y"], {})], {"a": constant})
    model = check(path)
    assert [tuple(w.shape) for w in model.trainable_weights] == [matrix[-2:][::-1]]
    x = np.random.default_rng(2).normal(size=(2, 6, 7, 10)).astype("float32")
    by_hand = np.einsum("ik,nckj->ncij", constant.reshape(matrix[-2:]), x)
    y = np.asarray(model(x.transpose(0, 2, 3, 1))).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, by_hand, atol=1e-5)


def test_matrices_in_front_that_are_not_one(tmp_path):
    nodes = [("MatMul", ["a", "x"], ["y"], {})]
    with pytest.raises(ArtefactError, match=r"a constant of the shape \(6, 3, 7\) in front"):
        interchange.from_onnx(net(tmp_path, nodes, {"a": weights(6, 3, 7)}))


def test_elements_beside_their_largest_where_axes_are_one(tmp_path):
    """Blocks of 2x2 pixels as rows (rows x columns of blocks, 4, channels), beside their maxima."""
    nodes = [
        ("SpaceToDepth", ["x"], ["d"], {"blocksize": 2}),
        ("Transpose", ["d"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["t", "four"], ["blocks"], {}),
        ("MaxPool", ["x"], ["m"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Transpose", ["m"], ["mt"], {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["mt", "one"], ["most"], {}),
        ("Less", ["blocks", "most"], ["less"], {}),
        ("Where", ["less", "blocks", "zero"], ["w"], {}),
        ("Reshape", ["w", "back"], ["b"], {}),
        ("Transpose", ["b"], ["y"], {"perm": [0, 3, 1, 2]}),
    ]
    constants = {
        "four": np.array([-1, 4, 6], np.int64),
        "one": np.array([-1, 1, 6], np.int64),
        "back": np.array([1, 4, 5, 24], np.int64),
        "zero": np.float32(0),
    }
    check(net(tmp_path, nodes, constants, shape=(1, 6, 8, 10)))


POOLS = [
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    (
        "MaxPool",
        {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    ),
    ("AveragePool", {"kernel_shape": [2, 3], "strides": [2, 2]}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    ("GlobalAveragePool", {}),
    ("GlobalMaxPool", {}),
]


@pytest.mark.parametrize("kind, options", POOLS)
def test_pools(kind, options, tmp_path):
    check(file_of(tmp_path, kind, **options))


def sizes(*values):
    return [None, None, np.array([1, 6, *values], np.int64)]


def scales(*values):
    return [None, np.array([1, 1, *values], np.float32)]


RESIZES = [
    (scales(2, 2), {"mode": "nearest", "coordinate_transformation_mode": "asymmetric",
                    "nearest_mode": "floor"}),
    (scales(3, 2), {"mode": "nearest"}),
    (scales(2, 2), {"mode": "linear"}),
    (sizes(11, 23), {"mode": "linear"}),
    (sizes(13, 20), {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
    (scales(2, 2), {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}),
    (sizes(5, 4), {"mode": "linear", "coordinate_transformation_mode": "pytorch_half_pixel"}),
    (scales(2, 2), {"mode": "cubic"}),
    (sizes(20, 21), {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}),
]  # fmt: skip


@pytest.mark.parametrize("constants, options", RESIZES)
def test_resizes(constants, options, tmp_path):
    check(file_of(tmp_path, "Resize", constants, **options))


ARITHMETIC = [
    ("Add", [weights(6, 1, 1)]),
    ("Add", [weights(1, 6, 7, 10)]),
    ("Mul", [weights(10)]),
    ("Mul", [np.float32(2.5)]),
    ("Sub", [weights(1, 6, 1, 1)]),
    ("Div", [weights(6, 1, 1, low=0.5)]),
    ("PRelu", [weights(6, 1, 1)]),
    ("PRelu", [weights(1)]),
    ("Clip", [np.float32(0), np.float32(0.5)]),
]


@pytest.mark.parametrize("kind, constants", ARITHMETIC)
def test_arithmetic_with_constants(kind, constants, tmp_path):
    model = check(file_of(tmp_path, kind, constants))
    assert kind == "Clip" or len(model.trainable_weights) == 1


@pytest.mark.parametrize("kind", ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum"])
def test_arithmetic_of_two(kind, tmp_path):
    check(file_of(tmp_path, kind, inputs=("x", "z")), low=0.1)


ELEMENTS = [
    ("Relu", {}), ("LeakyRelu", {"alpha": 0.2}), ("Elu", {"alpha": 0.7}), ("Sigmoid", {}),
    ("Tanh", {}), ("Softplus", {}), ("Softsign", {}), ("HardSwish", {}), ("Mish", {}),
    ("HardSigmoid", {"alpha": 1 / 6}), ("Erf", {}), ("Exp", {}), ("Abs", {}), ("Neg", {}),
    ("Softmax", {"axis": 1}), ("Softmax", {"axis": -1}), ("Identity", {}),
]  # fmt: skip


@pytest.mark.parametrize("kind, options", ELEMENTS)
def test_functions_of_elements(kind, options, tmp_path):
    check(file_of(tmp_path, kind, **options))


MOVES = [
    ("Transpose", [], {"perm": [0, 3, 1, 2]}),
    ("Reshape", [whole(0, -1, 10)], {}),
    ("Reshape", [whole(1, 3, 2, 70)], {}),
    ("Flatten", [], {}),
    ("Unsqueeze", [whole(2)], {}),
    ("Squeeze", [whole(2)], {"shape": (1, 6, 1, 10)}),
    ("Squeeze", [whole(-1)], {"shape": (1, 6, 7, 1)}),
    ("Slice", [whole(1, 2), whole(5, -1), whole(2, 3)], {}),
    ("Slice", [whole(1), whole(2**62), whole(1), whole(2)], {}),
    ("Pad", [whole(0, 0, 1, 2, 0, 0, 0, 3)], {}),
    ("Pad", [whole(0, 0, 1, 2, 0, 0, 1, 2)], {"mode": "reflect"}),
    ("Pad", [whole(0, 0, 1, 2, 0, 0, 1, 2)], {"mode": "edge"}),
    ("Pad", [whole(0, 0, 1, 2, 0, 0, 1, 2), np.float32(0.5)], {}),
    ("Gather", [whole(3, 0, 5)], {"axis": 1}),
    ("Gather", [np.array(4)], {"axis": 2}),
    ("Concat", [weights(1, 2, 7, 10)], {"axis": 1}),
    ("Concat", [weights(1, 0, 7, 10)], {"axis": 1}),
    ("ReduceMean", [whole(2, 3)], {"keepdims": 1}),
    ("ReduceMax", [whole(1)], {"keepdims": 0}),
    ("ReduceSum", [whole(-1)], {"keepdims": 0}),
    ("Concat", [], {"axis": 1, "inputs": ("x", "z")}),
    ("Concat", [], {"axis": 3, "inputs": ("x", "z")}),
    ("Split", [whole(2, 4)], {"axis": 1, "more": ("z",)}),
]


@pytest.mark.parametrize("kind, constants, options", MOVES)
def test_operators_that_move(kind, constants, options, tmp_path):
    check(file_of(tmp_path, kind, constants, **options))


def test_negative_pads_crop(tmp_path):
    """ONNX' reference evaluator has none: ONNX Runtime decides."""
    interchange.from_onnx(file_of(tmp_path, "Pad", [whole(0, 0, -1, 2, 0, 0, 0, -3)]))


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_shuffles(mode, tmp_path):
    check(file_of(tmp_path, "DepthToSpace", shape=(1, 12, 3, 5), blocksize=2, mode=mode))


def test_the_inverse_of_a_shuffle(tmp_path):
    check(file_of(tmp_path, "SpaceToDepth", shape=(1, 3, 6, 8), blocksize=2))


def test_dense_layers(tmp_path):
    check(file_of(tmp_path, "MatMul", [weights(10, 4)]))
    check(file_of(tmp_path, "Gemm", [weights(4, 9), weights(4)], (1, 9), transB=1, alpha=0.5))


def test_batch_normalization_stays_one(tmp_path):
    constants = [weights(6), weights(6), weights(6), weights(6, low=0.5)]
    model = check(file_of(tmp_path, "BatchNormalization", constants, epsilon=1e-3))
    assert type(model.layers[1]) is keras.layers.BatchNormalization


REFUSED = [
    ("GridSample", [weights(1, 4, 4, 2)], {}, "replace it by a Resize"),
    ("Hardmax", [], {}, "this operator is not read yet"),
    ("Gather", [whole(0)], {}, "places of the batch"),
    ("MaxPool", [], {"kernel_shape": [2, 2], "more": ("places",)}, "no max unpooling reads"),
    ("LpPool", [], {"kernel_shape": [2, 2]}, "write it as Abs, Pow, AveragePool"),
]


@pytest.mark.parametrize("kind, constants, options, reason", REFUSED)
def test_what_is_not_read_is_refused_by_name(kind, constants, options, reason, tmp_path):
    with pytest.raises(ArtefactError, match=rf"{kind} at node '/net/{kind}'.*({reason})"):
        interchange.from_onnx(file_of(tmp_path, kind, constants, **options))
