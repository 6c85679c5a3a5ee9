"""The part of a file's graph that is arithmetic of its input with constants."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np

ARITHMETIC = frozenset({"Add", "Div", "Mul", "Neg", "Sub"})
MOVING = frozenset(
    {
        "Cast", "Concat", "Flatten", "Gather", "Identity", "Pad", "Reshape", "Resize", "Reverse",
        "Slice", "Split", "Squeeze", "Stack", "Transpose", "Unsqueeze", "Unstack",
    }
)  # fmt: skip
"""What only moves values, or mixes equal ones of neighbours."""
_SIZES = frozenset({"Shape", "Size"})
"""Operators that read a tensor and none of its values."""
ACTIVATIONS = {
    "Softmax": "softmax",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ArgMax": "class_map",
}
PASSING = frozenset({"Cast", "Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Resize"})
"""What may stand behind an output's activation."""


@dataclass(frozen=True)
class Node:
    """One operator.

    Attributes:
        kind: by its name in ONNX, "" for those that have no part here.
        inputs, outputs: its tensors.
        ends: whether it computes more than its kind says, e.g. an activation.
    """

    kind: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    ends: bool = False


@dataclass(frozen=True)
class Part:
    """Operators from the input to the one tensor that the network reads.

    Attributes:
        nodes: places of those that are needed to compute it, in order.
        names: of the arithmetic among them.
        end: that tensor.
    """

    nodes: tuple[int, ...]
    names: tuple[str, ...]
    end: Any


@dataclass(frozen=True)
class Arithmetic:
    """What a file does to its input first.

    Attributes:
        names: of its operators, in order.
        run: from the input to the tensor behind them.
    """

    names: tuple[str, ...]
    run: Callable[[np.ndarray], np.ndarray]


def part_behind(
    nodes: Sequence[Node], start: Any, others: AbstractSet[Any], outputs: AbstractSet[Any]
) -> Part | None:
    """The arithmetic behind an input, if all of it ends in one tensor that the network reads.

    Args:
        nodes: in an order in which they can be run.
        start: the input.
        others: the graph's other inputs.
        outputs: the graph's.
    """
    reached, beyond = {start}, set(others)
    steps: list[int] = []
    exits: set[Any] = set()
    for index, node in enumerate(nodes):
        inside = reached.intersection(node.inputs)
        mixed = not beyond.isdisjoint(node.inputs)
        if not (inside or mixed) or (node.kind in _SIZES and not mixed):
            continue
        if node.kind in ARITHMETIC | MOVING and not mixed and not node.ends:
            steps.append(index)
            reached.update(node.outputs)
        else:
            exits |= inside
            beyond.update(node.outputs)
    exits |= reached & outputs
    names = tuple(nodes[index].kind for index in steps if nodes[index].kind in ARITHMETIC)
    if len(exits) != 1 or start in exits or not names:
        return None
    (end,) = exits
    return Part(_needed(nodes, start, end), names, end)


def _needed(nodes: Sequence[Node], start: Any, end: Any) -> tuple[int, ...]:
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
    while node is not None and node.kind in PASSING:
        node = makers.get(node.inputs[0])
    return ACTIVATIONS.get(node.kind, "") if node is not None else ""
