"""One block of a graph as a model of its own, in any of its forms."""

from typing import Any

from ._assemble import model_of
from ._graph import Graph, Tensor, applied
from ._rewrite import KEEP, Rewrite


def block_model(proposal: Rewrite, graph: Graph, form: str) -> Any:
    """A Keras model of the block: as it stands in the graph, or rewritten.

    The block's inputs must have known heights, widths and channels; an open batch becomes 1.
    """
    import keras

    inputs = []
    for tensor in proposal.inputs:
        shape = (tensor.shape[0] or 1, *tensor.shape[1:])
        inputs.append(Tensor(keras.KerasTensor(shape, dtype=tensor.spec.dtype)))
    stands = form == KEEP
    output = _replayed(proposal, graph, inputs) if stands else proposal.forms[form](*inputs)
    names = [f"input_{i}" for i in range(len(inputs))]
    return model_of(Graph(inputs, [output]), names, output, names, "block")


def _replayed(proposal: Rewrite, graph: Graph, inputs: list[Tensor]) -> Tensor:
    from keras import tree

    values = {id(old): new for old, new in zip(proposal.inputs, inputs, strict=True)}

    def value(leaf: Any) -> Any:
        return values[id(leaf)] if isinstance(leaf, Tensor) else leaf

    for node in graph.between(proposal.inputs, proposal.output):
        args, kwargs = tree.map_structure(value, (node.args, node.kwargs))
        _, outputs = applied(node.operation, *args, **kwargs)
        for old, new in zip(node.outputs, tree.flatten(outputs), strict=True):
            values[id(old)] = new
    return values[id(proposal.output)]
