"""What flows through a graph when it is shown images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._assemble import model_like, model_of
from ._flatten import graph_at
from ._graph import Graph, Node, Tensor
from ._stateless import Traced, assignments_discarded
from ._surroundings import sources

if TYPE_CHECKING:
    from ._signature import Signature

IMAGES = 16
"""How many are shown at most."""


def seen(
    graph: Graph,
    tensors: Sequence[Tensor],
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
) -> Iterator[list[np.ndarray]]:
    """Yield the values of some tensors, image by image."""
    from keras import ops, tree

    names = [spec.name for spec in signature.inputs]
    tensors = list(tensors)
    probe = model_of(Graph(graph.inputs, tensors), names, tensors, names, "probe")

    def infer(*images: Any) -> list[Any]:
        with assignments_discarded():
            return tree.flatten(probe(list(images), training=False))

    run = Traced(infer)
    for feed in feeds[:IMAGES]:
        values = run(*(ops.convert_to_tensor(feed[name]) for name in names))
        yield [ops.convert_to_numpy(value) for value in values]


def taught(
    model: Any,
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
    kind: type,
    measure: Callable[..., Any],
    teach: Callable[[Any, list[Any]], None],
    watched: Callable[[Graph, Sequence[Node]], list[list[Tensor]]] | None = None,
) -> "tuple[Any, Signature, tuple[str, ...]]":
    """A model whose layers of a kind know what they were shown.

    Args:
        model: is only read.
        signature: of fixed sizes.
        feeds: images.
        kind: of the layers.
        measure: a layer and what is watched of one image -> what is to be remembered.
        teach: told a layer, and what was measured of every image.
        watched: the graph and the layers' nodes -> the tensors that matter to each; by default what
            each reads first.

    Returns:
        The model, its signature, and the names of the layers.
    """
    graph, outputs = graph_at(model, signature)
    nodes = [node for node in graph.nodes() if type(node.operation) is kind]
    if not nodes:
        return model, signature, ()
    found: list[list[Any]] = [[] for _ in nodes]
    looked = watched(graph, nodes) if watched else [node.inputs[:1] for node in nodes]
    for values in seen(graph, [tensor for each in looked for tensor in each], signature, feeds):
        rest = iter(values)
        for measured, node, each in zip(found, nodes, looked, strict=True):
            measured.append(measure(node.operation, *(next(rest) for _ in each)))
    for measured, node in zip(found, nodes, strict=True):
        teach(node.operation, measured)
    result, own = model_like(model, graph, outputs, signature)
    return result, own, sources(*nodes)
