"""Which layer of the encoder feeds which layer of the decoder."""

import math
from dataclasses import dataclass
from typing import Any

from keras_upsample.program._graph import Graph
from keras_upsample.program._input_shape import DEFAULT_SIZE
from keras_upsample.program._read import NotAGraphError, graph_of, is_functional
from keras_upsample.zoo._features import specs_at

_ENCODER, _DECODER = "encoder_", ("decoder_", "head_")


@dataclass(frozen=True)
class Skip:
    """One connection.

    Attributes:
        layer: of the encoder.
        stride: pixels of the image for one of its map, in height and width.
        channels: of its map.
        readers: layers of the decoder that read it.
    """

    layer: str
    stride: int
    channels: int
    readers: tuple[str, ...]


def skips_of(model: Any) -> list[Skip]:
    """Connections from encoder to decoder of a model of the zoo, finest first; else none.

    They are read from the graph, where the names of the layers tell the two apart.
    """
    names = [layer.name for layer in getattr(model, "layers", ())]
    if not any(n.startswith(_ENCODER) for n in names) or not is_functional(model):
        return []
    if not any(n.startswith(_DECODER) for n in names) or len(model.inputs) != 1:
        return []
    from keras_upsample.program._signature import signature_of

    try:
        graph = graph_of(model, signature_of(model))
    except NotAGraphError:
        return []
    return sorted(_skips(graph), key=lambda skip: skip.stride)


def _skips(graph: Graph) -> list[Skip]:
    height, width = (n or DEFAULT_SIZE for n in graph.inputs[0].shape[1:3])
    specs = specs_at(graph, (height, width), {})
    readers: dict[int, list[str]] = {}
    for node in graph.nodes():
        if node.name.startswith(_DECODER):
            for tensor in node.inputs:
                readers.setdefault(id(tensor), []).append(node.name)
    found = []
    for node in graph.nodes():
        tensor = node.outputs[0]
        if not node.name.startswith(_ENCODER) or id(tensor) not in readers:
            continue
        if id(tensor) in specs and len(specs[id(tensor)].shape) == 4:
            _, rows, _, channels = specs[id(tensor)].shape
            stride = 2 ** round(math.log2(height / rows))  # the image was padded before
            found.append(Skip(node.name, stride, channels, tuple(readers[id(tensor)])))
    return found
