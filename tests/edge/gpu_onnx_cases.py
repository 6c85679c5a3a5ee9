"""What ONNX Runtime's WebGPU provider makes of single operators."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gpu_case import REFUSED, WRONG, Case
from gpu_onnx import IMAGE, case, number, whole


def resize(text: str, attributes: Mapping[str, Any], scales: Sequence[float], **facts: Any) -> Case:
    """Resize."""
    constants = {"_": (), "scales": np.array(scales, "float32")}
    return case("Resize", text, attributes, None, constants, **facts)


def convolution(text: str, rows: int, **attributes: Any) -> Case:
    """Conv of 3x3 at stride 2."""
    attributes = {"strides": [2, 2], **attributes}
    upstream = "onnxruntime#26734, mended by #27249" if "auto_pad" in attributes else ""
    shapes, constants = {"x": (1, 8, rows, rows)}, {"w": (4, 8, 3, 3)}
    return case("Conv", f"{text}, {rows} pixels", attributes, shapes, constants, upstream=upstream)


def groups(count: int, inputs: int, outputs: int, **facts: Any) -> Case:
    """Conv of 3x3 in groups."""
    text = f"{count} groups, inputs {inputs}, outputs {outputs} each"
    constants = {"w": (count * outputs, inputs, 3, 3)}
    return case("Conv", text, {"group": count}, None, constants, **facts)


def transposed(text: str, kernel: int, **attributes: Any) -> Case:
    """ConvTranspose of an image of odd sizes."""
    shapes, constants = {"x": (1, 8, 5, 7)}, {"w": (8, 4, kernel, kernel)}
    return case("ConvTranspose", text, attributes, shapes, constants)


def sums(operator: str, text: str, axes: Sequence[int], **facts: Any) -> Case:
    """A reduction."""
    return case(operator, text, {"keepdims": 0}, None, {"axes": whole(*axes)}, **facts)


_HALVES = {"end": whole(2**62), "step": whole(2), "0_": whole(0), "1_": whole(1)}
_SLICES = [
    node
    for image, axis, first in (("x", "columns", 0), ("2", "rows", 3))
    for node in (
        ("Slice", [image, "0_", "end", axis, "step"], {}),
        ("Slice", [image, "1_", "end", axis, "step"], {}),
        ("Concat", [f"{first}", f"{first + 1}"], {"axis": 1}),
    )
]
_BOTH = {"ends": whole(2**62, 2**62), "axes": whole(2, 3), "steps": whole(2, 2)}
_STARTS = {f"{a}{b}_": whole(a, b) for a in (0, 1) for b in (0, 1)}
_FOUR = [("Slice", ["x", start, "ends", "axes", "steps"], {}) for start in _STARTS]
_TURNED = [
    ("Reshape", ["x", "apart"], {}),
    ("Transpose", ["0"], {"perm": [0, 3, 5, 1, 2, 4]}),
    ("Reshape", ["1", "together"], {}),
]
_SIZES = {"apart": whole(1, 8, 2, 2, 3, 2), "together": whole(1, 32, 2, 3)}
_FLOOR = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
_ALIGNED = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
_ON_GPU = {"instead": "slices and Concat of columns, then of rows"}
_LAST = {"outcome": WRONG, "instead": "Transpose to channels first and back"}
_INT32 = {"x": (IMAGE, "int32"), "z": ((1, 8, 1, 6), "int32")}
_LONG = [("Cast", ["x"], {"to": 7}), ("Cast", ["z"], {"to": 7}), ("Equal", ["0", "1"], {})]
_GROUPS = {
    "outcome": WRONG,
    "instead": "copies of the inputs by Gather, and groups of 1 to 4 outputs",
}

CONVOLUTIONS = (
    convolution("auto_pad SAME_UPPER, stride 2", 6, auto_pad="SAME_UPPER"),
    convolution("auto_pad SAME_UPPER, stride 2", 7, auto_pad="SAME_UPPER"),
    convolution("auto_pad SAME_LOWER, stride 2", 6, auto_pad="SAME_LOWER"),
    convolution("explicit pads, stride 2", 6, pads=[0, 0, 1, 1]),
    convolution("explicit pads, stride 2", 7, pads=[1, 1, 1, 1]),
    case("Conv", "2 groups", {"group": 2}, None, {"w": (4, 4, 3, 3)}),
    *(groups(*sizes) for sizes in ((8, 1, 3), (8, 1, 4), (8, 1, 8), (2, 4, 8))),
    *(groups(*sizes, **_GROUPS) for sizes in ((8, 1, 5), (8, 1, 6), (2, 4, 6))),
    transposed(
        "3x3, stride 2, output_padding", 3, strides=[2, 2], pads=[1] * 4, output_padding=[1, 1]
    ),
    transposed("3x3, stride 2, pads at the end", 3, strides=[2, 2], pads=[0, 0, 1, 1]),
    transposed("16x16, stride 8", 16, strides=[8, 8], pads=[4] * 4),
)
SHUFFLES = (
    case(
        "SpaceToDepth",
        "by 2",
        {"blocksize": 2},
        left=("SpaceToDepth",),
        upstream="onnxruntime#27814, open",
        quick=True,
        **_ON_GPU,
    ),
    case(
        "Slice",
        "4 of rows and columns, Concat",
        [*_FOUR, ("Concat", ["0", "1", "2", "3"], {"axis": 1})],
        None,
        {**_BOTH, **_STARTS},
        left=("SpaceToDepth",),
        upstream="onnxruntime#27747",
        **_ON_GPU,
    ),
    case(
        "Slice",
        "2 of columns, Concat, 2 of rows, Concat",
        _SLICES,
        None,
        {**_HALVES, "columns": whole(3), "rows": whole(2)},
    ),
    case("Reshape", "Transpose, Reshape: an unshuffle", _TURNED, None, _SIZES),
    case("DepthToSpace", "by 2, DCR", {"blocksize": 2}),
    case("DepthToSpace", "by 2, CRD", {"blocksize": 2, "mode": "CRD"}),
    case("DepthToSpace", "batch of 2", {"blocksize": 2}, {"x": (2, 8, 4, 6)}),
)
RESIZES = (
    resize("cubic, half_pixel", {"mode": "cubic"}, (1, 1, 2, 2)),
    resize(
        "cubic, half_pixel, exclude_outside", {"mode": "cubic", "exclude_outside": 1}, (1, 1, 2, 2)
    ),
    resize("cubic, channels last", {"mode": "cubic"}, (1, 2, 2, 1), **_LAST),
    resize(
        "cubic, antialias, by 1/2",
        {"mode": "cubic", "antialias": 1},
        (1, 1, 0.5, 0.5),
        outcome=REFUSED,
        words="The antialias attribute of Resize operator is NOT implemented",
        instead="a product with a matrix",
    ),
    resize("linear, half_pixel, by 2", {"mode": "linear"}, (1, 1, 2, 2)),
    resize("linear, half_pixel, by 3", {"mode": "linear"}, (1, 1, 3, 3)),
    resize("linear, align_corners", _ALIGNED, (1, 1, 2, 2)),
    resize("linear, channels last", {"mode": "linear"}, (1, 2, 2, 1), quick=True, **_LAST),
    resize("nearest, asymmetric, floor", _FLOOR, (1, 1, 2, 2)),
    resize("nearest, channels last", _FLOOR, (1, 2, 2, 1)),
)
OTHERS = (
    case(
        "Add", "int32, constant 6", {}, {"x": (IMAGE, "int32")}, {"k": np.arange(6, dtype="int32")}
    ),
    case("Add", "float32 5x6x8, constant 5x6x8", {}, {"x": (5, 6, 8)}, {"k": (5, 6, 8)}),
    case("MatMul", "constant on the left", [("MatMul", ["k", "x"], {})], None, {"k": (1, 8, 5, 4)}),
    case(
        "MatMul",
        "constant on the left, one for 8",
        [("MatMul", ["k", "x"], {})],
        None,
        {"k": (5, 4)},
    ),
    case("MatMul", "two tensors, one matrix for 8", {}, {"x": IMAGE, "z": (1, 1, 6, 5)}),
    case("Pow", "constant base", [("Pow", ["k", "x"], {})], None, {"k": number(2)}),
    case("Gather", "constant places", {"axis": 1}, None, {"i": whole(3, 0, 1)}),
    case("Gather", "places from a tensor", {}, {"x": (256, 8), "i": ((3, 7), "int32")}),
    case("Where", "a number", {}, {"c": (IMAGE, "bool"), "x": IMAGE}, {"k": number(0)}),
    case("Where", "condition 1x1x4x1", {}, {"c": ((1, 1, 4, 1), "bool"), "x": IMAGE, "z": IMAGE}),
    case("Equal", "int32", {}, _INT32),
    case(
        "Equal",
        "int64",
        _LONG,
        _INT32,
        left=("Equal",),
        upstream="onnxruntime#29756, closed",
        instead="int32",
    ),
    sums("ReduceMin", "channels", (1,)),
    sums("ReduceMax", "rows and columns", (2, 3)),
    case("ArgMax", "channels", {"axis": 1}),
    case(
        "CumSum", "exclusive, in reverse", {"exclusive": 1, "reverse": 1}, None, {"a": np.array(1)}
    ),
    case("Pad", "reflect", {"mode": "reflect"}, None, {"p": whole(0, 0, 1, 2, 0, 0, 2, 1)}),
    case("Pad", "edge", {"mode": "edge"}, None, {"p": whole(0, 0, 1, 2, 0, 0, 2, 1)}),
    case("Pad", "zeros, 5x6x8", {}, {"x": (5, 6, 8)}, {"p": whole(1, 2, 0, 0, 1, 3)}),
    case("Softmax", "channels, a middle axis", {"axis": 1}),
    case("Softmax", "last axis", {"axis": 3}),
    case(
        "MaxPool",
        "with Indices",
        {"kernel_shape": [2, 2], "strides": [2, 2], "also": ["i"]},
        outcome=REFUSED,
        words="The Indices output is not supported yet",
        instead="comparisons with the maximum",
    ),
    case("Round", "float32", {}, left=("Round",), instead="Floor of a sum"),
    case("Sign", "float32", {}, left=("Sign",)),
    case(
        "GridSample",
        "linear",
        {},
        {"x": IMAGE, "g": (1, 5, 7, 2)},
        left=("GridSample",),
        instead="Gather and sums",
    ),
)
