"""The rules, in the order in which they are tried."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from .._match import Here
from .._rewrite import Rewrite
from . import (
    branches,
    concatenation,
    deconvolution,
    fold,
    identity,
    layout,
    matrices,
    merge,
    minimal_filtering,
    nearest,
    padding,
    pointwise,
    resize_like,
    shuffle,
    subpixel,
    transposed,
)

if TYPE_CHECKING:
    from ...targets import Target


class Rule(Protocol):
    """A module of this folder."""

    @property
    def NAME(self) -> str:
        """That of the module; in `applied`, in the tables of targets and in docs/lowering.md."""
        ...

    @property
    def PATTERNS(self) -> tuple[Callable[[Here], Rewrite], ...]:
        """Functions that say how the block which ends at a place can be rewritten.

        The first that does not raise `NoMatch` counts.
        """
        ...


STAGES: tuple[tuple[Rule, ...], ...] = (
    # First what takes nodes away,
    (identity, resize_like, subpixel, padding, fold, merge, pointwise),
    # what follows from taking convolutions apart that have their normalization by now,
    (branches, merge, pointwise),
    # then what chooses forms.
    (deconvolution, nearest),
    (transposed, matrices),
    (minimal_filtering, concatenation),
    (layout,),
    (shuffle,),
)


def stages_of(target: "Target") -> list[list[Rule]]:
    """The rules of a target, stage by stage."""
    return [[rule for rule in rules if rule.NAME not in target.never] for rules in STAGES]


TAKING_APART: tuple[Rule, ...] = (nearest, transposed, matrices, shuffle)
"""Rules whose forms the target chooses, and that could undo each other."""
