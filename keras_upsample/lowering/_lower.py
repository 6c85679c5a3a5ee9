"""Model -> equal model that a target runs faster."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._assemble import model_at
from ._equal import merge_equal
from ._flatten import NotAGraphError, graph_at, is_functional
from ._graph import Graph, Node
from ._open_sizes import check_open_sizes
from ._rewrite import KEEP, Rewrite, Surroundings, sources
from ._rules import (
    composite,
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
    shuffle,
    transposed,
)
from ._views import Resize, resize_of, transposed_of

if TYPE_CHECKING:
    from ..export._signature import Signature
    from ..export.targets import Target

# In the order in which they are tried: first what takes nodes away, then what chooses forms.
STAGES = (
    (identity, composite, padding, fold, merge, pointwise),
    (deconvolution, nearest),
    (transposed, matrices),
    (minimal_filtering, concatenation),
    (layout,),
    (shuffle,),
)

TAKING_APART = (nearest, transposed, matrices, shuffle)
"""Rules whose forms the target chooses, and that could undo each other."""

Choose = Callable[[Rewrite, Graph], tuple[str, float | None]]
"""A rewrite -> the name of the form to take, or `KEEP`, and how much faster it was measured."""


@dataclass(frozen=True)
class Applied:
    """What lowering did at one place, or why it left the place as it is.

    Attributes:
        rule: name of the rule.
        layers: the user's layers it is about.
        form: the form taken; "as it is" where none.
        gain: what is expected of it, or the reason why nothing is.
        measured: time of the block before over after, in the target's runtime or by its compiler's
            estimate; None if it was not measured, or did not run there before.
    """

    rule: str
    layers: tuple[str, ...]
    form: str
    gain: str
    measured: float | None = None

    def __str__(self) -> str:
        speed = "" if self.measured is None else f" (measured {self.measured:.2f}x)"
        return f"{self.rule}: {', '.join(self.layers)}: {self.form}: {self.gain}{speed}"


@dataclass(frozen=True)
class Lowered:
    """A lowered model.

    Attributes:
        model: a functional Keras model that computes the same at inference. It shares the weights
            that no rule changed with the model it came from.
        applied: what was done where, in the order of the model.
        notice: why the model was left as it is; empty where it was not.
    """

    model: Any
    applied: tuple[Applied, ...] = ()
    notice: str = ""


class Rewriting:
    """Applies rules to a graph until none proposes anything new.

    Args:
        graph: is changed.
        choose: which form of a proposal to take.
        never: forms that are not even proposed.
    """

    def __init__(self, graph: Graph, choose: Choose, never: Collection[str] = ()) -> None:
        self._graph, self._choose, self._never = graph, choose, never
        self.applied: list[Applied] = []
        self._settled: dict[tuple[str, int], Node] = {}  # holds the nodes, so that ids stay theirs

    def run(self, stages: Sequence[Sequence[Any]]) -> None:
        """Apply the rules of each stage in turn."""
        for rules in stages:
            while self._pass(rules):
                pass

    def _pass(self, rules: Sequence[Any]) -> bool:
        """Go through the graph once; True if it changed."""
        changed = False
        around = Surroundings(self._graph)
        for node in around.nodes:
            if node not in around:
                continue
            for rule in rules:
                if (rule.NAME, id(node)) in self._settled:
                    continue
                proposal = rule.propose(node, around)
                if proposal is None or _reads_integers(proposal):
                    continue
                proposal = proposal.without(self._never)
                if not proposal.forms:
                    continue
                self._settled[rule.NAME, id(node)] = node
                if self._take(proposal):
                    changed = True
                    around = Surroundings(self._graph)
                    break
        return changed

    def _take(self, proposal: Rewrite) -> bool:
        form, measured = self._choose(proposal, self._graph)
        took = form != KEEP
        if took:
            result = proposal.forms[form](*proposal.inputs)
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


def unmatched(graph: Graph, applied: Sequence[Applied]) -> list[Applied]:
    """The resizes and transposed convolutions that no rule had a form for, each with the reason."""
    named = {name for entry in applied for name in entry.layers}
    around = Surroundings(graph)
    result = []
    for node in around.nodes:
        names = sources(node)
        if named.issuperset(names):
            continue
        if (resize := resize_of(node)) is not None:
            reason = _why_unmatched(resize)
            result.append(Applied(f"{resize.interpolation} resize", names, KEEP, reason))
        elif transposed_of(node) is not None:
            reason = "its layer is shared" if around.shared(node) else "no rule has a form for it"
            result.append(Applied("transposed convolution", names, KEEP, reason))
    return result


def _why_unmatched(resize: Resize) -> str:
    if resize.interpolation == "nearest":
        return "no plain convolution of stride 1 is all that reads it"
    if None in resize.x.shape[1:]:
        return "its size is open, and constant matrices need one"
    return "it has one form in every target"


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


def lower(
    model: Any,
    target: "str | Target" = "tflite",
    *,
    input_shape: Any = None,
    tune: bool | float = False,
    head: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Lowered:
    """The model in the form that a target runs fastest, computing the same.

    Args:
        model: any Keras model. It and its weights stay as they are.
        target: name of one of `keras_upsample.export.TARGETS`.
        input_shape: sizes to fix, without the batch, as for `keras_upsample.export.export`; more
            rules apply at known sizes. A target of fixed sizes takes 256 x 256 where they are open.
        tune: convert and time every block that has several equal forms, in the target's runtime on
            this machine (for an Ethos-U: by Vela's estimate), and take the fastest. Times are
            remembered by runtime, processor and block in the cache folder (KERAS_UPSAMPLE_CACHE). A
            number is the seconds that measuring may
            take (True: 600); blocks that are left then get the form of the target's table, as all
            do with False.
        head: as for `keras_upsample.export.export`.
        progress: called with a few words before each block that is measured.

    Returns:
        The lowered model and what was done. A tuned model may hold depthwise convolutions of
        unequal strides, which its target runs and TensorFlow's own CPU kernels don't. A model that
        can't be taken apart comes back as it is, with a `notice`.

    Raises:
        ValueError, TypeError: a bad argument.

    Example:
        >>> lowered = lower(model, "tflite", input_shape=(256, 256, 3))  # doctest: +SKIP
        >>> print(*lowered.applied, sep="\\n")  # doctest: +SKIP
    """
    from ..export._signature import signature_to_run
    from ..export.targets import Target, target_named

    chosen = target if isinstance(target, Target) else target_named(target)
    signature = signature_to_run(model, input_shape)
    if chosen.static:
        signature = signature.fixed()
    model, signature = headed(model, signature, head)
    return lowered(model, signature, chosen, tune=tune, progress=progress)[0]


def headed(
    model: Any, signature: "Signature", head: str | None, scores: Any = None
) -> "tuple[Any, Signature]":
    """The model with a head behind its scores, or as it is; checks the argument.

    Raises:
        ValueError: no such head, or none that fits the model.
    """
    if head is None:
        return model, signature
    from ._head import UNKNOWN, with_head

    return with_head(model, signature, head, scores or UNKNOWN)


def lowered(
    model: Any,
    signature: "Signature",
    target: "Target",
    *,
    tune: bool | float = False,
    progress: Callable[[str], None] | None = None,
) -> "tuple[Lowered, Signature]":
    """`lower` at the sizes of a signature; also the signature of the lowered model."""
    from ..errors import first_line
    from ._tune import tuning_seconds

    seconds = tuning_seconds(tune)
    try:
        return _lowered(model, signature, target, seconds, progress)
    except Exception as error:  # whatever the model's own code raises: export goes on without
        reason = str(error) if isinstance(error, NotAGraphError) else first_line(error)
        notice = f"The model {model.name!r} was not lowered: {reason}"
        return Lowered(model, (), notice), signature


def _lowered(
    model: Any,
    signature: "Signature",
    target: "Target",
    tune: float,
    progress: Callable[[str], None] | None,
) -> "tuple[Lowered, Signature]":
    from ..export._signature import _output_names
    from ._choose import by_table, decided
    from ._meters import meter_of, why_unmeasured
    from ._tune import Tuner

    stages = [[rule for rule in rules if rule.NAME not in target.never] for rules in STAGES]
    choose = by_table(target)
    meter = meter_of(target) if tune else None
    if meter is not None:
        choose = Tuner(target, meter, tune, progress)
        fixed = signature.fixed()
        if fixed != signature:
            # Times are those of one size; at open sizes the same forms are taken.
            trial, _ = graph_at(model, fixed)
            rehearsal = Rewriting(trial, choose, target.never)
            rehearsal.run(stages)
            choose = decided(rehearsal.applied, by_table(target))
    graph, outputs = graph_at(model, signature)
    names = _output_names(model, outputs)
    rewriting = Rewriting(graph, choose, target.never)
    rewriting.run(stages)
    merge_equal(graph)
    left = unmatched(graph, rewriting.applied)
    if tune and meter is None:
        left.append(Applied("tuning", (model.name,), "by table", why_unmeasured(target)))
    result, signature = model_at(graph, outputs, signature, model.name)
    result.output_names = names
    if not is_functional(model):
        check_open_sizes(result, signature)
    return Lowered(result, (*rewriting.applied, *left)), signature
