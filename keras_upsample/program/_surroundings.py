"""Producers and consumers of a graph's nodes, for rules."""

from ._graph import Graph, Node, Tensor


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
