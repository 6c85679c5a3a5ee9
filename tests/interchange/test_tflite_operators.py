"""Operators of TFLite, one a file, against LiteRT's reference kernels."""

import keras
import numpy as np
import pytest
from tflite_files import SHAPE, check, one_operator, weights, with_shapes

from keras_upsample.errors import ArtefactError

SAME, VALID = 0, 1
RELU, RELU6, TANH = 1, 3, 4  # as the schema numbers them
CONV = {"of": "Conv2DOptions", "dilationHFactor": 1, "dilationWFactor": 1}
DEPTHWISE = {"of": "DepthwiseConv2DOptions", "dilationHFactor": 1, "dilationWFactor": 1}
TRANSPOSED = {"of": "TransposeConvOptions"}
POOL = {"of": "Pool2DOptions"}


def options(base, padding=SAME, strides=(1, 1), fused=0, **more):
    rows, columns = strides
    return {
        **base,
        "padding": padding,
        "strideH": rows,
        "strideW": columns,
        "fusedActivationFunction": fused,
        **more,
    }


def ints(*values):
    return np.array(values, "int32")


IMAGES = {
    "conv same": ("CONV_2D", [weights(5, 3, 3, 4), weights(5)], options(CONV)),
    "conv strided": ("CONV_2D", [weights(5, 3, 2, 4), weights(5)], options(CONV, strides=(2, 3))),
    "conv valid": ("CONV_2D", [weights(5, 3, 3, 4), weights(5)], options(CONV, VALID, fused=RELU)),
    "conv dilated": (
        "CONV_2D",
        [weights(5, 3, 3, 4), weights(5)],
        options({**CONV, "dilationHFactor": 2}, fused=RELU6),
    ),
    "depthwise": (
        "DEPTHWISE_CONV_2D",
        [weights(1, 3, 3, 4), weights(4)],
        options(DEPTHWISE, strides=(2, 2), fused=RELU6, depthMultiplier=1),
    ),
    "two filters a channel": (
        "DEPTHWISE_CONV_2D",
        [weights(1, 5, 3, 8), weights(8)],
        options(DEPTHWISE, depthMultiplier=2),
    ),
    "mean pool same": (
        "AVERAGE_POOL_2D",
        [],
        options(POOL, strides=(2, 2), filterHeight=3, filterWidth=2),
    ),
    "mean pool": (
        "AVERAGE_POOL_2D",
        [],
        options(POOL, VALID, strides=(2, 1), filterHeight=2, filterWidth=3),
    ),
    "global mean pool": (
        "AVERAGE_POOL_2D",
        [],
        options(POOL, VALID, strides=(6, 7), filterHeight=6, filterWidth=7),
    ),
    "max pool same": (
        "MAX_POOL_2D",
        [],
        options(POOL, strides=(2, 2), filterHeight=3, filterWidth=3),
    ),
    "bilinear": (
        "RESIZE_BILINEAR",
        [ints(12, 21)],
        {"of": "ResizeBilinearOptions", "halfPixelCenters": True},
    ),
    "bilinear of the borders": (
        "RESIZE_BILINEAR",
        [ints(11, 13)],
        {"of": "ResizeBilinearOptions", "alignCorners": True},
    ),
    "bilinear as of TensorFlow 1": (
        "RESIZE_BILINEAR",
        [ints(9, 14)],
        {"of": "ResizeBilinearOptions", "alignCorners": False},
    ),
    "nearest": (
        "RESIZE_NEAREST_NEIGHBOR",
        [ints(12, 21)],
        {"of": "ResizeNearestNeighborOptions", "alignCorners": False},
    ),
    "depth to space": ("DEPTH_TO_SPACE", [], {"of": "DepthToSpaceOptions", "blockSize": 2}),
    "pad": ("PAD", [ints(0, 0, 1, 2, 0, 3, 0, 0).reshape(4, 2)], {}),
    "pad with ones": (
        "PADV2",
        [ints(0, 0, 1, 2, 0, 3, 0, 0).reshape(4, 2), np.float32(1)],
        {},
    ),
    "mirror": (
        "MIRROR_PAD",
        [ints(0, 0, 1, 2, 0, 3, 0, 0).reshape(4, 2)],
        {"of": "MirrorPadOptions", "mode": 0},
    ),
    "mean": ("MEAN", [ints(1, 2)], {"of": "ReducerOptions", "keepDims": True}),
    "sum": ("SUM", [ints(-1)], {"of": "ReducerOptions", "keepDims": False}),
    "greatest": ("REDUCE_MAX", [ints(1)], {"of": "ReducerOptions", "keepDims": False}),
    "reshape": ("RESHAPE", [ints(1, 42, 4)], {"of": "ReshapeOptions", "newShape": [1, 42, 4]}),
    "transpose": ("TRANSPOSE", [ints(0, 3, 1, 2)], {}),
    "slice": ("SLICE", [ints(0, 1, 2, 1), ints(1, 3, -1, 2)], {}),
    "strided slice": (
        "STRIDED_SLICE",
        [ints(0, 1, 0, 2), ints(1, -1, 0, 3), ints(1, 2, 3, 1)],
        {"of": "StridedSliceOptions", "beginMask": 1, "endMask": 4, "shrinkAxisMask": 8},
    ),
    "gather": ("GATHER", [ints(2, 0, 2)], {"of": "GatherOptions", "axis": 3}),
    "softmax": ("SOFTMAX", [], {"of": "SoftmaxOptions", "beta": 1.0}),
    "warmer softmax": ("SOFTMAX", [], {"of": "SoftmaxOptions", "beta": 0.5}),
    "leaky relu": ("LEAKY_RELU", [], {"of": "LeakyReluOptions", "alpha": 0.3}),
    "prelu": ("PRELU", [weights(1, 1, 4)], {}),
    "fully connected": (
        "FULLY_CONNECTED",
        [weights(5, 4), weights(5)],
        {"of": "FullyConnectedOptions", "keepNumDims": True, "fusedActivationFunction": RELU},
    ),
    "constant": ("ADD", [weights(4)], {"of": "AddOptions", "fusedActivationFunction": RELU}),
}


