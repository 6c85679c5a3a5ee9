"""One block of a graph as a separate model, in any of its forms."""

from typing import Any

from ..program._applied import KEEP
from ..program._graph import Graph, Tensor, apply
from ..program._write import model_of
from ._rewrite import Rewrite


def block_model(proposal: Rewrite, graph: Graph, form: str, *, pooled: bool = False) -> Any:
    """A Keras model of the block: as it stands in the graph, or rewritten.

    The block's inputs must have known heights, widths and channels; an open batch becomes 1.

    Args:
        proposal: the block.
        graph: the graph that holds the block.
        form: the form to build.
        pooled: put pools that change nothing before the block, and a pool that reads single pixels
            after it. Their layout is the one that the runtime runs fastest, as for most of the
            block's neighbours in the graph. So the time of a form includes the conversion to any
            other layout.
    """
    import keras

    inputs, inner = [], []
    for number, tensor in enumerate(proposal.inputs):
        shape = (tensor.shape[0] or 1, *tensor.shape[1:])
        inputs.append(Tensor(keras.KerasTensor(shape, dtype=tensor.spec.dtype)))
        inner.append(_pool(inputs[-1], 1, f"before{number}") if pooled else inputs[-1])
    stands = form == KEEP
    output = _replay(proposal, graph, inner) if stands else proposal.forms[form].build(*inner)
    if pooled:
        output = _pool(output, 8, "behind")
    names = [f"input_{i}" for i in range(len(inputs))]
    return model_of(Graph(inputs, [output], output), names, "block")


def _pool(x: Tensor, strides: int, name: str) -> Tensor:
    import keras

    if len(x.shape) != 4:
        return x
    layer = keras.layers.MaxPooling2D(1, strides, data_format="channels_last", name=name)
    return apply(layer, x)[1]


def _replay(proposal: Rewrite, graph: Graph, inputs: list[Tensor]) -> Tensor:
    from keras import tree

    values = {id(old): new for old, new in zip(proposal.inputs, inputs, strict=True)}
    for node in graph.between(proposal.inputs, proposal.output):
        args, kwargs = node.arguments_from(values)
        _, outputs = apply(node.operation, *args, **kwargs)
        for old, new in zip(node.outputs, tree.flatten(outputs), strict=True):
            values[id(old)] = new
    return values[id(proposal.output)]
