"""How far the points of DySample lie from their pixels, for targets that read them by windows."""

from collections.abc import Mapping, Sequence
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from ._assemble import model_like
from ._flatten import graph_at
from ._probe import seen
from ._rewrite import sources

if TYPE_CHECKING:
    from ..export._signature import Signature

_LEFT_OUT = 0.001
"""Share of the points that lie beyond either end of a window: a few would make it large."""
_FARTHEST = 4
"""A window of 9x9 pixels, 81 products of maps."""


def windowed(
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
    from ..ops._point_sample import moved

    graph, outputs = graph_at(model, signature)
    nodes = [node for node in graph.nodes() if type(node.operation) is DySample2D]
    if not nodes:
        return model, signature, ()
    ends = np.full((len(nodes), 2, 2), (np.inf, -np.inf))  # layer; rows, columns; first, last
    for values in seen(graph, [node.inputs[0] for node in nodes], signature, feeds):
        for found, node, x in zip(ends, nodes, values, strict=True):
            layer = node.operation
            x = to_channels_last(ops.convert_to_tensor(x), layer.data_format)
            moves = layer.offsets(x)
            for axis in (0, 1):
                points = ops.convert_to_numpy(
                    moved(moves[axis], axis + 1, layer.scale, layer.groups)
                )
                first, last = np.quantile(points, (_LEFT_OUT, 1 - _LEFT_OUT))
                found[axis] = min(found[axis, 0], first), max(found[axis, 1], last)
    for node, found in zip(nodes, ends, strict=True):
        rows, columns = (
            tuple(int(n) for n in np.clip((floor(first), ceil(last)), -_FARTHEST, _FARTHEST))
            for first, last in found
        )
        node.operation.window = rows, columns
    result, own = model_like(model, graph, outputs, signature)
    return result, own, sources(*nodes)
