"""The key under which a block's times are stored."""

from typing import TYPE_CHECKING

from ._rewrite import Rewrite

if TYPE_CHECKING:
    from ..targets import Target

_BETWEEN = " | "


def key_of(proposal: Rewrite, target: "Target") -> str:
    """Rule, kind, sizes, shapes of the inputs and forms of a proposal."""
    shapes = ("x".join(str(n or 1) for n in tensor.shape) for tensor in proposal.inputs)
    parts = [
        proposal.rule,
        proposal.block.kind,
        " ".join(map(str, proposal.block.sizes)),
        " ".join(shapes),
        ", ".join(proposal.forms),
    ]
    return _BETWEEN.join(parts + ["between pools"] * target.own_layout)


def parts_of_key(key: str) -> tuple[str, str, tuple[int, ...]]:
    """Rule, kind of block and its sizes.

    Raises:
        ValueError: it is no key.
    """
    rule, kind, sizes, *_ = key.split(_BETWEEN)
    return rule, kind, tuple(map(int, sizes.split()))
