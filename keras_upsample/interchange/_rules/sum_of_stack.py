"""A sum of tensors written as a stack of them that is summed."""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from ._here import Declined, Here

NAME = "sum of a stack"


def match(here: Here) -> OnnxNode | None:
    """Unsqueeze of each part, Concat along the new axis, ReduceSum over it: a sum of the parts."""
    last = here.this
    if last.kind != "ReduceSum" or last.attributes.get("keepdims", 1) or here.axes(last) != [0]:
        return None
    stack = here.maker(last.inputs[0], "Concat")
    if stack is None or stack.attributes["axis"] != 0:
        return None
    parts = [here.maker(name, "Unsqueeze") for name in stack.inputs]
    if any(part is None or here.axes(part) != [0] for part in parts):
        raise Declined("each part needs an Unsqueeze of its own, along axis 0")
    inputs = tuple(part.inputs[0] for part in parts if part is not None)
    return replace(last, kind="Sum", inputs=inputs, attributes=MappingProxyType({}))
