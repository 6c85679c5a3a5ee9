"""What a rule proposes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from ._graph import Build, Graph, Node, Tensor

KEEP = "as it is"


@dataclass(frozen=True)
class Rewrite:
    """Equal forms of a block.

    Attributes:
        rule: name of the rule.
        layers: the user's layers in the block, by name.
        inputs, output: of the block.
        forms: name -> build; does not contain the form that stands there.
        gain: what is expected of it, in words.
        block: the block's kind and size in words, which with the target says how long it takes.
        always: whether the first form is never slower, so that nothing need be measured.
    """

    rule: str
    layers: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    output: Tensor
    forms: Mapping[str, Build]
    gain: str
    block: str = ""
    always: bool = False

    def without(self, names: Collection[str]) -> "Rewrite":
        """The same but for some forms."""
        forms = {name: form for name, form in self.forms.items() if name not in names}
        return self if len(forms) == len(self.forms) else replace(self, forms=forms)


class Surroundings:
    """What a rule may ask about a graph; valid until the graph changes."""

    def __init__(self, graph: Graph) -> None:
        self.nodes = graph.nodes()
        self._readers = graph.readers()
        self._calls = graph.calls()

        self._present = {id(node) for node in self.nodes}

    def __contains__(self, node: Node) -> bool:
        return id(node) in self._present

    def shared(self, node: Node) -> bool:
        """Whether the node's layer is called elsewhere as well."""
        return self._calls[id(node.operation)] > 1

    def read_once(self, tensor: Tensor) -> bool:
        """Whether nothing else needs the tensor."""
        return self._readers[id(tensor)] == 1

    def maker(self, tensor: Tensor) -> Node | None:
        """The node that makes the tensor for a single reader, by a layer that is called once."""
        node = tensor.node
        if node is None or not self.read_once(tensor) or self.shared(node):
            return None
        return node if node.infers else None


def sources(*nodes: Node) -> tuple[str, ...]:
    """The user's layers that the nodes stand for, each once."""
    return tuple(dict.fromkeys(name for node in nodes for name in node.source))
