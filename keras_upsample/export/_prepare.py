"""Preparation of a program for a target: lowering, equalisation, rounding, calibration data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ..examples._cases import Images
from ..lowering._lower import lower_program
from ..ops._lacking import COMPARISONS, GATHERS
from ..program._program import Program
from ..quantization import _equalise, _lines, _round, _sharpness, _windows
from ..quantization._calibration import calibration
from ..quantization._feeds import Feeds
from ..targets import Target
from ._options import Options


@dataclass(frozen=True)
class Prepared:
    """A program before its conversion.

    Attributes:
        program: program to convert, with notes on its preparation.
        exact: the same program before its weights were rounded.
        feeds: inputs for calibration; None if nothing is calibrated.
        sources: input -> source of its calibration values.
    """

    program: Program
    exact: Program
    feeds: Feeds | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


def silent(step: str) -> None:
    """Show no progress."""


def prepare(
    program: Program,
    target: Target,
    images: Images,
    options: Options,
    *,
    any_values: bool = False,
    progress: Callable[[str], None] = silent,
) -> Prepared:
    """Calibrate, lower, equalise and round, as the target and the options require.

    Args:
        program: program of the user's model.
        target: target of the file.
        images: images on which the file will be verified.
        options: the options that apply to the target.
        any_values: see `calibration`.
        progress: called before each step.
    """
    feeds: Feeds | None = None
    sources: Mapping[str, str] = {}
    if target.calibrated:
        progress("calibrate")
        model, data = program.model, options.representative_data
        learnt = calibration(model, program.signature, data, images, any_values=any_values)
        feeds, sources = learnt.feeds, learnt.sources
    if not options.lower:
        return Prepared(program, program, feeds, sources)
    return replace(fit(program, target, feeds, options, progress=progress), sources=sources)


def fit(
    program: Program,
    target: Target,
    feeds: Feeds | None,
    options: Options,
    *,
    progress: Callable[[str], None] = silent,
) -> Prepared:
    """Lower the program; equalise and round its weights if there are calibration inputs."""
    progress("lower")
    if feeds is not None:
        program = program.attempt(_lines.NOTE.rule, _lines.put_lines_on_images)
    program = lower_program(
        program,
        target,
        tune=options.tune,
        profile=options.profile,
        timings=options.timings,
        progress=progress,
    )
    if feeds is None or program.notice:
        return Prepared(program, program, feeds)
    if GATHERS in target.lacks:
        program = program.attempt(
            _windows.NOTE.rule, lambda given: _windows.learn_windows(given, feeds)
        )
    progress("equalise")
    program = program.attempt(
        _equalise.NOTE.rule,
        lambda given: _equalise.equalise(given, feeds, shared_steps=target.shared_steps),
    )
    steps = target.activation_steps
    if COMPARISONS in target.lacks:
        program = program.attempt(
            _sharpness.NOTE.rule, lambda given: _sharpness.learn_sharpness(given, feeds, steps)
        )
    exact = program
    progress("round")
    grid = target.grid(options.weight_bits)
    program = program.attempt(
        _round.NOTE.rule,
        lambda given: _round.round_weights(
            given, feeds, grid, steps=steps, spared=options.keep_float
        ),
    )
    return Prepared(program, exact, feeds)
