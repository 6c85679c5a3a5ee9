"""What a rule sees: one node of a file, the nodes that made its inputs, constants, readers."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._net import OnnxNet, OnnxNode


class Declined(Exception):
    """A group of nodes that is nearly the rule's; its text says what differs."""


@dataclass(frozen=True)
class Regrouping:
    """An image whose axes are told apart, transposed, and joined again.

    Attributes:
        source: the image's name.
        image, apart, result: shapes before the first Reshape, behind it, and behind the last one.
        order: of the Transpose.
    """

    source: str
    image: tuple[int, ...]
    apart: tuple[int, ...]
    order: tuple[int, ...]
    result: tuple[int, ...]


class Around:
    """Who makes and who reads each tensor of a net, and its shape where that is known."""

    def __init__(self, net: OnnxNet, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.net, self.shapes = net, shapes
        self.makers = {name: node for node in net.nodes for name in node.outputs}
        self.readers: dict[str, list[OnnxNode]] = defaultdict(list)
        for node in net.nodes:
            for name in node.inputs:
                self.readers[name].append(node)

    def reader_count(self, name: str) -> int:
        """How many inputs of nodes, and outputs of the net, are a tensor."""
        return len(self.readers[name]) + list(self.net.outputs).count(name)


class Here:
    """A node that may be the last one of a group.

    Attributes:
        this: the node.
        seen: the nodes that the rule looked at; a reason why it declined is theirs.
    """

    def __init__(self, this: OnnxNode, around: Around) -> None:
        self.this, self._around = this, around
        self.seen = [this]

    def maker(self, name: str, *kinds: str, shared: bool = False) -> OnnxNode | None:
        """The node that makes a tensor, if it is of one of the kinds.

        Args:
            name: of the tensor.
            kinds: operators; none for any.
            shared: whether other nodes may read the tensor too. Then its maker stays in the net.
        """
        node = self._around.makers.get(name)
        if node is None or (kinds and node.kind not in kinds):
            return None
        if not shared and self._around.reader_count(name) != 1:
            return None
        self.seen.append(node)
        return node

    @property
    def opset(self) -> int:
        """Of the file."""
        return self._around.net.opset

    def readers(self, name: str) -> Sequence[OnnxNode]:
        """The nodes that read a tensor."""
        return self._around.readers[name]

    def is_output(self, name: str) -> bool:
        """Whether the net returns a tensor."""
        return name in self._around.net.outputs

    def constant(self, node: OnnxNode, place: int) -> Any:
        """An input that depends on no input of the net, or None."""
        return self.array(node.inputs[place]) if place < len(node.inputs) else None

    def array(self, name: str) -> Any:
        """A constant, or None where a tensor depends on an input of the net."""
        return self._around.net.constants.get(name)

    def number(self, node: OnnxNode, place: int) -> float | None:
        """An input that is a single number, or None."""
        found = self.constant(node, place)
        return None if found is None or found.size != 1 else float(found.reshape(()))

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The lengths of a tensor, the batch as 1; None where one is not known."""
        return self._around.shapes.get(name)

    def regrouping(self) -> Regrouping | None:
        """This node as the last of Reshape, Transpose, Reshape on an image; None if it is not, or
        a shape is not known."""
        last = self.this
        middle = self.maker(last.inputs[0], "Transpose") if last.kind == "Reshape" else None
        first = middle and self.maker(middle.inputs[0], "Reshape")
        if middle is None or not first:
            return None
        image, apart, result = (
            self.shape(name) for name in (first.inputs[0], first.outputs[0], last.outputs[0])
        )
        if image is None or apart is None or result is None or len(image) != 4:
            return None
        order = tuple(middle.attributes.get("perm", ()))
        return Regrouping(first.inputs[0], image, apart, order, tuple(result))

    def axes(self, node: OnnxNode) -> list[int] | None:
        """`axes`, an attribute or an input."""
        found = node.attributes.get("axes", self.constant(node, 1))
        return None if found is None else [int(axis) for axis in found]
