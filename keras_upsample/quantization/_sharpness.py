"""Max unpooling without comparisons: how far each maximum exceeds its neighbours on the images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program._applied import Applied
from ..program._graph import Graph, Node, Tensor
from ..program._probe import teach_layers
from ._channels import Channels

if TYPE_CHECKING:
    from ..program._program import Program

NOTE = Applied(
    "maxima",
    (),
    "places of maxima by sums and products",
    "no comparisons of integers, which devices lack and converters do not calibrate",
)

_SHARPER = 2.0
"""Pixels half a step apart count as apart: a difference of one step is itself rounded."""
_MOST = 2.0**13
"""LiteRT's difference of 16-bit integers ends the process above 2^14."""


def learn_sharpness(
    program: "Program", feeds: Sequence[Mapping[str, np.ndarray]], steps: float
) -> "Program":
    """The program whose max pooling tells pixels apart that are one step of an integer apart.

    Args:
        program, feeds: as for `teach_layers`.
        steps: in the range of an activation, which is that of all that is rounded with it.
    """
    from ..layers import MaxPoolingWithIndices2D

    def watched(graph: Graph, nodes: Sequence[Node]) -> list[list[Tensor]]:
        channels = Channels(graph, shared_steps=True)
        return [channels.rounded_with(node.inputs[0]) for node in nodes]

    def measure(layer: Any, *together: np.ndarray) -> float:
        return float(max(x.max() for x in together) - min(x.min() for x in together))

    def teach(layer: Any, ranges: list[float]) -> str:
        if max(ranges) > 0:
            layer.sharpness = min(_SHARPER * steps, _MOST) / max(ranges)
        return ""

    return teach_layers(program, feeds, NOTE, MaxPoolingWithIndices2D, measure, teach, watched)
