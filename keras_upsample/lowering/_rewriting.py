"""The rewriting engine: apply rules to a graph until none changes it."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING

from ..program._applied import KEEP, Applied
from ..program._failures import as_reason
from ..program._graph import Graph, Node
from ..program._surroundings import Surroundings, sources
from ._match import Here, NoMatch, OtherKind
from ._rewrite import Rewrite
from ._rules._all import TAKING_APART, Rule, stages_of

if TYPE_CHECKING:
    from ..program._program import Program
    from ..targets import Target

Choose = Callable[[Rewrite, Graph], tuple[str, float | None]]
"""A rewrite -> the name of the form to take, or `KEEP`, and how much faster it was measured."""


class Rewriting:
    """Applies rules to a graph. A rule whose code raises an error is left out, with a note.

    Args:
        graph: the graph; it is changed.
        choose: chooses the form of a proposal.
        never: forms that are not proposed.

    Attributes:
        applied: the rewrites that were made, and those that were not chosen.
    """

    def __init__(self, graph: Graph, choose: Choose, never: Collection[str] = ()) -> None:
        self._graph, self._choose, self._never = graph, choose, never
        self.applied: list[Applied] = []
        self._failed: set[str] = set()
        self._settled: dict[tuple[str, int], Node] = {}  # holds the nodes, so that ids stay theirs
        self._reasons: dict[tuple[str, int], tuple[Node, str]] = {}

    def run(self, stages: Sequence[Sequence[Rule]]) -> None:
        """Apply the rules of each stage in turn."""
        for rules in stages:
            while self._pass(rules):
                pass

    def reason(self, rule: Rule, node: Node) -> str:
        """Why a rule's pattern did not match at a node; "" if the rule did not examine it."""
        return self._reasons.get((rule.NAME, id(node)), (node, ""))[1]

    def _pass(self, rules: Sequence[Rule]) -> bool:
        """Go through the graph once; True if it changed.

        The nodes are those at the beginning of the pass. Nodes that a rewrite has removed are
        skipped; nodes that it adds are visited by the next pass.
        """
        changed = False
        around = Surroundings(self._graph)
        for node in around.nodes:
            for rule in rules:
                if node not in around:
                    break
                if self._rewritten(rule, node, around):
                    changed = True
                    around = Surroundings(self._graph)
        return changed

    def _rewritten(self, rule: Rule, node: Node, around: Surroundings) -> bool:
        """Try a rule at a node; True if the graph changed."""
        if rule.NAME in self._failed or (rule.NAME, id(node)) in self._settled:
            return False
        try:
            proposal = self._proposal(rule, node, around)
            if proposal is None or _reads_integers(proposal):
                return False
            proposal = proposal.without(self._never)
            if not proposal.forms:
                return False
            self._settled[rule.NAME, id(node)] = node
            return self._take(proposal)
        except Exception as error:  # a bug in the rule: the others go on
            self._failed.add(rule.NAME)
            self.applied.append(Applied(rule.NAME, sources(node), KEEP, as_reason(error)))
            return False

    def _proposal(self, rule: Rule, node: Node, around: Surroundings) -> Rewrite | None:
        """The proposal of the rule's first pattern that matches; if none does, note the reason."""
        deepest: tuple[Here, str] | None = None
        for pattern in rule.PATTERNS:
            here = Here(node, around, rule.NAME)
            try:
                return pattern(here)
            except OtherKind:
                continue
            except NoMatch as why:
                if deepest is None or len(here.matched) > len(deepest[0].matched):
                    deepest = here, str(why)
        if deepest is not None:
            here, reason = deepest
            self._reasons.update({(rule.NAME, id(n)): (n, reason) for n in here.looked_at})
        return None

    def _take(self, proposal: Rewrite) -> bool:
        form, measured = self._choose(proposal, self._graph)
        took = form != KEEP
        if took:
            result = proposal.forms[form].build(*proposal.inputs)
            if result.spec.dtype != proposal.output.spec.dtype:  # the block's layers differ in it
                return False
            if not proposal.always:
                # What was chosen among equal forms is not taken apart again; convolutions in it
                # may still be filtered.
                names = {rule.NAME for rule in TAKING_APART} | {proposal.rule}
                for node in self._graph.between(proposal.inputs, result):
                    self._settled.update({(name, id(node)): node for name in names})
            self._graph.replace(proposal.output, result)
        gain = proposal.gain if took else _why_kept(measured)
        self.applied.append(Applied(proposal.rule, proposal.layers, form, gain, measured))
        return took


def rehearse(program: "Program", target: "Target", choose: Choose) -> Rewriting:
    """Lower a copy of the program at fixed sizes, with the forms that are chosen."""
    fixed = program.signature.fixed()
    graph = program.graph if fixed == program.signature else program.at(fixed).graph
    rehearsal = Rewriting(graph.copy(), choose, target.never_forms)
    rehearsal.run(stages_of(target))
    return rehearsal


def _reads_integers(proposal: Rewrite) -> bool:
    """Whether the block turns integers into floats, as convolutions of Keras do not."""
    from keras.backend import is_float_dtype

    return is_float_dtype(proposal.output.spec.dtype) and not all(
        is_float_dtype(tensor.spec.dtype) for tensor in proposal.inputs
    )


def _why_kept(measured: float | None) -> str:
    if measured is None:
        return "the target's table names no form that is faster"
    return f"the fastest other form takes {1 / measured:.2f} of its time"
