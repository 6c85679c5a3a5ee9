"""`keras-upsample benchmark`: latency of files, and of the files that models are exported to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from .._text import json_text
from ..files._scratch import scratch
from .options import AsJson, Imports, InputShape, ModelChoice, Trust, Verbose, integers
from .screen import say
from .session import session

_TARGETS = ("tflite", "onnx", "saved_model")


def benchmark(
    files: Annotated[
        list[str],
        typer.Argument(
            help="SavedModel folders, .tflite, .onnx and .xml files; or a model or preset (see "
            "`list`) or a .keras file, which is exported first. The others are compared with the "
            "first one.",
            metavar="FILE...",
        ),
    ],
    size: Annotated[
        str | None,
        typer.Option(
            help="Height and width where a file leaves them open. Default: those of the first "
            "file that has fixed ones, else 256,256.",
            metavar="H,W",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Processor threads of each runtime. Default: all.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Interleaved rounds.")] = 20,
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="Target to which a model is exported; default tflite, onnx and saved_model. Can "
            "be repeated."
        ),
    ] = None,
    input_shape: InputShape = None,
    as_json: AsJson = False,
    imports: Imports = None,
    trust: Trust = False,
    verbose: Verbose = False,
) -> None:
    """Measure how long one call of each file takes on this machine, in its runtime."""
    sizes = None if size is None else integers(size, "--size")
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    choice = ModelChoice(files[0], imports=imports, trust=trust, verbose=verbose)
    with session(choice.verbose) as console, scratch() as folder:
        from ..lowering._tuning_cache import processor
        from ..runtimes import benchmark as measure
        from .progress import image_progress

        found = _artefacts(files, Path(folder), target, shape, choice, console)
        with image_progress(console, ["rounds"]) as step:
            result = measure(
                list(found),
                names=list(found.values()),
                rounds=rounds,
                threads=threads,
                size=sizes,  # type: ignore[arg-type]  # of two numbers, as is checked there
                trust=trust,
                progress=lambda done: step(0, done),
            )
        if as_json:
            facts: dict[str, Any] = {"processor": processor(), **result.to_dict()}
            say(json_text(facts))
            return
        say(str(result))
        say(processor())


def _artefacts(
    files: Sequence[str],
    folder: Path,
    targets: Sequence[str] | None,
    shape: tuple[int, ...] | None,
    choice: ModelChoice,
    console: Any,
) -> dict[Path, str]:
    """File -> its name in the table; models are exported into the folder.

    Raises:
        UserError: an option for models, and there is none.
        ExportError: a model can't be exported.
    """
    from ..runtimes._load import is_artefact
    from .models import UserError

    found: dict[Path, str] = {}
    models = 0
    for number, name in enumerate(files):
        path = Path(name)
        if is_artefact(path):
            found[path] = name
            continue
        models += 1
        found |= _exported(name, folder / str(number), targets or _TARGETS, shape, choice, console)
    for option, value in (("--target", targets), ("--input-shape", shape)):
        if value and not models:
            raise UserError(f"{option} is for models, which are exported first; these are files.")
    return found


def _exported(
    name: str,
    folder: Path,
    targets: Sequence[str],
    shape: tuple[int, ...] | None,
    choice: ModelChoice,
    console: Any,
) -> dict[Path, str]:
    """The files to which a model is exported."""
    from dataclasses import replace

    from ..targets import target_named
    from .models import UserError, file_name, load_choice
    from .progress import export_progress

    names = [target_named(target).name for target in targets]
    own = replace(choice, model=name)
    with export_progress(console, names) as step:
        from ..errors import ExportError
        from ..export import export

        model = load_choice(own)
        options: dict[str, Any] = {} if shape is None else {"input_shape": shape}
        try:
            report = export(model, folder, names, name=file_name(own), progress=step, **options)
        except ExportError as error:
            raise UserError(f"{name} can't be exported: {error}") from error
    paths = [Path(artefact.path) for artefact in report.artefacts]
    return {path: f"{name} -> {path.name}" for path in paths}
