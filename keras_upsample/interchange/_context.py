"""What the functions of the operators work with: values by name, and layers written one by one."""

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..program._array_operations import Transpose
from ..program._emit import Emitter
from ..program._graph import Tensor
from ..program._operations import Reshape
from ._net import OnnxNode
from ._value import CHANNELS_LAST, Value

Known = Value | np.ndarray


class UnreadError(Exception):
    """An operator in a form that is not read; its text says which form, and what would help."""


class Context:
    """One node's surroundings.

    Attributes:
        node: the node.
        inputs: its inputs: values, constants, or None for absent ones.
        opset: of the file.
    """

    def __init__(
        self, node: OnnxNode, inputs: Sequence[Known | None], opset: int, name: str
    ) -> None:
        self.node, self.inputs, self.opset, self.name = node, list(inputs), opset, name
        self.emit = Emitter(SimpleNamespace(name=name, dtype_policy=None), ())

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute; texts as `str`, lists as tuples."""
        value = self.node.attributes.get(name, default)
        if isinstance(value, bytes):
            return value.decode()
        return tuple(value) if isinstance(value, list) else value

    def value(self, place: int = 0) -> Value:
        """An input that flows."""
        found = self.inputs[place]
        if not isinstance(found, Value):
            raise UnreadError(f"input {place} is a constant")
        return found

    def constant(self, place: int, default: Any = None) -> Any:
        """An input that the file holds, or the default where it is absent."""
        found = self.inputs[place] if place < len(self.inputs) else None
        if found is None:
            return default
        if isinstance(found, Value):
            raise UnreadError(f"input {place} is computed; it must be in the file")
        return found

    def option(self, name: str, place: int, default: Any = None) -> Any:
        """What older opsets have as an attribute and newer ones as an input."""
        found = self.constant(place)
        if found is None:
            return self.attribute(name, default)
        return tuple(found.tolist()) if found.ndim else found.item()

    # Writing.

    def write(self, operation: Any, suffix: str = "") -> Tensor:
        """The tensor of an operation of programs."""
        return self.emit.write(operation, suffix)

    def call(self, layer: Any, *tensors: Tensor) -> Tensor:
        """The tensor of a layer."""
        return self.emit.call(layer, *tensors)

    def ordered(self, value: Value, order: Sequence[int], suffix: str = "_order") -> Value:
        """The value with its axes in this order; data move where axes above 1 change places."""
        order = tuple(order)
        if value.order == order:
            return value
        if value.order[0] != order[0]:
            raise UnreadError(f"axes in the order {value.order}, the batch not in front")
        axes = tuple(value.order.index(axis) for axis in order)
        shape = value.tensor.shape
        moved = [axis for axis in axes if shape[axis] != 1]
        if moved == sorted(moved):
            target = tuple(shape[axis] for axis in axes[1:])
            tensor = self.write(Reshape(value.tensor, target), suffix)
        else:
            tensor = self.write(Transpose(value.tensor, axes), suffix)
        return Value(tensor, order, value.positive)

    def image(self, place: int = 0) -> Value:
        """An input of rank 4 as Keras has images: channels last."""
        value = self.value(place)
        if value.rank != 4:
            raise UnreadError(f"an input of {value.rank} dimensions; images have 4")
        return self.ordered(value, CHANNELS_LAST[4])

    def like(self, value: Value, tensor: Tensor, *, positive: bool = False) -> Value:
        """A result with the axes of a value."""
        return Value(tensor, value.order, positive)


def layer_name(name: str, taken: Mapping[str, Any]) -> str:
    """A name that Keras takes and no other layer has: `/enc/conv1/Conv` -> `enc_conv1_Conv`."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-") or "node"
    if not plain[0].isalpha():
        plain = f"n{plain}"
    result, number = plain, 1
    while result in taken:
        number += 1
        result = f"{plain}_{number}"
    return result
