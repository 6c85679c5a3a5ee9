"""Chains of Mul and Div by a number, which rules look through."""

from .._net import OnnxNode
from ._here import Here


def scaled(here: Here, name: str) -> tuple[str, float]:
    """What a tensor is a multiple of, and the factor."""
    factor = 1.0
    while (node := here.maker(name, "Mul", "Div")) is not None:
        found = times(here, node)
        if found is None:
            break
        name, number = found
        factor *= number
    return name, factor


def times(here: Here, node: OnnxNode) -> tuple[str, float] | None:
    """The tensor and the number whose product a Mul or a Div is, in either order."""
    if node.kind not in ("Mul", "Div"):
        return None
    number = here.number(node, 1)
    if number is not None and (node.kind == "Mul" or number):
        return node.inputs[0], number if node.kind == "Mul" else 1 / number
    number = here.number(node, 0)
    return (node.inputs[1], number) if number is not None and node.kind == "Mul" else None


def plus(here: Here, node: OnnxNode, value: float) -> str | None:
    """The tensor to which an Add adds a number, in either order."""
    if node.kind != "Add":
        return None
    for place in (0, 1):
        if here.number(node, place) == value:
            return node.inputs[1 - place]
    return None
