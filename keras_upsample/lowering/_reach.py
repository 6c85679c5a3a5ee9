"""How far the points of DySample lie from their pixels, for targets that read them by windows."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ._assemble import model_at
from ._flatten import graph_at
from ._probe import seen
from ._rewrite import sources

if TYPE_CHECKING:
    from ..export._signature import Signature

_WITHIN = 0.999
"""Share of the points that a window reaches: the farthest would make it large for a few."""
_FARTHEST = 4
"""A window of 9x9 pixels, 81 products of maps."""


def reached(
    model: Any, signature: "Signature", feeds: Sequence[Mapping[str, np.ndarray]]
) -> "tuple[Any, Signature, tuple[str, ...]]":
    """A model whose layers know by images how large their windows must be.

    Args:
        model: is only read.
        signature: of fixed sizes.
        feeds: images.

    Returns:
        The model, its signature, and the names of the layers.
    """
    from keras import ops

    from ..layers import DySample2D
    from ..ops._backend import to_channels_last

    graph, outputs = graph_at(model, signature)
    nodes = [node for node in graph.nodes() if type(node.operation) is DySample2D]
    if not nodes:
        return model, signature, ()
    reach = [0.0] * len(nodes)
    for values in seen(graph, [node.inputs[0] for node in nodes], signature, feeds):
        for i, (node, x) in enumerate(zip(nodes, values, strict=True)):
            layer = node.operation
            x = to_channels_last(ops.convert_to_tensor(x), layer.data_format)
            moves = [np.abs(ops.convert_to_numpy(move)) for move in layer.offsets(x)]
            own_place = (layer.scale - 1) / (2 * layer.scale)
            farthest = max(np.quantile(move, _WITHIN) for move in moves) + own_place
            reach[i] = max(reach[i], farthest)
    for node, farthest in zip(nodes, reach, strict=True):
        node.operation.reach = min(max(ceil(farthest), 1), _FARTHEST)
    result, own = model_at(graph, outputs, signature, model.name)
    result.output_names = getattr(model, "output_names", result.output_names)
    return result, own, sources(*nodes)
