"""Nearest upsampling as TensorFlow's exporters write it: Unsqueeze, Tile, Reshape, axis by axis.

(N, H, W, C) -> (N, H, 1, W, C) -> (N, H, r, W, C) -> (N, r H, W, C); a Transpose may come between
Tile and Reshape.
"""

from dataclasses import replace
from types import MappingProxyType

import numpy as np

from .._net import OnnxNode
from .._operators.resizes import REPEAT
from ._here import Here

NAME = "nearest upsampling"

_NEW = -1  # the axis that is tiled


def match(here: Here) -> list[OnnxNode] | None:
    """A Reshape that joins an axis and its repeats."""
    last = here.this
    if last.kind != "Reshape":
        return None
    turn = here.maker(last.inputs[0], "Transpose")
    tile = here.maker(turn.inputs[0] if turn else last.inputs[0], "Tile")
    apart = tile and here.maker(tile.inputs[0], "Unsqueeze")
    if tile is None or not apart:
        return None
    image, result = here.shape(apart.inputs[0]), here.shape(last.outputs[0])
    new, times = here.axes(apart), here.constant(tile, 1)
    if image is None or result is None or len(image) != 4 or new is None or times is None:
        return None
    place, repeats = new[0] % 5, [int(n) for n in times]
    if len(new) > 1 or np.delete(repeats, place).max() > 1:
        return None
    axes = [0, 1, 2, 3]
    axes.insert(place, _NEW)
    if turn is not None:
        axes = [axes[axis] for axis in turn.attributes["perm"]]
    at = axes.index(_NEW)
    axis, order = axes[at - 1], [each for each in axes if each != _NEW]
    count = repeats[place]
    wanted = [image[each] * count if each == axis else image[each] for each in order]
    if at == 0 or axis == 0 or list(result) != wanted:
        return None
    repeated = replace(
        last,
        kind=REPEAT,
        inputs=(apart.inputs[0],),
        attributes=MappingProxyType({"axis": axis, "times": count}),
    )
    if order == [0, 1, 2, 3]:
        return [repeated]
    between = f"{last.outputs[0]} before its Transpose"
    moved = replace(
        last,
        kind="Transpose",
        inputs=(between,),
        attributes=MappingProxyType({"perm": tuple(order)}),
    )
    return [replace(repeated, outputs=(between,)), moved]
