"""Common subexpression elimination: equal layers of one tensor are computed once."""

from typing import Any

import numpy as np

from ..program._graph import Graph, Node


def merge_equal(graph: Graph) -> None:
    """Replace equal paddings or depthwise convolutions of one tensor by one of them.

    Minimal filtering of convolutions that read the same feature map begins with the same sums. The
    user's own layers are kept.
    """
    import keras

    kinds = (keras.layers.ZeroPadding2D, keras.layers.DepthwiseConv2D)
    first: dict[Any, Node] = {}
    for node in graph.nodes():
        if type(node.operation) not in kinds or node.name in node.source:
            continue
        earlier = first.setdefault(_key(node), node)
        if earlier is not node:
            graph.replace(node.outputs[0], earlier.outputs[0])


def _key(node: Node) -> Any:
    layer = node.operation
    config = layer.get_config()
    config.pop("name")
    weights = tuple(np.asarray(weight).tobytes() for weight in layer.weights)
    return id(node.inputs[0]), repr(config), weights
