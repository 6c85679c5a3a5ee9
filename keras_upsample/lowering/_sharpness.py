"""How far maxima lie above what is around them, for targets that find them by arithmetic."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._assemble import model_like
from ._flatten import graph_at
from ._probe import seen
from ._rewrite import sources

if TYPE_CHECKING:
    from ..export._signature import Signature

_MOST = 2.0**13
"""LiteRT's difference of 16-bit integers ends the process above 2^14."""


def sharpened(
    model: Any, signature: "Signature", feeds: Sequence[Mapping[str, np.ndarray]], steps: int
) -> "tuple[Any, Signature, tuple[str, ...]]":
    """A model whose max pooling tells pixels apart that are one step of an integer apart.

    Args:
        model: is only read.
        signature: of fixed sizes.
        feeds: images.
        steps: in the range of an activation.

    Returns:
        The model, its signature, and the names of the layers.
    """
    from ..layers import MaxPoolingWithIndices2D

    graph, outputs = graph_at(model, signature)
    nodes = [n for n in graph.nodes() if type(n.operation) is MaxPoolingWithIndices2D]
    if not nodes:
        return model, signature, ()
    ranges = [0.0] * len(nodes)
    for values in seen(graph, [node.inputs[0] for node in nodes], signature, feeds):
        ranges = [max(known, float(np.ptp(x))) for known, x in zip(ranges, values, strict=True)]
    for node, reach in zip(nodes, ranges, strict=True):
        if reach > 0:
            node.operation.sharpness = min(steps, _MOST) / reach
    result, own = model_like(model, graph, outputs, signature)
    return result, own, sources(*nodes)
