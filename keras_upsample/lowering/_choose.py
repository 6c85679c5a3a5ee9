"""Choice of a rewrite's form by the target's table, without measurement."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..program._applied import KEEP, Applied
from ..program._graph import Graph
from ._rewrite import Rewrite

if TYPE_CHECKING:
    from ..targets import Target
    from ._rewriting import Choose


def by_table(target: "Target") -> "Choose":
    """The forms that the target's table prefers; a form that is never slower is always taken."""

    def choose(proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        for form in target.lowering.get(proposal.rule, ()):
            if form in proposal.forms and proposal.forms[form].pays:
                return form, None
        return (next(iter(proposal.forms)) if proposal.always else KEEP), None

    return choose


def as_decided(applied: Sequence[Applied], otherwise: "Choose") -> "Choose":
    """The forms that were chosen for the same blocks before."""
    forms = {(entry.rule, entry.layers): entry for entry in applied}

    def choose(proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        entry = forms.get((proposal.rule, proposal.layers))
        if entry is not None and (entry.form == KEEP or entry.form in proposal.forms):
            return entry.form, entry.measured
        return otherwise(proposal, graph)

    return choose
