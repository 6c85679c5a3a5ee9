"""New nodes in a finished ONNX graph, where an old one stands."""

from collections.abc import Sequence
from typing import Any

import numpy as np


class NodesBefore:
    """Collects nodes and puts them in front of another, in the order in which they were made.

    Args:
        graph: of the file; changed in place.
        node: in front of which they come.
        name: with which the names of new nodes and constants begin.
    """

    def __init__(self, graph: Any, node: Any, name: str) -> None:
        self._graph, self._node, self._name = graph, node, name
        self._made: list[Any] = []

    def constant(self, label: str, values: Sequence[int]) -> str:
        """The name of a new constant of 64-bit integers."""
        from onnx import numpy_helper

        name = f"{self._name}_{label}"
        array = np.array(values, np.int64)
        self._graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    def step(self, kind: str, label: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """The name of a new node's output; by default that of the node."""
        from onnx import helper

        name = f"{self._name}_{label}"
        self._made.append(helper.make_node(kind, inputs, [output or name], name, **attributes))
        return output or name

    def insert(self) -> None:
        """Put the nodes into the graph."""
        place = list(self._graph.node).index(self._node)
        for offset, each in enumerate(self._made):
            self._graph.node.insert(place + offset, each)
