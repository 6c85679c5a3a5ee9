"""ONNX forms of TensorFlow's resizes and transposed convolutions.

tf2onnx's own write attribute values that were withdrawn from ONNX (`tf_half_pixel_for_nn`), and
shape arithmetic around every one of them; these need none of it wherever the output size is an
affine function of the input size.
"""

from typing import Any

import numpy as np

from .._others import _tf2onnx
from ._onnx_sizes import Sample, integer_scale, surplus_of

_MODES = {
    "ResizeNearestNeighbor": "nearest",
    "ResizeBilinear": "linear",
}


def resize(ctx: Any, node: Any, samples: list[Sample]) -> None:
    mode = _MODES[node.type]
    scale = integer_scale(samples)
    attributes = _resize_attributes(node, mode)
    image = transposed_axes(ctx, node.input[0], (0, 3, 1, 2))
    if scale is not None:
        inputs = [image, "", constant(ctx, np.array([1, 1, *scale], np.float32))]
    else:
        # Not the attribute `axes` of opset 18: ONNX Runtime loses constant sizes beside it.
        shape = ctx.make_node("Shape", [image]).output[0]
        zero, two = constant(ctx, np.array([0])), constant(ctx, np.array([2]))
        head = ctx.make_node("Slice", [shape, zero, two]).output[0]
        sizes = ctx.make_node("Concat", [head, as_int64(ctx, node.input[1])], {"axis": 0})
        inputs = [image, "", "", sizes.output[0]]
    replace_by(ctx, node, "Resize", inputs, attributes)


def _resize_attributes(node: Any, mode: str) -> dict[str, Any]:
    if mode == "nearest":
        # At whole factors floor((i + 0.5) / s) = floor(i / s), which every runtime has.
        return {
            "mode": mode,
            "coordinate_transformation_mode": "asymmetric",
            "nearest_mode": "floor",
        }
    align = bool(node.get_attr_value("align_corners", False))
    half_pixel = bool(node.get_attr_value("half_pixel_centers", False))
    coordinates = "align_corners" if align else "half_pixel" if half_pixel else "asymmetric"
    return {"mode": mode, "coordinate_transformation_mode": coordinates}


def transposed_convolution(ctx: Any, node: Any, samples: list[Sample]) -> None:
    channels_last = node.get_attr_value("data_format", b"NHWC") in (b"NHWC", "NHWC")
    dilated = set(node.get_attr_value("dilations", [1])) != {1}
    surplus = None
    kernel = ctx.get_shape(node.input[1])  # (kh, kw, out, in)
    if channels_last and not dilated and kernel is not None and -1 not in kernel:
        strides = list(node.get_attr_value("strides"))[1:3]
        surplus = surplus_of(samples, kernel[:2], strides)
    if surplus is None:
        _tf2onnx.write_as_usual("Conv2DBackpropInput", ctx, node)
        return
    # TensorFlow's gradient of SAME takes the larger half of an odd surplus from the end; a
    # negative surplus are rows that no kernel reaches.
    begins = [max(n, 0) // 2 for n in surplus]
    ends = [max(n, 0) - begin for n, begin in zip(surplus, begins, strict=True)]
    attributes = {"strides": strides, "pads": begins + ends, "kernel_shape": list(kernel[:2])}
    if min(surplus) < 0:
        attributes["output_padding"] = [max(-n, 0) for n in surplus]
    weights = transposed_axes(ctx, node.input[1], (3, 2, 0, 1))
    image = transposed_axes(ctx, node.input[2], (0, 3, 1, 2))
    replace_by(ctx, node, "ConvTranspose", [image, weights, *node.input[3:]], attributes)


def replace_by(ctx: Any, node: Any, op: str, inputs: list[str], attributes: dict) -> None:
    """Put `op`, computed channels first, in the place of a channels-last node."""
    shapes, dtypes, outputs = node.output_shapes, node.output_dtypes, node.output
    ctx.remove_node(node.name)
    inner = ctx.make_node(op, inputs, attr=attributes, dtypes=dtypes)
    if shapes[0] is not None:
        n, h, w, c = shapes[0]
        ctx.set_shape(inner.output[0], [n, c, h, w])
    ctx.make_node(
        "Transpose",
        inner.output,
        {"perm": [0, 2, 3, 1]},
        name=node.name,
        outputs=outputs,
        shapes=shapes,
        dtypes=dtypes,
    )


def transposed_axes(ctx: Any, name: str, permutation: tuple[int, ...]) -> str:
    return ctx.make_node("Transpose", [name], {"perm": list(permutation)}).output[0]


def constant(ctx: Any, values: np.ndarray) -> str:
    return ctx.make_const(_tf2onnx.new_name("constant"), values).output[0]


def as_int64(ctx: Any, name: str) -> str:
    from onnx import TensorProto

    return ctx.make_node("Cast", [name], {"to": TensorProto.INT64}).output[0]
