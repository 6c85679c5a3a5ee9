"""The rules, in the order in which they are tried, and what they make of a net."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from .._fold import Folded
from .._net import OnnxNet, OnnxNode
from .._unread import UnreadError
from . import (
    activations,
    adaptive_pool,
    attention,
    channel_shuffle,
    dense,
    group_normalization,
    layer_normalization,
    max_unpooling,
    pixel_shuffle,
    places_of_maxima,
    repeat,
    sum_of_stack,
)
from ._here import Around, Declined, Here


class Rule(Protocol):
    """A module of this folder."""

    @property
    def NAME(self) -> str:
        """The operation as people call it, for refusals."""
        ...

    def match(self, here: Here) -> OnnxNode | Sequence[OnnxNode] | None:
        """What stands for the group that ends at a node.

        Raises:
            Declined: the group is nearly the rule's.
        """
        ...


RULES: tuple[Rule, ...] = (
    adaptive_pool,
    max_unpooling,
    places_of_maxima,
    pixel_shuffle,
    channel_shuffle,
    repeat,
    group_normalization,
    layer_normalization,
    sum_of_stack,
    activations,
    dense,
    attention,
)
"""Each goes over the whole net, which is what the rules before it made of the file."""


def recognised(folded: Folded) -> tuple[OnnxNet, Mapping[str, str]]:
    """The net with one node in place of each group, without nodes that no output needs.

    Returns:
        The net, and: first output of a node -> why a rule declined a group that it is part of.
    """
    notes: dict[str, str] = {}
    net = _needed(folded.net)
    for rule in RULES:
        around = Around(net, folded.shapes)
        nodes: list[OnnxNode] = []
        for node in net.nodes:
            nodes += _matched(rule, Here(node, around), notes)
        net = _needed(replace(net, nodes=nodes))
    return net, notes


def _matched(rule: Rule, here: Here, notes: dict[str, str]) -> Sequence[OnnxNode]:
    try:
        found = rule.match(here)
    except (Declined, UnreadError, ArithmeticError, LookupError, TypeError, ValueError) as reason:
        # The last ones: nodes that lack an attribute or an input, or have one of another kind.
        notes.update((node.outputs[0], f"{rule.NAME}: {reason}") for node in here.seen)
        found = None
    if found is None:
        return [here.this]
    return [found] if isinstance(found, OnnxNode) else found


def _needed(net: OnnxNet) -> OnnxNet:
    """Without nodes that no output needs."""
    needed, kept = set(net.outputs), []
    for node in reversed(net.nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    return replace(net, nodes=kept[::-1])
