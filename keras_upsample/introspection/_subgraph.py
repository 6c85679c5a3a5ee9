"""The preprocessing subgraph: arithmetic of one input with constants, up to what the network reads.

A reader gives its operators as nodes, and takes the role of each from a table of its own:

    "computes"    arithmetic with constants, or of the input with itself
    "moves"       only moves values, or mixes equal ones of neighbours
    "passes"      likewise, and an activation before it counts as the last one
    "sizes"       reads a tensor and none of its values
    "softmax", "sigmoid", "tanh", "relu", "class_map"    an activation
    ""            all else
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

_ACTIVATIONS = ("softmax", "sigmoid", "tanh", "relu", "class_map")


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        role: what it does, by the reader's table.
        name: for messages.
        inputs, outputs: its tensors, or keys of them.
    """

    role: str
    name: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]


@dataclass(frozen=True)
class Subgraph:
    """Operators from an input to the one tensor that the network reads.

    Attributes:
        nodes: places of those that are needed to compute it, in order.
        names: of those that compute.
        end: that tensor.
    """

    nodes: tuple[int, ...]
    names: tuple[str, ...]
    end: Any


def preprocessing_subgraph(
    nodes: Sequence[Node], start: Any, others: AbstractSet[Any], outputs: AbstractSet[Any]
) -> Subgraph | None:
    """The arithmetic behind an input, if all of it ends in one tensor that the network reads.

    None where values are only moved: that says nothing of their range.

    Args:
        nodes: in an order in which they can be run.
        start: the input.
        others: the graph's other inputs.
        outputs: the graph's.
    """
    reached, beyond = {start}, set(others)  # beyond: what other inputs and the network make
    steps: list[Node] = []
    exits: set[Any] = set()
    for node in nodes:
        inside = reached.intersection(node.inputs)
        mixed = not beyond.isdisjoint(node.inputs)
        if not (inside or mixed) or (node.role == "sizes" and not mixed):
            continue
        if node.role in ("computes", "moves", "passes") and not mixed:
            steps.append(node)
            reached.update(node.outputs)
        else:
            exits |= inside
            beyond.update(node.outputs)
    exits |= reached & outputs
    if len(exits) != 1 or start in exits:
        return None
    (end,) = exits
    names = tuple(node.name for node in steps if node.role == "computes")
    return Subgraph(_find_needed(nodes, start, end), names, end) if names else None


def _find_needed(nodes: Sequence[Node], start: Any, end: Any) -> tuple[int, ...]:
    """Places of the operators that make one tensor of another, and of constants."""
    wanted, result = {end}, []
    for index in reversed(range(len(nodes))):
        node = nodes[index]
        if wanted.isdisjoint(node.outputs):
            continue
        result.append(index)
        wanted.update(source for source in node.inputs if source != start)
    return tuple(reversed(result))


def last_activation(nodes: Sequence[Node], output: Any) -> str:
    """The activation that an output came through last, "" where none is seen."""
    makers = {tensor: node for node in nodes for tensor in node.outputs}
    node = makers.get(output)
    while node is not None and node.role == "passes":
        node = makers.get(node.inputs[0])
    return node.role if node is not None and node.role in _ACTIVATIONS else ""
