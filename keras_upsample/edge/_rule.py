"""A rule of a device, and conditions that several devices share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._file import OperatorFacts, TensorFacts


@dataclass(frozen=True)
class Rule:
    """One condition that operators must meet.

    Attributes:
        operators: names of the operators that the rule applies to; empty for all.
        broken: operator -> how it breaks the rule, or an empty text.
        remedy: a change that meets the rule.
        source: where the rule is stated.
        certain: whether the device is known to refuse such an operator; else a note warns of it.
    """

    operators: tuple[str, ...]
    broken: "Callable[[OperatorFacts], str]"
    remedy: str
    source: str
    certain: bool = True

    def finds(self, operator: "OperatorFacts") -> str:
        """How the operator breaks the rule, or an empty text."""
        if self.operators and operator.name not in self.operators:
            return ""
        try:
            return self.broken(operator)
        except (IndexError, KeyError, ValueError, ZeroDivisionError):
            return ""  # of a damaged file: the operator lacks inputs or options that it must have


def none_of(supported: Iterable[str], whose: str) -> "Callable[[OperatorFacts], str]":
    """The condition that a device has the operator."""
    names = frozenset(supported)

    def broken(operator: "OperatorFacts") -> str:
        if operator.custom:
            return f"the custom operator {operator.name} is unknown to {whose}"
        return "" if operator.name in names else f"{whose} has no {operator.name}"

    return broken


def tensors(operator: "OperatorFacts") -> "list[TensorFacts]":
    """Inputs and outputs."""
    return [*operator.inputs, *operator.outputs]


def open_sizes(operator: "OperatorFacts") -> str:
    """The condition that every size is known."""
    return "its sizes are open" if any(-1 in t.shape for t in tensors(operator)) else ""


def times(shape: tuple[int, ...]) -> str:
    """`(1, 2, 3)` -> `1x2x3`."""
    return "x".join(map(str, shape)) or "one element"
