"""Sampling without gathers: how far points lie from their pixels on the images."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program._applied import Applied
from ..program._probe import teach_layers

if TYPE_CHECKING:
    from ..program._graph import Graph, Node, Tensor
    from ..program._program import Program

NOTE = Applied(
    "windows",
    (),
    "points read by windows as large as images ask for",
    "products and sums of maps in place of gathers",
)

_LEFT_OUT = 0.001
"""Share of the points that lie beyond either end of a window: a few would make it large."""
_FARTHEST = 4
"""A window of 9x9 pixels, 81 products of maps."""


def learn_windows(program: "Program", feeds: Sequence[Mapping[str, np.ndarray]]) -> "Program":
    """The program whose layers that sample know by images how large their windows must be.

    Args:
        program, feeds: as for `teach_layers`.
    """
    from ..layers import DySample2D, FreqFusion2D

    for kind in (DySample2D, FreqFusion2D):
        program = teach_layers(program, feeds, NOTE, kind, _ends, _set_window, _inputs)
    return program


def _inputs(graph: "Graph", nodes: "Sequence[Node]") -> "list[list[Tensor]]":
    return [list(node.inputs) for node in nodes]


def _ends(layer: Any, *inputs: np.ndarray) -> np.ndarray:
    """Between which places the points lie: rows, columns; first, last."""
    from keras import ops

    from ..ops._backend import to_channels_last

    if not getattr(layer, "resample", True):
        return np.zeros((2, 2))
    images = (to_channels_last(ops.convert_to_tensor(x), layer.data_format) for x in inputs)
    between = (_LEFT_OUT, 1 - _LEFT_OUT)
    points = layer.points(*images)
    return np.stack([np.quantile(ops.convert_to_numpy(each), between) for each in points])


def _set_window(layer: Any, ends: list[np.ndarray]) -> None:
    first, last = np.min(ends, axis=0)[:, 0], np.max(ends, axis=0)[:, 1]
    whole = np.clip(np.stack([np.floor(first), np.ceil(last)], 1), -_FARTHEST, _FARTHEST)
    layer.window = tuple(tuple(map(int, axis)) for axis in whole)
