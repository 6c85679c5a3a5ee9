"""ONNX forms of the TensorFlow operators that change an image's size.

tf2onnx's own handlers write attribute values that were withdrawn from ONNX
(`tf_half_pixel_for_nn`), turn an area resize into a nearest one, and, where height and width are
open, wrap every resize and transposed convolution in some twenty nodes of shape arithmetic. The
forms here need none of it wherever the output size is an affine function of the input size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ._inference import inference_function
from ._signature import Signature

_RESIZES = {
    "ResizeNearestNeighbor": "nearest",
    "ResizeBilinear": "linear",
    "ResizeBicubic": "cubic",
}
_WITHOUT_FORM = ("ResizeArea", "ScaleAndTranslate")
# Pairs of image sizes at which a model with open sizes is traced; a model may refuse small ones.
_PROBES = ((64, 96), (256, 320), (572, 604))


Sample = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) before and after one operator, in pixels."""


def size_samples(model: Any, signature: Signature) -> dict[str, list[Sample]]:
    """Sizes before and after each resize and transposed convolution, by TensorFlow node name.

    A model with open sizes is traced at two fixed ones and the static shapes are read. The sizes
    of every such layer follow an affine law, and two points determine it.
    """
    if all(None not in spec.shape[1:] for spec in signature.inputs):
        return _node_sizes(model, _at(signature, 1))
    for probes in _PROBES:
        try:
            first, second = (_node_sizes(model, _at(signature, size)) for size in probes)
        except Exception:  # the model refuses this size, whatever the error; try a larger one
            continue
        return {name: first[name] + second[name] for name in first.keys() & second.keys()}
    return {}


def _at(signature: Signature, size: int) -> Signature:
    def close(shape: tuple[int | None, ...]) -> tuple[int, ...]:
        return (shape[0] or 1, *(n or size for n in shape[1:]))

    return replace(
        signature,
        inputs=tuple(replace(spec, shape=close(spec.shape)) for spec in signature.inputs),
    )


def _node_sizes(model: Any, signature: Signature) -> dict[str, list[Sample]]:
    from .. import ops

    # Forms that need a fixed size would put other nodes here than the graph to be converted has.
    with ops.resize_forms({"bicubic": ("operator", "taps")}):
        graph = inference_function(model, signature).get_concrete_function().graph
    sizes = {}
    for node in graph.get_operations():
        if node.type in _RESIZES or node.type == "Conv2DBackpropInput":
            image = node.inputs[2 if node.type == "Conv2DBackpropInput" else 0]
            before, after = image.shape[1:3], node.outputs[0].shape[1:3]
            if None in before or None in after:
                continue
            # tf2onnx joins an operator and its bias to one node of the second's name.
            joined = [user for user in node.outputs[0].consumers() if user.type == "BiasAdd"]
            for name in (node.name, *(user.name for user in joined)):
                sizes[name] = [(tuple(before), tuple(after))]
    return sizes


def operator_handlers(
    samples: Mapping[str, list[Sample]], refused: list[str]
) -> dict[str, tuple[Callable, list]]:
    """Handlers for `tf2onnx.convert.from_function(custom_op_handlers=...)`.

    tf2onnx goes on after a handler's error: what has no equal ONNX form is put into `refused`.
    """

    def resize(ctx: Any, node: Any, name: str, args: list) -> None:
        if node.type == "ResizeBicubic" and not node.get_attr_value("half_pixel_centers", False):
            refused.append(f"{node.type} without half-pixel centres at {name!r}")
        if node.type == "ResizeBicubic" and not _exact_in_table(samples.get(name, [])):
            refused.append(f"{node.type} by a factor that is no power of two at {name!r}")
        _resize(ctx, node, samples.get(name, []))

    def transposed(ctx: Any, node: Any, name: str, args: list) -> None:
        _transposed_convolution(ctx, node, samples.get(name, []))

    def refuse(ctx: Any, node: Any, name: str, args: list) -> None:
        refused.append(f"{node.type} at {name!r}")

    return {
        "FloorMod": (_floor_mod, []),
        "FloorDiv": (_floor_div, []),
        "StridedSlice": (_strided_slice, []),
        **{op: (resize, []) for op in _RESIZES},
        **{op: (refuse, []) for op in _WITHOUT_FORM},
        "Conv2DBackpropInput": (transposed, []),
    }