@pytest.mark.parametrize("name", IMAGES)
def test_operators_of_images(name, tmp_path):
    kind, operands, chosen = IMAGES[name]
    outputs = [(1, 3, 5, 2)] if kind == "SLICE" else [(1,)]
    maker = one_operator(kind, ["x", *operands], outputs=outputs, **chosen)
    check(with_shapes(maker), tmp_path)


@pytest.mark.parametrize(
    "kind, low",
    [
        (kind, -1)
        for kind in ("RELU", "RELU6", "LOGISTIC", "TANH", "HARD_SWISH", "ELU", "ABS", "NEG")
    ]
    + [(kind, -1) for kind in ("SQUARE", "EXP", "FLOOR", "CEIL")]
    + [(kind, 0.1) for kind in ("SQRT", "RSQRT", "LOG")],
)
def test_operators_of_elements(kind, low, tmp_path):
    check(with_shapes(one_operator(kind)), tmp_path, low=low)


@pytest.mark.parametrize(
    "kind, chosen",
    [
        ("ADD", {"of": "AddOptions", "fusedActivationFunction": RELU}),
        ("SUB", {"of": "SubOptions", "fusedActivationFunction": 0}),
        ("MUL", {"of": "MulOptions", "fusedActivationFunction": RELU6}),
        ("MAXIMUM", {}),
        ("MINIMUM", {}),
        ("SQUARED_DIFFERENCE", {}),
        ("CONCATENATION", {"of": "ConcatenationOptions", "axis": 3}),
        ("BATCH_MATMUL", {"of": "BatchMatMulOptions", "adjY": True}),
    ],
)
def test_operators_of_two(kind, chosen, tmp_path):
    maker = one_operator(kind, ["x", "z"], [SHAPE, SHAPE], **chosen)
    check(with_shapes(maker), tmp_path)


@pytest.mark.parametrize(
    "size, strides, padding, length",
    [(2, 2, SAME, 12), (4, 2, SAME, 12), (3, 2, SAME, 12), (3, 2, SAME, 11), (3, 2, VALID, 13)],
)
def test_transposed_convolution(size, strides, padding, length, tmp_path):
    shape = (1, 6, 6, 4)
    operands = [ints(1, length, length, 3), weights(3, size, size, 4), "x", weights(3)]
    chosen = options(TRANSPOSED, padding, (strides, strides))
    content = with_shapes(one_operator("TRANSPOSE_CONV", operands, [shape], **chosen))
    check(content, tmp_path)


def test_split(tmp_path):
    chosen = {"of": "SplitOptions", "numSplits": 2}
    outputs = ((1,), (1,))
    maker = one_operator("SPLIT", [np.int32(3), "x"], outputs=outputs, **chosen)
    assert len(check(with_shapes(maker), tmp_path).outputs) == 2


def test_fully_connected_of_an_image(tmp_path):
    chosen = {"of": "FullyConnectedOptions", "keepNumDims": False}
    operands = ["x", weights(5, 168), weights(5)]
    model = check(with_shapes(one_operator("FULLY_CONNECTED", operands, **chosen)), tmp_path)
    assert model.output_shape == (None, 5)


def test_weights_are_weights_of_layers(tmp_path):
    operands = ["x", weights(5, 3, 3, 4), weights(5)]
    maker = one_operator("CONV_2D", operands, **options(CONV, fused=RELU))
    model = check(with_shapes(maker), tmp_path)
    assert [type(layer).__name__ for layer in model.layers][1:] == ["Conv2D", "Activation"]
    assert model.layers[1].name == "y0"
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == 5 * 36 + 5
    assert keras.config.floatx() == model.layers[1].kernel.dtype


def test_what_litert_leaves_out_is_refused(tmp_path):
    operands = ["x", weights(5, 3, 3, 4), weights(5)]
    maker = one_operator("CONV_2D", operands, **options(CONV, fused=TANH))
    with pytest.raises(ArtefactError, match=r"CONV_2D of 'y0' can't be read: activation 4 within"):
        check(with_shapes(maker), tmp_path)
