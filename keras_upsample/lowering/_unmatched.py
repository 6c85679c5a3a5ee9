"""The resizes and transposed convolutions that no rule rewrote, each with the reason."""

from collections.abc import Iterator

from ..program._applied import KEEP, Applied
from ..program._graph import Graph, Node
from ..program._keras_reader import concatenation_of, resize_of, transposed_of
from ..program._surroundings import Surroundings, sources
from ._rewriting import Rewriting
from ._rules import matrices, nearest, transposed
from ._rules._all import Rule

_OF_RESIZES: dict[str, Rule] = {"nearest": nearest, "bilinear": matrices}
"""Interpolation -> the rule that has other forms for it."""


def explain_unmatched(graph: Graph, rewriting: Rewriting, never: frozenset[str]) -> list[Applied]:
    """Notes on the layers that no entry of `rewriting.applied` names.

    Args:
        graph: after the rewriting.
        rewriting: the engine, which knows why patterns did not match.
        never: rules that were not tried.
    """
    named = {name for entry in rewriting.applied for name in entry.layers}
    around = Surroundings(graph)
    result = []
    for node in around.nodes:
        names = sources(node)
        if named.issuperset(names):
            continue
        kind = _kind(node)
        if kind is not None:
            what, rule = kind
            reason = _reason(node, rule, around, rewriting, never)
            result.append(Applied(what, names, KEEP, reason))
    return result


def _kind(node: Node) -> tuple[str, Rule | None] | None:
    """The operation in words, and the rule that has other forms for it."""
    resize = resize_of(node)
    if resize is not None:
        return f"{resize.interpolation} resize", _OF_RESIZES.get(resize.interpolation)
    if transposed_of(node) is not None:
        return "transposed convolution", transposed
    return None


def _reason(
    node: Node,
    rule: Rule | None,
    around: Surroundings,
    rewriting: Rewriting,
    never: frozenset[str],
) -> str:
    if rule is None:
        return "no rule has another form for it"
    if rule.NAME in never:
        return f"rule `{rule.NAME}` is not for this target"
    for place in (node, *_behind(node, around)):
        reason = rewriting.reason(rule, place)
        if reason:
            return f"`{rule.NAME}`: {reason}"
    readers = [f"{type(n.operation).__name__} {n.name!r}" for n in _readers(node, around)]
    if not readers:
        return f"`{rule.NAME}`: nothing but the model's output reads it"
    return f"`{rule.NAME}`: no convolution reads it, but {', '.join(readers)}"


def _readers(node: Node, around: Surroundings) -> list[Node]:
    made = {id(tensor) for tensor in node.outputs}
    return [n for n in around.nodes if any(id(tensor) in made for tensor in n.inputs)]


def _behind(node: Node, around: Surroundings) -> Iterator[Node]:
    """The operations that read it, also through concatenations."""
    for reader in _readers(node, around):
        yield reader
        if concatenation_of(reader) is not None:
            yield from _readers(reader, around)
