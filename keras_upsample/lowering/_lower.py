"""Lowering of a model for a target."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..program._applied import Applied
from ..program._failures import strict
from ..program._program import Program, program_of
from ..program._read import NotAGraphError
from ._equal import merge_equal
from ._rewriting import Choose, Rewriting
from ._rules._all import stages_of
from ._unmatched import explain_unmatched

if TYPE_CHECKING:
    from ..targets import Target
    from ._profile import Profile
    from ._timings import Timings


@dataclass(frozen=True)
class Lowered:
    """A lowered model.

    Attributes:
        model: a functional Keras model that computes the same at inference. It shares the weights
            that no rule changed with the original model.
        applied: the rewrites and their layers, in the order of the model.
        notice: why the model was not lowered; empty if it was.
    """

    model: Any
    applied: tuple[Applied, ...] = ()
    notice: str = ""


def lower(
    model: Any,
    target: "str | Target" = "tflite",
    *,
    input_shape: Any = None,
    tune: bool | float = False,
    profile: str | None = None,
    timings: str | Path | None = None,
    head: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Lowered:
    """Rewrite a model into the equal form that a target runs fastest.

    Args:
        model: any Keras model. The model and its weights are not changed.
        target: name of one of `keras_upsample.export.TARGETS`.
        input_shape: sizes to fix, without the batch, as for `keras_upsample.export.export`; more
            rules apply at known sizes. For a target of fixed sizes, open ones become 256 x 256.
        tune: convert and time every block that has several equal forms, in the target's runtime on
            this machine (for an Ethos-U: by Vela's estimate), and take the fastest. Times are
            stored by runtime, processor and block in the cache folder (KERAS_UPSAMPLE_CACHE). A
            number limits the seconds of measuring (True: 600); blocks that are not measured get
            the form of the profile or of the target's table.
        profile: the profile whose forms are taken without a measurement, as for
            `keras_upsample.export.export`.
        timings: times of the blocks on another device, as for `keras_upsample.export.export`.
        head: as for `keras_upsample.export.export`.
        progress: called with a description of each block before it is measured.

    Returns:
        The lowered model and the rewrites. A tuned model may hold depthwise convolutions of unequal
        strides, which its target runs, but TensorFlow's CPU kernels don't. A model whose graph
        can't be read is returned unchanged, with a `notice`.

    Raises:
        ValueError, TypeError: a bad argument.

    Example:
        >>> lowered = lower(model, "tflite", input_shape=(256, 256, 3))  # doctest: +SKIP
        >>> print(*lowered.applied, sep="\\n")  # doctest: +SKIP
    """
    from ..program._signature import signature_to_run
    from ..targets import Target, target_named
    from ._head import add_head

    chosen = target if isinstance(target, Target) else target_named(target)
    signature = signature_to_run(model, input_shape)
    if chosen.static:
        signature = signature.fixed()
    program = add_head(program_of(model, signature), head)
    program = lower_program(
        program, chosen, tune=tune, profile=profile, timings=timings, progress=progress
    )
    return Lowered(program.model, program.notes, program.notice)


def lower_program(
    program: Program,
    target: "Target",
    *,
    tune: bool | float = False,
    profile: str | None = None,
    timings: str | Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> Program:
    """`lower` for a program; unchanged, with a notice and no notes, if its graph can't be read."""
    from ..errors import first_line
    from ._choose import by_table
    from ._profile import by_profile
    from ._profiles import profile_for
    from ._timings import TimingsError, timings_for
    from ._tune import tuning_seconds

    seconds = tuning_seconds(tune)
    chosen, why = profile_for(target, profile, tuned=bool(seconds))
    choose = by_table(target) if chosen is None else by_profile(chosen, by_table(target))
    timed = timings_for(target, timings, tune=tune)
    try:
        if timed is not None:
            return _by_timings(program, target, timed, choose)
        result = _lower(program, target, seconds, choose, chosen, progress)
        if not why or (chosen is None and seconds):
            return result
        name = "by table" if chosen is None else chosen.name
        return result.with_notes(Applied("profile", (program.name,), name, why))
    except TimingsError:
        raise
    except Exception as error:  # whatever the model's own code raises: export goes on without
        if strict() and not isinstance(error, NotAGraphError):
            raise
        reason = str(error) if isinstance(error, NotAGraphError) else first_line(error)
        notice = f"The model {program.name!r} was not lowered: {reason}"
        return replace(program, notes=(), notice=notice)


def rewrite(program: Program, target: "Target", choose: Choose) -> Program:
    """Apply the rules of a target to the program, with the forms that are chosen."""
    graph = program.graph.copy()
    rewriting = Rewriting(graph, choose, target.never_forms)
    rewriting.run(stages_of(target))
    merge_equal(graph)
    left = explain_unmatched(graph, rewriting, target.never)
    result = program.changed(graph).with_notes(*rewriting.applied, *left)
    result.check_open_sizes()
    return result


def _lower(
    program: Program,
    target: "Target",
    tune: float,
    otherwise: Choose,
    profile: "Profile | None",
    progress: Callable[[str], None] | None,
) -> Program:
    from ._meters import meter_of, why_unmeasured
    from ._tune import Tuner

    meter = meter_of(target) if tune else None
    if meter is None:
        result = rewrite(program, target, otherwise)
        if not tune:
            return result
        return result.with_notes(
            Applied("tuning", (program.name,), "by table", why_unmeasured(target))
        )
    of_machine = profile if profile is not None and profile.instructions else None
    tuner = Tuner(target, meter, tune, otherwise, of_machine, progress)
    tuner.longest_first(program)
    return _rewrite_as_timed(program, target, tuner, otherwise)


def _by_timings(
    program: Program, target: "Target", timings: "Timings", otherwise: Choose
) -> Program:
    """
    Raises:
        TimingsError: the timings are of another model.
    """
    from ._bundle import own_blocks
    from ._timings import Timed

    timings.check_blocks(own_blocks(program, target))
    choose = Timed(timings, target, otherwise)
    result = _rewrite_as_timed(program, target, choose, otherwise)
    return result.with_notes(
        Applied("timings", (program.name,), f"timed on {timings.device}", choose.summary)
    )


def _rewrite_as_timed(
    program: Program, target: "Target", choose: Choose, otherwise: Choose
) -> Program:
    """`rewrite` with forms that are chosen by times at fixed sizes."""
    from ._choose import as_decided
    from ._rewriting import rehearse

    if program.signature.fixed() != program.signature:
        # Times are those of one size; at open sizes the same forms are taken.
        choose = as_decided(rehearse(program, target, choose).applied, otherwise)
    return rewrite(program, target, choose)
