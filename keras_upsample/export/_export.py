"""All targets of one model in one go."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .._ours import check_ours
from .._publish import published
from ..errors import ExportError, first_line
from ..formats._inside import planned
from ..lowering._lower import headed
from ..metadata import Metadata
from ..program._input_shape import ShapeArgument
from ..program._signature import signature_to_run
from ..targets import Target, target_named
from ._artefact import Options, check_target, make_artefact
from ._gates import GateArgument, gate_for
from ._given import given_examples
from ._images import Images
from ._known import after_head, known, output_names, scores_of, with_scalings
from ._pixel_reference import reference_of
from ._report import ArtefactReport, ExportReport, package_versions
from ._resizable import opened, resizable_targets, sized_for
from ._source import as_model


def export(
    model: Any,
    directory: str | Path,
    targets: Sequence[str] = ("saved_model", "tflite", "onnx"),
    images: Images = None,
    *,
    name: str | None = None,
    input_shape: ShapeArgument = None,
    metadata: Metadata | None = None,
    scaling: str = "outside",
    head: str | None = None,
    threshold: float | None = None,
    lower: bool = True,
    tune: bool | float = False,
    representative_data: Any = None,
    overwrite: bool = False,
    gate: GateArgument = None,
    resizable: bool = False,
    progress: Any = None,
) -> ExportReport:
    """Export a model to several targets, each verified in its own runtime.

    Args:
        model: any Keras model: functional, Sequential or subclassed, ours or not; or the path of a
            `.keras` or `.h5` file or SavedModel folder, see `load_source`.
        directory: gets `saved_model/`, `<name>.tflite`, `<name>.onnx`, ... and `report.json`.
        targets: names of `TARGETS`.
        images: what to verify on, see `verify`; default real photographs.
        name: of the files; default the preset's (`unet_cells`) or the model's.
        input_shape: without the batch, e.g. `(256, 256, 3)`, or a dict by input name. Fixes what
            the model leaves open; default: open where the target allows, else 256 x 256 pixels.
        metadata: what the model means; default what it carries, see `keras_upsample.metadata.of`.
        scaling: `"inside"` lets the files take pixels, uint8 of 0 to 255, and scale them
            themselves as the metadata says, and give pictures as uint8 too; `"outside"` leaves that
            to whoever runs them, by the metadata in the files.
        head: `"argmax"` appends the class map to the scores (uint8 for up to 256 classes),
            `"threshold"` 0 or 1 for each channel by itself, `"softmax"` and `"sigmoid"`
            probabilities, unless the scores are that already. Of one channel `"argmax"` is
            `"threshold"`.
        threshold: of that head, in the units of the scores. Default: the metadata's, else 0.5 of
            probabilities and 0 of logits; asked for where nothing says which they are.
        lower: give each target the equal form of the model that it runs fastest, see
            `keras_upsample.lowering.lower`; False keeps the model's own operators.
        tune: choose the forms by measurement on this machine (for an Ethos-U by Vela's estimate),
            which takes a minute or so the first time (a number: the seconds it may take for each
            target); False chooses by the targets' tables.
        representative_data: images for the targets of integer arithmetic, as for `to_tflite`.
        overwrite: write a SavedModel into a folder that holds files which this package did not
            write; they are kept. Without it such a folder is refused. Results of an earlier export
            are replaced in any case, and anything else in their places is refused in any case.
        gate: what verification demands in place of a target's own gate: a `Gate`, a number, or a
            dict of these by target. A number is the largest error as a share of the output's range
            for files that compute in float, and the least signal-to-noise ratio in dB for those
            with 8-bit numbers. The report has it beside the default and the measured figures.
        resizable: leave height and width open in TFLite files, as other formats do by themselves:
            the file computes sizes from its input's, and whoever runs it chooses them by
            `Interpreter.resize_tensor_input`; before that they are those of `input_shape`. A
            constant size, the default, is what GPU and NPU delegates need, and takes resizes of
            small maps half the time (docs/limits.md). Not for devices, nor for a model of fixed
            height and width.
        progress: called as `progress(target_name, step)` before each step.

    Returns:
        The report; `print` it for a table.

    Raises:
        ExportError: one or more targets failed. The others are published, `report.json` says so,
            and the error's `report` attribute is the report.
        ValueError, TypeError: a bad argument, or a place that can't take its file; nothing was
            done.

    Example:
        >>> report = export(model, "build/unet")  # doctest: +SKIP
        >>> print(report)  # doctest: +SKIP
    """
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        raise TypeError(f"`targets` must be a list of names of `TARGETS`. Received: {targets!r}.")
    chosen = [target_named(name) for name in dict.fromkeys(targets)]
    if not chosen:
        raise ValueError("`targets` is empty; name at least one.")
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"`directory` {str(directory)!r} is a file. Choose another path.")
    if resizable:
        chosen = resizable_targets(chosen)
    model = as_model(model)
    plain = signature = signature_to_run(model, input_shape)
    if resizable:
        signature = opened(model, plain)
    found = known(model, signature, metadata)
    signature = with_scalings(signature, found.metadata)
    model, signature = headed(model, signature, head, scores_of(found, head, threshold))
    found = after_head(found, model, head)
    called = name or found.metadata.preset or model.name
    places = [(target, directory / _file_name(called, target)) for target in chosen]
    for target, place in places:
        gate_for(target, gate)
        check_target(place, target, overwrite=overwrite)
    check_ours(directory / "report.json", directory=False, overwrite=overwrite)
    plan = planned(signature, found.metadata, output_names(model), scaling, chosen)
    given = given_examples(signature, images, representative_data)
    reference = reference_of(model, signature, given.images, plan, given.source)
    options = Options(
        known=found,
        inside=plan,
        lower=lower,
        tune=tune,
        representative_data=given.learnt(model, signature, chosen),
        overwrite=overwrite,
        gate=gate,
        resizable=resizable,
    )
    artefacts: list[ArtefactReport] = []
    failures: dict[str, str] = {}
    for target, path in places:

        def step(name: str, target: Target = target) -> None:
            if progress is not None:
                progress(target.name, name)

        own = sized_for(target, signature, plain, batch_size=1) if resizable else signature
        try:
            artefacts.append(make_artefact(model, path, target, own, reference, options, step))
        except ExportError as error:
            failures[target.name] = str(error) + _stale(path)
        except BaseException as error:
            if artefacts:  # files were written: what stands there is reported in any case
                failures[target.name] = (first_line(error) or type(error).__name__) + _stale(path)
                _save(_report(model, artefacts, failures), directory)
            raise
    report = _report(model, artefacts, failures)
    _save(report, directory)
    if failures:
        lines = [f"{target}: {why}" for target, why in failures.items()]
        failed = ExportError("Not every target could be exported.\n" + "\n".join(lines))
        failed.report = report
        raise failed
    return report


def _report(
    model: Any, artefacts: Sequence[ArtefactReport], failures: dict[str, str]
) -> ExportReport:
    return ExportReport(model.name, tuple(artefacts), dict(failures), package_versions())


def _save(report: ExportReport, directory: Path) -> None:
    with published(directory / "report.json") as staged:
        report.save(staged)


def _stale(path: Path) -> str:
    """What stands where a target failed was not made now."""
    return f" What stands at {str(path)!r} was there before." if path.exists() else ""


def _file_name(name: str, target: Target) -> str:
    name = re.sub(r"[^\w.-]", "_", name) or "model"
    kind = target.device or target.precision
    extra = "" if kind == "float32" else f"_{kind}"
    return f"{name}{extra}{target.suffix}" if target.suffix else target.name
