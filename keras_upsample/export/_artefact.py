"""One artefact from beginning to end: convert, load, verify, publish."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._ours import bytes_at, check_ours
from .._publish import check_place, published
from ..errors import ArtefactError, ExportError, first_line
from ..files._onnx_file import data_files
from ..formats._convert import FileOptions, convert
from ..formats._keras_quantized import check_quantized
from ..formats._layer_names import UnknownLayerError
from ..lowering._lower import Lowered
from ..lowering._tune import tuning_seconds
from ..metadata import Metadata
from ..metadata._write import record
from ..program._inference import check_weights
from ..program._signature import Signature
from ..runtimes import load
from ..runtimes._first_load import remember
from ..targets import Target
from ._calibration import held_out_images
from ._device import checked
from ._file_facts import facts_of_file, with_outputs
from ._gates import GateArgument, gate_for
from ._known import Known
from ._prepared import formed, prepared
from ._reference import Reference
from ._report import ArtefactReport
from ._resizable import explaining, require_another_size
from ._shown import shown
from ._tuned import keep_the_faster
from ._verify import beside, compare, measure, other_runtimes, require

if TYPE_CHECKING:
    from ..runtimes import Runner

Progress = Callable[[str], None]


def check_target(path: Path, target: Target, *, overwrite: bool) -> None:
    """Refuse a path that can't take the artefact, or at which something of the user's stands.

    Raises:
        ValueError: it says what stands there.
    """
    directory = target.format == "saved_model"
    check_place(path, directory=directory, overwrite=overwrite)
    check_ours(path, directory=directory, overwrite=overwrite)


def silent(step: str) -> None:
    """No progress shown."""


@dataclass(frozen=True)
class Options(FileOptions):
    """What a user may choose for one artefact beyond its target.

    Attributes:
        metadata: what the user says of the model; None takes what the model carries.
        known: what is known of the model, in the end.
        scaling: `"outside"` or `"inside"`, where pixels are scaled.
        lower: give the model the form that the target runs fastest.
        tune: find that form by measurement; otherwise by the target's table.
        representative_data: see `calibration_feeds`.
        overwrite: replace a SavedModel of ours that has other files beside it in its folder.
        gate: in place of the target's own, see `gate_for`.
        resizable: let whoever runs a TFLite file choose heights and widths.
    """

    metadata: Metadata | None = None
    known: Known = field(default_factory=lambda: Known(Metadata()))
    scaling: str = "outside"
    lower: bool = True
    tune: bool | float = False
    representative_data: Any = None
    overwrite: bool = False
    gate: GateArgument = None
    resizable: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        tuning_seconds(self.tune)


def make_artefact(
    model: Any,
    path: str | Path,
    target: Target,
    signature: Signature,
    reference: Reference,
    options: Options,
    progress: Progress = silent,
) -> ArtefactReport:
    """Write one verified artefact; on any error nothing at `path` has changed.

    Raises:
        ExportError: the conversion failed, the runtime refuses the result, or Keras quantised the
            model to numbers that the format has not.
        VerificationError: the artefact computes something else than the model.
        ValueError: bad weights, or a path that can't take the artefact.
    """
    directory = target.format == "saved_model"
    check_target(Path(path), target, overwrite=options.overwrite)
    gate_for(target, options.gate)  # a bad one is told before any work
    check_weights(model)
    check_quantized(model, target)
    if options.weight_bits is None and any(len(spec.shape) == 5 for spec in signature.inputs):
        # Seven are enough where weights make good what others lose, as those of images do.
        options = replace(options, weight_bits=max(target.weights, default=None))
    if target.static:
        signature = signature.fixed()
    if target.calibrated and reference.images is None:
        # Ranges that suit the data of a preset do not suit photographs.
        reference = reference.before(*held_out_images(model))
    with published(path, directory=directory) as staged, explaining(target):
        ready = prepared(
            model,
            signature,
            target,
            reference.images,
            lower=options.lower,
            tune=options.tune,
            representative_data=options.representative_data,
            weight_bits=options.weight_bits,
            keep_float=options.keep_float,
            progress=progress,
        )
        low = ready.low
        progress("convert")

        outputs: list[str] = []

        def write(form: Any, own: Signature, place: Path) -> None:
            outputs[:] = convert(form, own, place, target, options, ready.feeds)

        def by_table() -> tuple[Lowered, Signature]:
            form = formed(
                model,
                signature,
                target,
                ready.feeds,
                weight_bits=options.weight_bits,
                keep_float=options.keep_float,
            )
            return form.low, form.signature

        try:
            write(low.model, ready.signature, staged)
            if options.lower and options.tune:
                progress("compare with the table's form")
                low = keep_the_faster(low, by_table, target, staged, write)
        except (ExportError, UnknownLayerError):
            raise
        except Exception as error:  # the model's own code runs here, and so does every converter
            raise ExportError(f"The model can't be traced: {first_line(error)}") from error
        facts = with_outputs(_facts(options, ready.signature, target), outputs)
        record(staged, target.format, facts)
        progress("verify")
        by, others = "litert_flex" if options.allow_flex else target.runtime, []
        first = _load(staged, by)
        default = reference.gate(target.gate)
        gate = default if options.gate is None else gate_for(target, options.gate)
        verifications = [compare(reference, first, gate, real=target.calibrated)]
        require(verifications[0], path)
        if target.resizable:
            require_another_size(reference, first, real=target.calibrated)
        check, unchecked = checked(staged, target)
        for name in other_runtimes(target.decides):
            if check is not None and not check.passed:
                break  # the check says what does not run there
            # One after the other, so that no more than two copies of the weights are in memory.
            others.append(name)
            other = _load(staged, name)
            verifications.append(compare(reference, other, gate, real=target.calibrated))
            require(verifications[-1], path)
        for name in other_runtimes(target.also):
            verifications.append(beside(reference, staged, name, gate, real=target.calibrated))
            if verifications[-1].differences:
                others.append(name)
        for name in (by, *others):
            remember(staged, name)
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
            lowering=(*map(str, low.applied), *(options.inside.notes() if options.inside else ())),
            notice=low.notice,
            check=check,
            not_checked=unchecked,
            taken=options.known.taken,
            assumed=options.known.assumed,
            gate=gate,
            default_gate=default,
            shown=(
                *shown("calibration", ready.sources, ready.feeds or (), signature.inputs),
                *reference.shown(first),
            ),
            data_files=tuple(file.name for file in data_files(staged)),
        )
        progress("publish")
    for line in report.warnings:
        warnings.warn(f"{path}: {line}", UserWarning, stacklevel=2)
    return report


def _facts(options: Options, signature: Signature, target: Target) -> Metadata:
    integers = target.integer_io or options.integer_io
    facts = facts_of_file(options.known.metadata, signature, options.layout, integers=integers)
    return options.inside.facts(facts) if options.inside else facts


def _load(path: Path, runtime: str) -> "Runner":
    try:
        return load(path, runtime=runtime, trust=True)
    except ArtefactError as error:
        raise ExportError(f"The artefact was converted but {error}") from error
