"""GPTQ rounding of a program's convolutions, one layer after another.

A quantiser that then looks for the step of each output channel finds the same, and has nothing left
to round: the file holds the weights chosen here. See `_gptq` for how they are chosen; the mean
products M come from images, and for activations that are rounded too, in steps a, M + a^2/12 on the
diagonal. A constant column beside the weights takes up the mean of the error: the bias.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..program._applied import Applied
from ..program._emit import Emitter
from ..program._graph import Graph, Node
from ..program._keras_reader import convolution_of, transposed_of
from ..program._operations import NONE, Convolution, Transposed
from ..program._probe import IMAGES, values_on_images
from ..program._surroundings import Surroundings, sources
from ._gptq import Grid, round_rows
from ._im2col import channel_axes, columns_of, kernel_of, rows_of

if TYPE_CHECKING:
    from ..program._program import Program
    from ..program._signature import Signature

NOTE = Applied(
    "rounding",
    (),
    "weights rounded one after another",
    "what one loses on the images, those behind it make good",
)

_SAMPLES = 16384
"""Pixels at which a convolution's input is looked at, over all images."""
_COLUMNS = 2304
"""Weights of a row that are chosen together; the products of more take gigabytes and minutes."""
_ON_GRID = 1e-4
"""Of a step: weights so close to their values were put there, as those of a shuffle."""
_DAMPING = 0.01
"""Of the mean of M's diagonal, added to it: images are few, and inputs may be 0 in all of them."""


def round_weights(
    program: "Program",
    feeds: Sequence[Mapping[str, np.ndarray]],
    grid: Grid,
    *,
    steps: float,
    spared: Collection[str] = (),
) -> "Program":
    """The program whose convolutions hold rounded weights.

    Args:
        program: of fixed sizes.
        feeds: images that the model is to compute alike.
        grid: of the weights.
        steps: in the range of an activation.
        spared: layers that keep their weights.
    """
    graph = program.graph.copy()
    around = Surroundings(graph)
    places = [
        place
        for node in around.nodes
        if not (around.shared(node) or {node.name, *node.source} & set(spared))
        and (place := _place(node, grid)) is not None
    ]
    if not places:
        return program
    _look(graph, places, program.signature, feeds)
    for place in places:
        _replace(graph, place, grid, steps)
    layers = sources(*(place.node for place in places))
    return program.changed(graph).with_notes(replace(NOTE, layers=layers))


@dataclass(eq=False)
class _Place:
    """A convolution as rows of weights.

    Attributes:
        rows: (groups, rows, columns); a group reads columns of its own.
        step: (groups, rows), between the values of a row.
        pinned: as `rows`: the largest of every channel.
        moments: of each group, part by part of its columns and a constant 1 behind each part.
        low, high: extremes of what is read.
    """

    node: Node
    view: Convolution | Transposed
    rows: np.ndarray
    step: np.ndarray
    pinned: np.ndarray
    moments: list[Any] = field(default_factory=list)
    low: float = 0.0
    high: float = 0.0

    def parts(self) -> Iterator[slice]:
        columns = self.rows.shape[2]
        count = -(-columns // _COLUMNS)
        edges = np.linspace(0, columns, count + 1).astype(int)
        return map(slice, edges[:-1], edges[1:])


def _place(node: Node, grid: Grid) -> _Place | None:
    """None for what is no convolution, overlaps, or stands on its values already."""
    view: Convolution | Transposed | None = convolution_of(node)
    if view is None:
        view = transposed_of(node)
        if view is None or view.crop != NONE or view.kernel.shape[:2] != view.scale:
            return None
    kernel = np.asarray(view.kernel, "float64")
    top = np.abs(kernel).max(axis=channel_axes(view), keepdims=True)
    rows, tops = (rows_of(array, view) for array in (kernel, np.broadcast_to(top, kernel.shape)))
    step = grid.step(tops[..., 0])
    off = np.abs(rows - grid.nearest(rows, step[..., None])) / step[..., None]
    if (off < _ON_GRID).all():
        return None
    return _Place(node, view, rows, step, np.abs(rows) == tops)


def _look(
    graph: Graph,
    places: Sequence[_Place],
    signature: "Signature",
    feeds: Sequence[Mapping[str, np.ndarray]],
) -> None:
    """Fill in moments and extremes."""
    shown = min(len(feeds), IMAGES)
    rng = np.random.default_rng(0)
    for values in values_on_images(graph, [place.view.x for place in places], signature, feeds):
        for place, x in zip(places, values, strict=True):
            place.low, place.high = min(place.low, x.min()), max(place.high, x.max())
            columns = columns_of(x, place.view, rng, _SAMPLES // shown)
            for i, part in enumerate(place.parts()):
                some = columns[:, :, part]
                some = np.concatenate([some, np.ones_like(some[..., :1])], axis=2)
                moment = some.transpose(0, 2, 1) @ some / (some.shape[1] * shown)
                if i == len(place.moments):
                    place.moments.append(moment)
                else:
                    place.moments[i] += moment


def _replace(graph: Graph, place: _Place, grid: Grid, steps: float) -> None:
    """Put a convolution of rounded weights in its place."""
    view, node = place.view, place.node
    noise = ((place.high - place.low) / steps) ** 2 / 12
    # The outputs of a transposed convolution share their bias: no single one can move it.
    free = 0 if isinstance(view, Transposed) else 1
    chosen, shift = np.empty_like(place.rows), np.zeros(place.rows.shape[:2])
    for part, moments in zip(place.parts(), place.moments, strict=True):
        m = moments.astype("float64")
        diagonal = np.einsum("gii->gi", m)
        inputs = diagonal[:, :-1]
        inputs += noise + _DAMPING * inputs.mean(axis=1, keepdims=True) + 1e-12
        rows, pinned = place.rows[:, :, part], place.pinned[:, :, part]
        if free:
            rows = np.concatenate([rows, np.zeros_like(rows[..., :1])], axis=2)
            pinned = np.concatenate([pinned, np.zeros_like(pinned[..., :1])], axis=2)
        else:
            m = m[:, :-1, :-1]
        found = round_rows(rows, m, grid, place.step, pinned, free)
        chosen[:, :, part] = found[..., : found.shape[2] - free]
        if free:
            shift += found[..., -1]
    moved = replace(view, kernel=kernel_of(chosen, view))
    if free:
        moved = moved.shifted(shift.reshape(-1))
    y = Emitter(node.operation, sources(node)).write(moved.on(node.inputs[0]))
    graph.replace(node.outputs[0], y)
