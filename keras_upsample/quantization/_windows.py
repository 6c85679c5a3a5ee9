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
        program = teach_layers(program, feeds, NOTE, kind, _reach, _set_window, _inputs)
    return program


def _inputs(graph: "Graph", nodes: "Sequence[Node]") -> "list[list[Tensor]]":
    return [list(node.inputs) for node in nodes]


def _reach(layer: Any, *inputs: np.ndarray) -> tuple[np.ndarray, float]:
    """Between which places the points lie, rows, columns; first, last; and the share too far."""
    from keras import ops

    from ..ops._backend import to_channels_last

    if not getattr(layer, "resample", True):
        return np.zeros((2, 2)), 0.0
    images = (to_channels_last(ops.convert_to_tensor(x), layer.data_format) for x in inputs)
    between = (_LEFT_OUT, 1 - _LEFT_OUT)
    rows, columns = (ops.convert_to_numpy(each) for each in layer.points(*images))
    ends = np.stack([np.quantile(each, between) for each in (rows, columns)])
    return ends, float(np.mean(np.maximum(np.abs(rows), np.abs(columns)) > _FARTHEST))


def _set_window(layer: Any, reaches: list[tuple[np.ndarray, float]]) -> str:
    ends = [each for each, _ in reaches]
    first, last = np.min(ends, axis=0)[:, 0], np.max(ends, axis=0)[:, 1]
    whole = np.clip(np.stack([np.floor(first), np.ceil(last)], 1), -_FARTHEST, _FARTHEST)
    layer.window = tuple(tuple(map(int, axis)) for axis in whole)
    too_far = float(np.mean([share for _, share in reaches]))
    if too_far <= 2 * _LEFT_OUT:
        return ""
    size = 2 * _FARTHEST + 1
    return (
        f"on the calibration images {too_far:.1%} of the points lie more than {_FARTHEST} pixels "
        f"away, beyond the largest window, {size}x{size}, and are read at its end"
    )
