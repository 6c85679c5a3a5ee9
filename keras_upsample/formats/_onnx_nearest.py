"""Nearest resizing at factors that are not whole, as two gathers.

ONNX's Resize rounds the coordinate of an output pixel in each runtime's own way: ONNX Runtime takes
another pixel than TensorFlow at 4% of the pairs of sizes up to 200. The index that TensorFlow
computes in float32 is computed in the graph.
"""

from typing import Any

import numpy as np

from ._onnx_resampling import as_int64, constant, replace_by, transposed_axes


def copy_nearest(ctx: Any, node: Any) -> None:
    """Rows, then columns of a channels-last image, gathered channels first."""
    options = {
        "align_corners": bool(node.get_attr_value("align_corners", False)),
        "half_pixel": bool(node.get_attr_value("half_pixel_centers", False)),
    }
    before, after = ctx.get_shape(node.input[0]), ctx.get_shape(node.output[0])
    known = all(shape is not None and -1 not in shape[1:3] for shape in (before, after))
    image, size = transposed_axes(ctx, node.input[0], (0, 3, 1, 2)), node.input[1]
    indices = []
    for k in (0, 1):
        if known:
            index = constant(ctx, nearest_index(before[1 + k], after[1 + k], **options))
        else:
            index = _computed_index(ctx, image, size, k, **options)
        indices.append(index)
    rows = ctx.make_node("Gather", [image, indices[0]], attr={"axis": 2}).output[0]
    replace_by(ctx, node, "Gather", [rows, indices[1]], {"axis": 3})


def _computed_index(
    ctx: Any, image: str, size: str, k: int, *, align_corners: bool, half_pixel: bool
) -> str:
    """`nearest_index` of axis 2 + k, in operators."""
    from onnx import TensorProto

    def make(kind: str, *inputs: str, **attributes: Any) -> str:
        return ctx.make_node(kind, list(inputs), attr=attributes).output[0]

    def number(value: float, dtype: type = np.float32) -> str:
        return constant(ctx, np.array(value, dtype))

    def real(name: str) -> str:
        return make("Cast", name, to=TensorProto.FLOAT)

    position = number(k, np.int64)
    n = make("Gather", make("Shape", image), number(2 + k, np.int64))
    m = make("Gather", as_int64(ctx, size), position)
    step = make("Div", real(n), real(m))
    if align_corners:
        one = number(1)
        inner = make("Div", make("Sub", real(n), one), make("Max", make("Sub", real(m), one), one))
        step = make("Where", make("Greater", real(m), one), inner, step)
    zero, unit = number(0, np.int64), number(1, np.int64)
    place = real(make("Range", zero, m, unit))
    if half_pixel:
        place = make("Add", place, number(0.5))
    place = make("Mul", place, step)
    if align_corners:
        place = make("Add", place, number(0.5))
    whole = make("Cast", make("Floor", place), to=TensorProto.INT64)
    return make("Min", whole, make("Sub", n, unit))


def nearest_index(n: Any, m: Any, *, align_corners: bool, half_pixel: bool) -> np.ndarray:
    """TensorFlow's index of the pixel of `n` that each of `m` pixels copies."""
    one, i = np.float32(1), np.arange(m, dtype=np.float32)
    if align_corners and m > 1:
        step = np.float32(n - 1) / np.float32(m - 1)
    else:
        step = np.float32(n) / np.float32(m)
    place = (i + (one / 2 if half_pixel else 0)) * step
    whole = np.floor(place + one / 2) if align_corners else np.floor(place)
    return np.minimum(whole, n - 1).astype(np.int64)
