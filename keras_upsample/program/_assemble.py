"""Graph of operations -> Keras model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._graph import Graph, Node, Tensor
from ._twin import twin

if TYPE_CHECKING:
    from ._signature import Signature


def model_of(graph: Graph, input_names: Sequence[str], outputs: Any, inputs: Any, name: str) -> Any:
    """A functional model that computes the graph.

    Args:
        graph: its flat outputs are those of the model.
        input_names: one an input, flat.
        outputs, inputs: the structures in which the model returns and takes them; what the leaves
            are doesn't matter.
        name: of the model.
    """
    import keras
    from keras import tree

    symbols = [
        keras.Input(batch_shape=tensor.shape, dtype=tensor.spec.dtype, name=input_name)
        for tensor, input_name in zip(graph.inputs, input_names, strict=True)
    ]
    values = {id(tensor): symbol for tensor, symbol in zip(graph.inputs, symbols, strict=True)}

    def value(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, Tensor) else leaf

    operations = _Operations(input_names)
    for node in graph.nodes():
        args, kwargs = tree.map_structure(value, (node.args, node.kwargs))
        results = operations.of(node)(*args, **kwargs)
        for tensor, symbol in zip(node.outputs, tree.flatten(results), strict=True):
            values[id(tensor)] = symbol
    flat = [_own(values[id(tensor)], symbols, operations) for tensor in graph.outputs]
    return keras.Model(
        tree.pack_sequence_as(inputs, symbols), tree.pack_sequence_as(outputs, flat), name=name
    )


def model_at(
    graph: Graph, outputs: Any, signature: "Signature", name: str
) -> "tuple[Any, Signature]":
    """`model_of` with the inputs of a signature, and the signature of that model.

    A functional model takes no keyword arguments: what were such become a list.
    """
    names = [spec.name for spec in signature.inputs]
    structure = names if signature.keywords else signature.structure
    model = model_of(graph, names, outputs, structure, name)
    return model, replace(signature, structure=structure, keywords=False)


def model_like(
    model: Any, graph: Graph, outputs: Any, signature: "Signature"
) -> "tuple[Any, Signature]":
    """`model_at` with the names of a model and of its outputs."""
    result, own = model_at(graph, outputs, signature, model.name)
    result.output_names = getattr(model, "output_names", result.output_names)
    return result, own


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
