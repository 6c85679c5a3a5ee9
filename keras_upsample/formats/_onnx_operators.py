"""Handlers for `tf2onnx.convert.from_function`, where its own are wrong or verbose."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._others import _tf2onnx
from ._onnx_einsum import write_einsum
from ._onnx_nearest import copy_nearest
from ._onnx_resampling import as_int64, constant, resize, transposed_axes, transposed_convolution
from ._onnx_sizes import RESIZES, Sample, integer_scale

# `_resizes` leaves them only with options that `tf.image.resize` has not. tf2onnx silently turns
# the first into nearest.
_WITHOUT_FORM = ("ResizeArea", "ResizeBicubic", "ScaleAndTranslate")


def operator_handlers(
    samples: Mapping[str, list[Sample]], refused: list[str]
) -> dict[str, tuple[Callable, list]]:
    """Handlers for `tf2onnx.convert.from_function(custom_op_handlers=...)`.

    tf2onnx goes on after a handler's error: what has no equal ONNX form is put into `refused`.
    """

    def on_resize(ctx: Any, node: Any, name: str, args: list) -> None:
        found = samples.get(name, [])
        if node.type == "ResizeNearestNeighbor" and integer_scale(found) is None:
            copy_nearest(ctx, node)
        else:
            resize(ctx, node, found)

    def on_transposed(ctx: Any, node: Any, name: str, args: list) -> None:
        transposed_convolution(ctx, node, samples.get(name, []))

    def on_refused(ctx: Any, node: Any, name: str, args: list) -> None:
        refused.append(f"{node.type} at {name!r}")

    return {
        "Einsum": (write_einsum, []),
        "Erfc": (_less_one, []),
        "Expm1": (_less_one, []),
        "FloorMod": (_floor_mod, []),
        "FloorDiv": (_floor_div, []),
        "StridedSlice": (_strided_slice, []),
        "Reshape": (_reshape, []),
        **{op: (on_resize, []) for op in RESIZES},
        **{op: (on_refused, []) for op in _WITHOUT_FORM},
        "Conv2DBackpropInput": (on_transposed, []),
        "Conv3D": (_convolution_3d, []),
    }


def _convolution_3d(ctx: Any, node: Any, name: str, args: list) -> None:
    """With its groups, which tf2onnx looks for in two dimensions alone."""
    image, kernel = ctx.get_shape(node.input[0]), ctx.get_shape(node.input[1])
    _tf2onnx.write_as_usual("Conv3D", ctx, node)
    if image and kernel and min(image[-1], kernel[-2]) > 0:
        node.set_attr("group", image[-1] // kernel[-2])


def _less_one(ctx: Any, node: Any, name: str, args: list) -> None:
    """erfc(x) = 1 - erf(x), in Keras' exact GELU, and expm1(x) = exp(x) - 1, in its CELU.

    tf2onnx knows neither.
    """
    from onnx.helper import tensor_dtype_to_np_dtype

    kind, inputs = node.type, list(node.input)
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    inner = "Erf" if kind == "Erfc" else "Exp"
    value = ctx.make_node(inner, inputs, dtypes=dtypes, shapes=shapes).output[0]
    one = constant(ctx, np.array(1, tensor_dtype_to_np_dtype(dtypes[0])))
    terms = [one, value] if kind == "Erfc" else [value, one]
    ctx.make_node("Sub", terms, name=node.name, outputs=outputs, dtypes=dtypes, shapes=shapes)


def _is_integer(ctx: Any, name: str) -> bool:
    from onnx import TensorProto

    return ctx.get_dtype(name) in (TensorProto.INT32, TensorProto.INT64)


def _floor_mod(ctx: Any, node: Any, name: str, args: list) -> None:
    """tf2onnx takes x - trunc(x / y) y, which is another number for a negative x."""
    if _is_integer(ctx, node.input[0]):
        node.type = "Mod"
    else:
        _tf2onnx.write_as_usual("FloorMod", ctx, node)


def _floor_div(ctx: Any, node: Any, name: str, args: list) -> None:
    """floor(x / y) = (x - mod(x, y)) / y; the division of integers alone truncates."""
    if not _is_integer(ctx, node.input[0]):
        _tf2onnx.write_as_usual("FloorDiv", ctx, node)
        return
    x, y = node.input
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    rest = ctx.make_node("Mod", [x, y], dtypes=dtypes, shapes=shapes).output[0]
    whole = ctx.make_node("Sub", [x, rest], dtypes=dtypes, shapes=shapes).output[0]
    ctx.make_node("Div", [whole, y], name=node.name, outputs=outputs, dtypes=dtypes, shapes=shapes)


def _reshape(ctx: Any, node: Any, name: str, args: list) -> None:
    """Rows that were joined along the width, read as rows below each other.

    (n, h, w, c) -> (n, h', w', c) orders the pixels of every channel by h w + w alike in either
    layout; the transposes around it then meet those of the convolutions, and tf2onnx drops both.
    """
    before, after = ctx.get_shape(node.input[0]), ctx.get_shape(node.output[0])
    joined = (
        node.inputs[0].type in ("Concat", "ConcatV2")
        and all(shape is not None and len(shape) == 4 for shape in (before, after))
        and -1 not in (*before[1:], *after[1:])
        and (before[0], before[3]) == (after[0], after[3])
    )
    if not joined:
        _tf2onnx.write_as_usual("Reshape", ctx, node)
        return
    image, dtypes, outputs = node.input[0], node.output_dtypes, node.output
    ctx.remove_node(node.name)
    n, height, width, channels = after
    target = constant(ctx, np.array([n, channels, height, width]))
    image = transposed_axes(ctx, image, (0, 3, 1, 2))
    image = ctx.make_node("Reshape", [image, target], dtypes=dtypes).output[0]
    ctx.set_shape(image, [n, channels, height, width])
    ctx.make_node(
        "Transpose",
        [image],
        attr={"perm": (0, 2, 3, 1)},
        name=node.name,
        outputs=outputs,
        dtypes=dtypes,
        shapes=[after],
    )


def _strided_slice(ctx: Any, node: Any, name: str, args: list) -> None:
    """A crop of an image to a size that the graph computes, without tf2onnx's masks around it."""

    def mask(which: str) -> int:
        return int(node.get_attr_value(which, 0))

    begin, strides = node.inputs[1], node.inputs[3]
    rank = len(ctx.get_shape(node.input[0]) or [])
    plain = (
        rank == 4
        and not (mask("ellipsis_mask") or mask("new_axis_mask") or mask("shrink_axis_mask"))
        and begin.is_const()
        and strides.is_const()
        and set(strides.get_tensor_value()) == {1}
        and len(begin.get_tensor_value()) == rank
    )
    if not plain or node.inputs[2].is_const():
        _tf2onnx.write_as_usual("StridedSlice", ctx, node)
        return
    axes = [axis for axis in range(rank) if not mask("end_mask") >> axis & 1]
    starts = [
        0 if mask("begin_mask") >> axis & 1 else begin.get_tensor_value()[axis] for axis in axes
    ]
    image, end = node.input[0], node.input[2]
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    ends = ctx.make_node("Gather", [as_int64(ctx, end), constant(ctx, np.array(axes))]).output[0]
    ctx.make_node(
        "Slice",
        [image, constant(ctx, np.array(starts)), ends, constant(ctx, np.array(axes))],
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )
