"""Explicit pads in place of ONNX' `auto_pad`."""

from collections.abc import Mapping, Sequence
from typing import Any

from ._onnx_insert import NodesBefore

_SAME = b"SAME_UPPER"


def explicit_pads(proto: Any) -> None:
    """`auto_pad` of convolutions -> pads, in place.

    An axis of n pixels has max((k - 1) d - (n - 1) mod s, 0) rows around it for a kernel of k rows
    at the dilation d and the stride s, the odd one at the end. At stride 1 that does not depend on
    n. Where it does and n is open, a Pad in front takes it from n in the graph.

    ONNX Runtime has no automatic padding of dilated convolutions. Its WebGPU provider, also that of
    onnxruntime-web, padded those of a larger stride wrongly until 2026 (onnxruntime#26734).
    """
    convolutions = [
        node
        for node in proto.graph.node
        if node.op_type == "Conv" and {"auto_pad", "kernel_shape"} <= set(_attributes(node))
    ]
    convolutions = [node for node in convolutions if _attributes(node)["auto_pad"] == _SAME]
    sizes = _sizes(proto) if any(_strided(node) for node in convolutions) else {}
    for node in convolutions:
        attributes = _attributes(node)
        kernel = attributes["kernel_shape"]
        strides = attributes.get("strides", [1] * len(kernel))
        rates = attributes.get("dilations", [1] * len(kernel))
        reaches = [(size - 1) * rate for size, rate in zip(kernel, rates, strict=True)]
        lengths = sizes.get(node.input[0], [None] * len(kernel))
        rows = [
            reach if 1 in (s, reach + 1) else None if n is None else max(reach - (n - 1) % s, 0)
            for reach, s, n in zip(reaches, strides, lengths, strict=True)
        ]
        known = [n for n in rows if n is not None]
        if len(known) == len(rows):
            _set_pads(node, [n // 2 for n in known] + [n - n // 2 for n in known])
        else:
            _pad_in_front(proto.graph, node, reaches, strides)


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {a.name: helper.get_attribute_value(a) for a in node.attribute}


def _strided(node: Any) -> bool:
    return any(stride != 1 for stride in _attributes(node).get("strides", ()))


def _sizes(proto: Any) -> Mapping[str, list[int | None]]:
    """Tensor -> its lengths behind batch and channels; None where a length is open."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(proto).graph
    found = {}
    for value in (*graph.input, *graph.value_info):
        dims = value.type.tensor_type.shape.dim
        lengths = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
        found[value.name] = lengths[2:]
    return {name: lengths for name, lengths in found.items() if lengths}


def _set_pads(node: Any, pads: Sequence[int]) -> None:
    from onnx import helper

    kept = [a for a in node.attribute if a.name not in ("auto_pad", "pads")]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute("pads", list(pads))])


def _pad_in_front(graph: Any, node: Any, reaches: Sequence[int], strides: Sequence[int]) -> None:
    image = node.input[0]
    new = NodesBefore(graph, node, f"{node.name or node.output[0]}__pads")
    axes = len(reaches)
    shape = new.step("Shape", "shape", image)
    ends = new.constant("first", [2]), new.constant("last", [2 + axes])
    lengths = new.step("Slice", "lengths", shape, *ends)
    before = new.step("Sub", "before", lengths, new.constant("one", [1] * axes))
    rest = new.step("Mod", "rest", before, new.constant("strides", strides))
    rows = new.step("Sub", "rows", new.constant("reaches", reaches), rest)
    rows = new.step("Max", "rows_or_none", rows, new.constant("none", [0] * axes))
    begin = new.step("Div", "begin", rows, new.constant("two", [2] * axes))
    end = new.step("Sub", "end", rows, begin)
    still = new.constant("still", [0, 0])  # batch and channels
    pads = new.step("Concat", "all", still, begin, still, end, axis=0)
    node.input[0] = new.step("Pad", "image", image, pads)
    _set_pads(node, [0] * 2 * axes)
    new.insert()