def _resize(ctx: Any, node: Any, samples: list[Sample]) -> None:
    mode = _RESIZES[node.type]
    scale = _integer_scale(samples)
    attributes = _resize_attributes(node, mode, integer=scale is not None)
    image = _transpose(ctx, node.input[0], (0, 3, 1, 2))
    if scale is not None:
        inputs = [image, "", _constant(ctx, np.array([1, 1, *scale], np.float32))]
    else:
        # Not the attribute `axes` of opset 18: ONNX Runtime loses constant sizes beside it.
        shape = ctx.make_node("Shape", [image]).output[0]
        zero, two = _constant(ctx, np.array([0])), _constant(ctx, np.array([2]))
        head = ctx.make_node("Slice", [shape, zero, two]).output[0]
        sizes = ctx.make_node("Concat", [head, _as_int64(ctx, node.input[1])], {"axis": 0})
        inputs = [image, "", "", sizes.output[0]]
    _replace_by(ctx, node, "Resize", inputs, attributes)


def _exact_in_table(samples: list[Sample]) -> bool:
    """Whether TensorFlow's bicubic, whose weights come from a table of 1,024 steps, is exact."""

    def exact(n: int, m: int) -> bool:  # u(i) = ((2 i + 1) n - m) / 2m, in steps of 1 / 1024
        return not np.any(((2 * np.arange(m) + 1) * n - m) * 1024 % (2 * m))

    axes = [pair for before, after in samples for pair in zip(before, after, strict=True)]
    return bool(axes) and all(exact(n, m) for n, m in axes)


