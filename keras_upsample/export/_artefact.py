"""Make one artefact: convert, load, verify, and move it to its path."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .._ours import bytes_at, check_ours
from .._publish import check_place, publish
from ..errors import ArtefactError, ExportError, first_line
from ..examples._shown import describe_values
from ..files._beside import values_beside
from ..files._digest import digests_of
from ..files._durable import is_of_disk, naming
from ..formats._convert import convert
from ..formats._inside import Inside
from ..formats._keras_quantized import check_quantized
from ..formats._layer_names import UnknownLayerError
from ..lowering._profiles import profile_of_tuning
from ..metadata import Metadata
from ..metadata._write import record
from ..program._inference import check_weights
from ..program._program import Program
from ..quantization._calibration import held_out_images
from ..runtimes import load
from ..runtimes._first_load import remember
from ..runtimes._load import absence
from ..targets import Target
from ._device import check_on_device
from ._file_facts import facts_of_file, with_outputs
from ._gates import gate_for
from ._options import Options
from ._prepare import fit, prepare, silent
from ._report import ArtefactReport
from ._resizable import explain_errors, require_another_size
from ._subject import Subject
from ._tuned import keep_the_faster
from ._verify import beside, compare, measure, other_runtimes, require

if TYPE_CHECKING:
    from ..runtimes import Runner


def check_target(path: Path, target: Target, *, overwrite: bool) -> None:
    """Refuse a target without its runtime, and a path that can't be written or that holds files
    which this package did not write.

    Raises:
        ValueError: it says what the path holds.
        ModuleNotFoundError: it says what to install.
    """
    if reason := absence(target.runtime):
        raise ModuleNotFoundError(f"Target {target.name!r} needs its runtime: {reason}")
    check_path(path, directory=target.format == "saved_model", overwrite=overwrite)


def check_path(path: Path, *, directory: bool, overwrite: bool) -> None:
    """
    Raises:
        ValueError: the path can't be written, or holds files which this package did not write.
    """
    check_place(path, directory=directory, overwrite=overwrite)
    check_ours(path, directory=directory, overwrite=overwrite)


def make_artefact(
    subject: Subject,
    path: str | Path,
    target: Target,
    options: Options,
    progress: Callable[[str], None] = silent,
) -> ArtefactReport:
    """Write one verified artefact; on any error `path` is unchanged.

    Args:
        subject: the model to export.
        path: path of the file or folder.
        target: target of the artefact.
        options: options of the user.
        progress: called before each step.

    Raises:
        ExportError: the conversion failed, the runtime refuses the result, or Keras quantised the
            model to a type that the format lacks.
        VerificationError: the artefact's outputs fail the gate.
        ValueError: bad weights, or a path that can't be written.
    """
    directory = target.format == "saved_model"
    check_target(Path(path), target, overwrite=options.overwrite)
    gate_for(target, options.gate)  # report a bad gate before any work
    program, reference = subject.for_target(target, options.batch_size), subject.reference
    check_weights(program.model)
    check_quantized(program.model, target)
    options = replace(options.for_target(target), representative_data=subject.representative_data)
    if options.weight_bits is None and any(len(s.shape) == 5 for s in program.signature.inputs):
        # Seven are enough where weights make good what others lose, as those of images do.
        options = replace(options, weight_bits=max(target.weights, default=None))
    if target.calibrated and reference.images is None:
        # Ranges that suit the data of a preset do not suit photographs.
        reference = reference.before(*held_out_images(program.model))
    with publish(path, directory=directory) as staged, explain_errors(target):
        ready = prepare(program, target, reference.images, options, progress=progress)
        form = ready.program
        progress("convert")

        outputs: list[str] = []

        def write(program: Program, place: Path) -> None:
            with naming(place):
                outputs[:] = convert(program, place, target, options, ready.feeds, subject.inside)

        def untuned() -> Program:
            given = replace(options, tune=False, profile=profile_of_tuning(options.profile))
            return fit(program, target, ready.feeds, given).program

        try:
            write(form, staged)
            if options.lower and options.tune:
                progress("compare with the untuned file")
                form = keep_the_faster(form, untuned, target, staged, write)
        except (ExportError, UnknownLayerError):
            raise
        except Exception as error:  # the model's own code runs here, and so does every converter
            if is_of_disk(error):
                raise
            raise ExportError(f"The model can't be traced: {first_line(error)}") from error
        by = "litert_flex" if options.allow_flex else target.runtime
        check, unchecked = check_on_device(staged, target)
        # Where it does not run, the check says so; where it runs wrongly, it is not written.
        runs = check is None or check.passed or check.wrong
        deciding = other_runtimes(target.decides) if runs else []
        facts = with_outputs(_facts(form, subject.inside, target, options), outputs)
        facts = replace(facts, verified_in=", ".join((by, *deciding)))
        record(staged, target.format, facts)
        progress("verify")
        others = []
        first = _load(staged, by)
        default = reference.gate(target.gate)
        gate = default if options.gate is None else gate_for(target, options.gate)
        verifications = [compare(reference, first, gate, real=target.calibrated)]
        require(verifications[0], path, form.notes)
        if target.resizable:
            require_another_size(reference, first, real=target.calibrated)
        for name in deciding:
            # One after the other, so that no more than two copies of the weights are in memory.
            others.append(name)
            other = _load(staged, name)
            verifications.append(compare(reference, other, gate, real=target.calibrated))
            require(verifications[-1], path, form.notes)
        for name in other_runtimes(target.also):
            verifications.append(beside(reference, staged, name, gate, real=target.calibrated))
            if verifications[-1].differences:
                others.append(name)
        for name in other_runtimes(tuple(target.declared)):
            own = reference.gate(target.declared[name])
            verifications.append(
                beside(reference, staged, name, own, real=target.calibrated, declared=True)
            )
        digests = digests_of(staged)
        remember(staged, (by, *others), digests)
        progress("measure")
        partitions = getattr(first, "delegate_partitions", None)
        report = ArtefactReport(
            target=target.name,
            path=str(path),
            file_size=bytes_at(staged),
            inputs={info.name: info.shape for info in first.inputs},
            verifications=tuple(verifications),
            operators=first.operator_counts(),
            latency=measure(reference, first),
            delegate_partitions=partitions() if partitions else None,
            lowering=(*map(str, form.notes), *(subject.inside.notes() if subject.inside else ())),
            notice=form.notice,
            check=check,
            not_checked=unchecked,
            taken=subject.known.taken,
            assumed=subject.known.assumed,
            gate=gate,
            default_gate=default,
            shown=(
                *describe_values(
                    "calibration", ready.sources, ready.feeds or (), program.signature.inputs
                ),
                *reference.shown(first),
            ),
            data_files=tuple(file.name for file in values_beside(staged)),
            sha256=digests,
        )
        progress("publish")
    for line in report.warnings:
        warnings.warn(f"{path}: {line}", UserWarning, stacklevel=2)
    return report


def _facts(program: Program, inside: Inside | None, target: Target, options: Options) -> Metadata:
    """The metadata of the file."""
    integers = target.integer_io or options.integer_io
    facts = facts_of_file(program.metadata, program.signature, options.layout, integers=integers)
    return inside.facts(facts) if inside else facts


def _load(path: Path, runtime: str) -> "Runner":
    try:
        return load(path, runtime=runtime, trust=True)
    except ArtefactError as error:
        raise ExportError(f"The artefact was converted but {error}") from error
