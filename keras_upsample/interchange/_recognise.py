"""Groups of nodes by which exporters write one operation."""

from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from ._net import OnnxNet, OnnxNode
from ._operators.normalizations import GROUP_NORMALIZATION, is_plain


def recognised(net: OnnxNet) -> OnnxNet:
    """The net with one node in place of each group, without nodes that no output needs."""
    whole = _Whole(net)
    nodes = []
    for node in net.nodes:
        rules = (rule(node, whole) for rule in (_group_normalization, _sum_of_stack))
        nodes.append(next((one for one in rules if one is not None), node))
    needed, kept = set(net.outputs), []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return replace(net, nodes=kept[::-1])


class _Whole:
    """Who makes and who reads a tensor."""

    def __init__(self, net: OnnxNet) -> None:
        self._net = net
        self._makers = {name: node for node in net.nodes for name in node.outputs}
        self._readers = Counter(name for node in net.nodes for name in node.inputs)
        self._readers.update(net.outputs)

    def maker(self, name: str, kind: str) -> OnnxNode | None:
        """The node of this kind that makes a tensor, if only one node reads it."""
        node = self._makers.get(name)
        return node if node and node.kind == kind and self._readers[name] == 1 else None

    def constant(self, node: OnnxNode, place: int) -> Any:
        """An input that the file holds, or None."""
        from onnx import numpy_helper

        name = node.inputs[place] if place < len(node.inputs) else ""
        maker = self._makers.get(name)
        if maker is not None and maker.kind == "Constant" and "value" in maker.attributes:
            return numpy_helper.to_array(maker.attributes["value"])
        return self._net.constants.get(name)

    def axes(self, node: OnnxNode) -> list[int] | None:
        """`axes`, an attribute or an input."""
        found = node.attributes.get("axes", self.constant(node, 1))
        return None if found is None else [int(axis) for axis in found]


def _group_normalization(last: OnnxNode, whole: _Whole) -> OnnxNode | None:
    """Reshape (N, G, -1), InstanceNormalization with scales 1 and shifts 0, Reshape back.

    It is what PyTorch writes for GroupNorm. The values of a group lie together in (N, C, H, W), so
    that the mean of a row of (N, G, -1) is the mean of a group.
    """
    if last.kind != "Reshape":
        return None
    middle = whole.maker(last.inputs[0], "InstanceNormalization")
    first = middle and whole.maker(middle.inputs[0], "Reshape")
    if middle is None or not first:
        return None
    shape = whole.constant(first, 1)
    plain = is_plain(whole.constant(middle, 1), 1) and is_plain(whole.constant(middle, 2), 0)
    if not plain or shape is None or len(shape) != 3:
        return None
    attributes = {"groups": int(shape[1]), **middle.attributes}
    return replace(
        middle,
        kind=GROUP_NORMALIZATION,
        inputs=(first.inputs[0],),
        outputs=last.outputs,
        attributes=MappingProxyType(attributes),
    )


def _sum_of_stack(last: OnnxNode, whole: _Whole) -> OnnxNode | None:
    """Unsqueeze of each part, Concat along the new axis, ReduceSum over it: a sum of the parts."""
    if last.kind != "ReduceSum" or last.attributes.get("keepdims", 1) or whole.axes(last) != [0]:
        return None
    stack = whole.maker(last.inputs[0], "Concat")
    if stack is None or stack.attributes["axis"] != 0:
        return None
    parts = [whole.maker(name, "Unsqueeze") for name in stack.inputs]
    if any(part is None or whole.axes(part) != [0] for part in parts):
        return None
    inputs = tuple(part.inputs[0] for part in parts if part is not None)
    return replace(last, kind="Sum", inputs=inputs, attributes=MappingProxyType({}))