def _integer_scale(samples: list[Sample]) -> tuple[int, int] | None:
    """The factors by which every sample grows, or None."""
    scales = {
        (after[0] // before[0], after[1] // before[1])
        if after[0] % before[0] == after[1] % before[1] == 0
        else None
        for before, after in samples
    }
    return scales.pop() if len(scales) == 1 else None


def _resize_attributes(node: Any, mode: str, *, integer: bool) -> dict[str, Any]:
    align = bool(node.get_attr_value("align_corners", False))
    half_pixel = bool(node.get_attr_value("half_pixel_centers", False))
    coordinates = "align_corners" if align else "half_pixel" if half_pixel else "asymmetric"
    attributes: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        # floor((i + 0.5) / s) = floor(i / s) for integer s; the second is what every runtime has.
        # Otherwise floor((i + 0.5) / s) = round_half_up(u) with the half-pixel coordinate u.
        if integer and not align:
            attributes["coordinate_transformation_mode"] = "asymmetric"
            attributes["nearest_mode"] = "floor"
        else:
            attributes["nearest_mode"] = (
                "floor" if coordinates == "asymmetric" else "round_prefer_ceil"
            )
    if mode == "cubic":
        # TensorFlow's with half-pixel centres: Keys' kernel, a = -0.5, taps outside dropped.
        attributes |= {"cubic_coeff_a": -0.5, "exclude_outside": 1}
    return attributes


def _transposed_convolution(ctx: Any, node: Any, samples: list[Sample]) -> None:
    from tf2onnx.onnx_opset.nn import ConvTranspose

    channels_last = node.get_attr_value("data_format", b"NHWC") in (b"NHWC", "NHWC")
    dilated = set(node.get_attr_value("dilations", [1])) != {1}
    surplus = None
    kernel = ctx.get_shape(node.input[1])  # (kh, kw, out, in)
    if channels_last and not dilated and kernel is not None and -1 not in kernel:
        strides = list(node.get_attr_value("strides"))[1:3]
        surplus = _surplus(samples, kernel[:2], strides)
    if surplus is None:
        ConvTranspose.version_1(ctx, node)
        return
    # TensorFlow's gradient of SAME takes the larger half of an odd surplus from the end; a
    # negative surplus are rows that no kernel reaches.
    begins = [max(n, 0) // 2 for n in surplus]
    ends = [max(n, 0) - begin for n, begin in zip(surplus, begins, strict=True)]
    attributes = {"strides": strides, "pads": begins + ends, "kernel_shape": list(kernel[:2])}
    if min(surplus) < 0:
        attributes["output_padding"] = [max(-n, 0) for n in surplus]
    weights = _transpose(ctx, node.input[1], (3, 2, 0, 1))
    image = _transpose(ctx, node.input[2], (0, 3, 1, 2))
    bias = list(node.input[3:])
    if min(surplus) < 0 and bias:
        # ONNX Runtime leaves the bias out where no kernel reaches.
        _replace_by(ctx, node, "ConvTranspose", [image, weights], attributes, bias=bias[0])
    else:
        _replace_by(ctx, node, "ConvTranspose", [image, weights, *bias], attributes)


def _surplus(
    samples: list[Sample], kernel: Sequence[int], strides: list[int]
) -> tuple[int, int] | None:
    """By how much the full output, (n - 1) s + k, exceeds the real one, if always the same."""
    surplus = {
        tuple(
            (n - 1) * s + k - m for n, m, s, k in zip(before, after, strides, kernel, strict=True)
        )
        for before, after in samples
    }
    if len(surplus) != 1:
        return None
    height, width = surplus.pop()
    return height, width


def _is_integer(ctx: Any, name: str) -> bool:
    from onnx import TensorProto

    return ctx.get_dtype(name) in (TensorProto.INT32, TensorProto.INT64)


def _floor_mod(ctx: Any, node: Any, name: str, args: list) -> None:
    """tf2onnx takes x - trunc(x / y) y, which is another number for a negative x."""
    from tf2onnx.onnx_opset.math import FloorMod

    if _is_integer(ctx, node.input[0]):
        node.type = "Mod"
    else:
        FloorMod.version_7(ctx, node)


def _floor_div(ctx: Any, node: Any, name: str, args: list) -> None:
    """floor(x / y) = (x - mod(x, y)) / y; the division of integers alone truncates."""
    from tf2onnx.onnx_opset.math import FloorDiv

    if not _is_integer(ctx, node.input[0]):
        FloorDiv.version_6(ctx, node)
        return
    x, y = node.input
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    rest = ctx.make_node("Mod", [x, y], dtypes=dtypes, shapes=shapes).output[0]
    whole = ctx.make_node("Sub", [x, rest], dtypes=dtypes, shapes=shapes).output[0]
    ctx.make_node("Div", [whole, y], name=node.name, outputs=outputs, dtypes=dtypes, shapes=shapes)


def _strided_slice(ctx: Any, node: Any, name: str, args: list) -> None:
    """A crop of an image to a size that the graph computes, without tf2onnx's masks around it."""
    from tf2onnx.onnx_opset.tensor import StridedSlice

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
        StridedSlice.version_13(ctx, node)
        return
    axes = [axis for axis in range(rank) if not mask("end_mask") >> axis & 1]
    starts = [
        0 if mask("begin_mask") >> axis & 1 else begin.get_tensor_value()[axis] for axis in axes
    ]
    image, end = node.input[0], node.input[2]
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    ends = ctx.make_node("Gather", [_as_int64(ctx, end), _constant(ctx, np.array(axes))]).output[0]
    ctx.make_node(
        "Slice",
        [image, _constant(ctx, np.array(starts)), ends, _constant(ctx, np.array(axes))],
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )


def _replace_by(
    ctx: Any, node: Any, op: str, inputs: list[str], attributes: dict, bias: str = ""
) -> None:
    """Put `op`, computed channels first, in the place of a channels-last node; then the bias."""
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    inner = ctx.make_node(op, inputs, attr=attributes, dtypes=dtypes)
    if shapes[0] is not None:
        n, h, w, c = shapes[0]
        ctx.set_shape(inner.output[0], [n, c, h, w])
    place = {"name": node.name, "outputs": outputs, "shapes": shapes, "dtypes": dtypes}
    if bias:
        image = ctx.make_node(
            "Transpose", inner.output, {"perm": [0, 2, 3, 1]}, shapes=shapes, dtypes=dtypes
        )
        ctx.make_node("Add", [image.output[0], bias], **place)
    else:
        ctx.make_node("Transpose", inner.output, {"perm": [0, 2, 3, 1]}, **place)


def _transpose(ctx: Any, name: str, permutation: tuple[int, ...]) -> str:
    return ctx.make_node("Transpose", [name], {"perm": list(permutation)}).output[0]


def _constant(ctx: Any, values: np.ndarray) -> str:
    from tf2onnx import utils

    return ctx.make_const(utils.make_name("constant"), values).output[0]


def _as_int64(ctx: Any, name: str) -> str:
    from onnx import TensorProto

    return ctx.make_node("Cast", [name], {"to": TensorProto.INT64}).output[0]
