"""Export of one model to several targets."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from .._ours import check_ours
from .._publish import publish
from .._text import plain_name
from ..errors import ExportError, first_line
from ..examples._cases import Images
from ..files._digest import have_digests
from ..program._program import Program
from ..targets import Target, target_named
from ._artefact import check_target, make_artefact
from ._gates import gate_for
from ._options import Chosen, Options, choose_options
from ._report import ArtefactReport, ExportReport, package_versions
from ._resizable import resizable_targets
from ._subject import subject_of


def export(
    model: Any,
    directory: str | Path,
    targets: Sequence[str] = ("saved_model", "tflite", "onnx"),
    images: Images = None,
    *,
    name: str | None = None,
    progress: Any = None,
    options: Options | None = None,
    **chosen: Unpack[Chosen],
) -> ExportReport:
    """Export a model to several targets, each verified in its own runtime.

    Args:
        model: any Keras model: functional, Sequential or subclassed, ours or not; or the path of a
            `.keras` or `.h5` file or SavedModel folder, see `load_source`.
        directory: folder for `saved_model/`, `<name>.tflite`, `<name>.onnx`, ... and `report.json`.
        targets: names of `TARGETS`.
        images: images for verification, see `verify`. Default: photographs.
        name: name of the files. Default: the preset's (`unet_cells`) or the model's.
        progress: called as `progress(target_name, step)` before each step.
        options: see `Options`.
        chosen: fields of `Options` as keyword arguments, e.g. `input_shape=(256, 256, 3),
            head="argmax"`; they override `options`.

    Returns:
        The report; `print` it for a table.

    Raises:
        ExportError: one or more targets failed. The files of the others are written, `report.json`
            says so, and the error's `report` attribute is the report.
        ValueError, TypeError: a bad argument, or a path at which the file can't be written.
            Nothing was written.
        ModuleNotFoundError: the runtime of a target is not installed. Nothing was written.

    Example:
        >>> report = export(model, "build/unet")  # doctest: +SKIP
        >>> print(report)  # doctest: +SKIP
    """
    if isinstance(targets, str) or not isinstance(targets, Sequence):
        raise TypeError(f"`targets` must be a list of names of `TARGETS`. Received: {targets!r}.")
    goals = [target_named(name) for name in dict.fromkeys(targets)]
    if not goals:
        raise ValueError("`targets` is empty; name at least one.")
    directory = Path(directory)
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"`directory` {str(directory)!r} is a file. Choose another path.")
    options = choose_options(options, chosen)
    if options.resizable:
        goals = resizable_targets(goals)
    for target in goals:
        gate_for(target, options.gate)
    places: list[tuple[Target, Path]] = []

    def check_places(program: Program) -> None:
        called = name or program.metadata.preset or program.name
        places.extend((target, directory / _file_name(called, target)) for target in goals)
        for target, place in places:
            check_target(place, target, overwrite=options.overwrite)
        check_ours(directory / "report.json", directory=False, overwrite=options.overwrite)

    subject = subject_of(model, goals, images, options, check_places)
    model_name = subject.program.name
    artefacts: list[ArtefactReport] = []
    failures: dict[str, str] = {}
    for target, path in places:

        def step(name: str, target: Target = target) -> None:
            if progress is not None:
                progress(target.name, name)

        try:
            artefacts.append(make_artefact(subject, path, target, options, step))
        except ExportError as error:
            failures[target.name] = str(error) + _stale(path)
        except BaseException as error:
            if artefacts:  # report the files that were written in any case
                failures[target.name] = (first_line(error) or type(error).__name__) + _stale(path)
                _save(_report(model_name, artefacts, failures), directory)
            raise
    for artefact in list(artefacts):
        if lost := _lost(artefact):
            artefacts.remove(artefact)
            failures[artefact.target] = lost
    report = _report(model_name, artefacts, failures)
    _save(report, directory)
    if failures:
        lines = [f"{target}: {why}" for target, why in failures.items()]
        failed = ExportError("Not every target could be exported.\n" + "\n".join(lines))
        failed.report = report
        raise failed
    return report


def _report(
    model: str, artefacts: Sequence[ArtefactReport], failures: dict[str, str]
) -> ExportReport:
    return ExportReport(model, tuple(artefacts), dict(failures), package_versions())


def _lost(artefact: ArtefactReport) -> str:
    """Why the report can't tell of what was written; "" if it is still there."""
    replaced = (
        f"{artefact.path!r} was written, and then replaced by another process. Export again, to "
        "another folder."
    )
    try:
        return "" if have_digests(Path(artefact.path), artefact.sha256) else replaced
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return replaced
    except OSError as error:
        return f"{artefact.path!r} was written, and can't be read again: {error}"


def _save(report: ExportReport, directory: Path) -> None:
    with publish(directory / "report.json") as staged:
        report.save(staged)


def _stale(path: Path) -> str:
    """A sentence for a failed target at whose path an older file is left."""
    return f" What stands at {str(path)!r} was there before." if path.exists() else ""


def _file_name(name: str, target: Target) -> str:
    name = plain_name(name)
    kind = target.device or target.precision
    extra = "" if kind == "float32" else f"_{kind}"
    return f"{name}{extra}{target.suffix}" if target.suffix else target.name
