"""Graph of operations -> Keras model."""

from collections.abc import Sequence
from typing import Any

from ._graph import Graph, Node
from ._twin import twin


def model_of(graph: Graph, input_names: Sequence[str], name: str, inputs: Any = None) -> Any:
    """A functional model that computes the graph.

    Args:
        graph: what the model returns, and in which structure.
        input_names: one an input, flat.
        name: of the model.
        inputs: the structure in which the model takes them, whatever the leaves are; None for a
            list.
    """
    import keras
    from keras import tree

    symbols = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.spec.dtype, name=input_name)
        for tensor, input_name in zip(graph.inputs, input_names, strict=True)
    ]
    values = {id(tensor): symbol for tensor, symbol in zip(graph.inputs, symbols, strict=True)}
    operations = _Operations(input_names)
    for node in graph.nodes():
        args, kwargs = node.arguments_from(values)
        results = operations.of(node)(*args, **kwargs)
        for tensor, symbol in zip(node.outputs, tree.flatten(results), strict=True):
            values[id(tensor)] = symbol
    flat = [_own(values[id(tensor)], symbols, operations) for tensor in graph.outputs]
    return keras.Model(
        symbols if inputs is None else tree.pack_sequence_as(inputs, symbols),
        flat if graph.structure is None else tree.pack_sequence_as(graph.structure, flat),
        name=name,
    )


def _own(symbol: Any, inputs: Sequence[Any], operations: "_Operations") -> Any:
    """An output that is an input of the model as well needs a node of its own."""
    import keras

    if not any(symbol is x for x in inputs):
        return symbol
    return keras.layers.Identity(name=operations.free("identity"), autocast=False)(symbol)


class _Operations:
    """Hands out operations with names that are each used once, as Keras asks for.

    Every model gets twins of its own: a graph may be assembled more than once.
    """

    def __init__(self, taken: Sequence[str]) -> None:
        self._taken = set(taken)
        self._by_id: dict[int, Any] = {}

    def of(self, node: Node) -> Any:
        operation = node.operation
        if id(operation) not in self._by_id:
            self._by_id[id(operation)] = twin(operation, self.free(operation.name))
        return self._by_id[id(operation)]

    def free(self, name: str) -> str:
        """The name, with a number if it is taken already."""
        candidate, number = name, 1
        while candidate in self._taken:
            candidate, number = f"{name}_{number}", number + 1
        self._taken.add(candidate)
        return candidate
