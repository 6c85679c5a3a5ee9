"""Probes: the values of a graph's tensors on images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ._applied import Applied
from ._graph import Graph, Node, Tensor
from ._stateless import Traced, discard_assignments
from ._surroundings import sources
from ._twin import twin
from ._write import model_of

if TYPE_CHECKING:
    from ._program import Program
    from ._signature import Signature

IMAGES = 16
"""How many are shown at most."""


def values_on_images(
    graph: Graph,
    tensors: Sequence[Tensor],
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
) -> Iterator[list[np.ndarray]]:
    """Yield the values of some tensors, image by image.

    Args:
        graph: to which they belong.
        tensors: any of it.
        signature: names the inputs.
        feeds: images, of which the first 16 are shown.
    """
    from keras import ops, tree

    names = [spec.name for spec in signature.inputs]
    probe = model_of(Graph(graph.inputs, list(tensors)), names, "probe")

    def infer(*images: Any) -> list[Any]:
        with discard_assignments():
            return tree.flatten(probe(list(images), training=False))

    run = Traced(infer)
    for feed in feeds[:IMAGES]:
        values = run(*(ops.convert_to_tensor(feed[name]) for name in names))
        yield [ops.convert_to_numpy(value) for value in values]


def teach_layers(
    program: "Program",
    feeds: Sequence[Mapping[str, np.ndarray]],
    note: Applied,
    kind: type,
    measure: Callable[..., Any],
    teach: Callable[[Any, list[Any]], str],
    watched: Callable[[Graph, Sequence[Node]], list[list[Tensor]]] | None = None,
) -> "Program":
    """The program with layers of a kind that know what they were shown.

    Args:
        program: of fixed sizes.
        feeds: images.
        note: of what was done; gets the names of the layers.
        kind: of the layers.
        measure: a layer and what is watched of one image -> what is to be remembered.
        teach: told a layer, and what was measured of every image; returns what the layer computes
            otherwise since then, empty if nothing.
        watched: the graph and the layers' nodes -> the tensors that matter to each; by default what
            each reads first.
    """
    graph = program.graph.copy()
    nodes = [node for node in graph.nodes() if type(node.operation) is kind]
    if not nodes:
        return program
    measured: list[list[Any]] = [[] for _ in nodes]
    looked = watched(graph, nodes) if watched else [node.inputs[:1] for node in nodes]
    tensors = [tensor for each in looked for tensor in each]
    for values in values_on_images(graph, tensors, program.signature, feeds):
        rest = iter(values)
        for found, node, each in zip(measured, nodes, looked, strict=True):
            found.append(measure(node.operation, *(next(rest) for _ in each)))
    taught: dict[int, Any] = {}
    by_loss: dict[str, list[Node]] = {}
    for found, node in zip(measured, nodes, strict=True):
        layer = taught.setdefault(id(node.operation), twin(node.operation))
        by_loss.setdefault(teach(layer, found), []).append(node)
    notes = [replace(note, layers=sources(*each), loss=loss) for loss, each in by_loss.items()]
    for node in nodes:
        node.operation = taught[id(node.operation)]
    return program.changed(graph).with_notes(*notes)
