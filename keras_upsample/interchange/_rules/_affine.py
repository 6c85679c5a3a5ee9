"""Scales and shifts of channels that follow a normalization as Mul and Add."""

from dataclasses import dataclass

import numpy as np

from .._net import OnnxNode
from ._here import Here


@dataclass(frozen=True)
class Affine:
    """A node, with what it is multiplied with, and what is added then, "" for nothing."""

    of: OnnxNode
    scale: str = ""
    shift: str = ""


def affine(here: Here, *kinds: str) -> Affine | None:
    """The node of one of these kinds whose scaled and shifted output is here, in any order of
    operands; also where both or one of them is missing."""
    node, scale, shift = here.this, "", ""
    if node.kind == "Add":
        found = _with_constant(here, node)
        made = found and here.maker(found[0], "Mul", *kinds)
        if not found or made is None:
            return None
        node, shift = made, found[1]
    if node.kind == "Mul":
        found = _with_constant(here, node)
        made = found and here.maker(found[0], *kinds)
        if found and made is not None:
            node, scale = made, found[1]
    return Affine(node, scale, shift) if node.kind in kinds else None


def of_channels(here: Here, name: str, rank: int, axis: int, length: int) -> bool:
    """Whether a constant has one number for every place of one axis; "" is nothing, which is well.

    Args:
        here: the net.
        name: of the constant.
        rank, axis, length: of the tensor that it scales or shifts.
    """
    array = here.array(name) if name else None
    if array is None:
        return not name
    shape = (1,) * (rank - array.ndim) + array.shape
    return shape == tuple(length if place == axis else 1 for place in range(rank))


def is_number(array: np.ndarray | None, value: float) -> bool:
    """Whether a constant is this number alone."""
    return array is not None and array.size == 1 and float(array.reshape(())) == value


def _with_constant(here: Here, node: OnnxNode) -> tuple[str, str] | None:
    """The tensor and the constant that a node reads."""
    for place in (0, 1):
        if here.constant(node, place) is not None:
            return node.inputs[1 - place], node.inputs[place]
    return None
