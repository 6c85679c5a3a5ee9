"""`keras-upsample`: list, info, import, export, verify, check, quantization, predict, package,
demo, train, evaluate, benchmark, tune, push, pull, data."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ._cli.benchmark import benchmark
from ._cli.data import app as data_commands
from ._cli.demo import demo
from ._cli.engine import EngineChoice
from ._cli.evaluate import evaluate
from ._cli.hub import pull, push
from ._cli.importing import import_model
from ._cli.objects import ObjectChoice
from ._cli.options import (
    AsJson,
    ClassNames,
    FileChoice,
    Imports,
    InputShape,
    ModelChoice,
    RepresentativeData,
    Trust,
    Verbose,
    integers,
    takes,
)
from ._cli.package import package
from ._cli.predictors import open_predictor
from ._cli.screen import PrintableGroup, say
from ._cli.session import session
from ._cli.signals import clear_up_on_signals, end_if_asked
from ._cli.train import train
from ._cli.tune import tune
from ._cli.watch import run_watched
from ._text import json_text, printable

app = typer.Typer(
    cls=PrintableGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Upsampling models for Keras 3, exported to SavedModel, TFLite and ONNX, each file "
    "verified in its own runtime.",
)
app.add_typer(data_commands, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        from ._version import __version__

        say(f"keras-upsample {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of the program itself."""


Images = Annotated[
    Path | None, typer.Option(help="Folder of pictures to verify on, in place of ours.")
]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the models and presets of the zoo and the targets of `export`."""
    from .targets import TARGETS
    from .zoo import CATALOGUE, PACKAGED, PRESETS

    if as_json:
        models = {entry.name: entry.summary for entry in CATALOGUE}
        presets = {name: preset.summary for name, preset in PRESETS.items()}
        packaged = {name: preset.summary for name, preset in PACKAGED.items()}
        lists = {"models": models, "presets": presets, "packaged": packaged}
        _print_json({**lists, "targets": list(TARGETS)})
        return
    for entry in CATALOGUE:
        say(f"{entry.name:<15} {entry.summary}")
    say()
    for name, preset in PRESETS.items():
        say(f"{name:<15} {preset.summary}")
    say("\nNetworks of others, downloaded in packages at the first use:")
    for name, one in PACKAGED.items():
        say(f"{name:<31} {one.summary}")
    say(f"\ntargets  {', '.join(TARGETS)}")


@app.command()
@takes(choice=ModelChoice)
def info(
    choice: ModelChoice,
    size: Annotated[int, typer.Option(min=1, help="Pixels, for the multiply-adds.")] = 256,
    layers: Annotated[bool, typer.Option("--layers", help="Print every layer.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the inputs and outputs of a model or a file, their meaning, its size and its cost."""
    with session(choice.verbose):
        from ._cli.describe import facts_of_choice, lines_of

        facts = facts_of_choice(choice, size, layers)
        if as_json:
            _print_json(facts)
            return
        for line in lines_of(facts):
            say(line)


def _print_json(value: Any) -> None:
    say(json_text(value))


@app.command()
@takes(choice=ModelChoice, files=FileChoice)
def export(
    choice: ModelChoice,
    files: FileChoice,
    out: Annotated[Path, typer.Option(help="Folder for the files and report.json.")],
    target: Annotated[
        list[str] | None, typer.Option(help="See `list`; repeat the option for several.")
    ] = None,
    images: Images = None,
    class_names: Annotated[
        str | None, typer.Option(help="Class names, one per channel, separated by commas.")
    ] = None,
) -> None:
    """Export a model, verify every file in its own runtime, and write a report."""
    with session(choice.verbose) as console:
        from dataclasses import replace

        from ._cli.models import file_name, load_choice
        from ._cli.progress import export_progress
        from .errors import ExportError
        from .export._gates import gate_for
        from .targets import target_named

        targets = [target_named(name).name for name in target or ["saved_model", "tflite", "onnx"]]
        chosen = files.arguments()
        for name in targets:
            gate_for(
                target_named(name), chosen.get("gate")
            )  # a bad one is told before the model is loaded
        with export_progress(console, targets) as step:
            from .export import export as export_model
            from .metadata import of

            model = load_choice(choice, chosen.get("input_shape"))
            metadata = of(model)
            if class_names:
                metadata = metadata.with_class_names(class_names.split(","))
            try:
                report = export_model(
                    model,
                    out,
                    targets,
                    images,
                    name=file_name(choice),
                    progress=step,
                    metadata=metadata,
                    **chosen,
                )
            except ExportError as error:
                end_if_asked()
                report = error.report
        if report.artefacts:
            say(str(replace(report, failures={})))
        say(f"report: {printable(out / 'report.json')}")
        for name, why in report.failures.items():
            console.print(f"{name}: {why}", style="red")
        if report.failures:
            raise typer.Exit(1)


@app.command()
@takes(choice=ModelChoice)
def verify(
    choice: ModelChoice,
    artefact: Annotated[
        Path, typer.Argument(help="A SavedModel folder, .tflite, .onnx or .xml file.")
    ],
    images: Images = None,
    runtime: Annotated[
        str | None, typer.Option(help="Runtime to use in place of the file's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare an existing file with the model that it should compute."""
    with session(choice.verbose) as console:
        from ._cli.models import load_choice
        from .errors import ExportError
        from .runtimes._load import default_runtime

        default_runtime(artefact)  # a wrong path is told before TensorFlow takes its seconds
        from dataclasses import asdict

        from .export import verify as verify_artefact

        model = load_choice(choice)
        try:
            found = verify_artefact(model, artefact, images, runtime=runtime, trust=choice.trust)
            if as_json:
                _print_json({**asdict(found), "passed": True})
            else:
                say(str(found))
        except ExportError as error:
            if as_json:
                seen = getattr(error, "verification", None)  # none where it gives no answers
                facts = {} if seen is None else asdict(seen)
                _print_json({**facts, "error": str(error), "passed": False})
            console.print(str(error), style="red")
            raise typer.Exit(1) from error


@app.command()
@takes(choice=ModelChoice)
def check(
    choice: ModelChoice,
    target: Annotated[
        str, typer.Option(help="ethos_u55_128, ethos_u85_256, ..., edge_tpu, litert_gpu or tflm.")
    ],
    input_shape: Annotated[
        str | None,
        typer.Option(help="Of a model: height,width,channels.", metavar="H,W,C"),
    ] = None,
    representative_data: RepresentativeData = None,
    as_json: AsJson = False,
) -> None:
    """Show where each operator of a .tflite file, or of a model's export, runs on a device."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    with session(choice.verbose) as console:
        from .edge import check as check_file
        from .targets import device_named

        device = device_named(target)  # a wrong name is told before TensorFlow takes its seconds
        if choice.model.endswith(".tflite"):
            report = check_file(choice.model, device.name)
        else:
            report = _checked_model(choice, device.name, shape, representative_data, console)
        if as_json:
            from dataclasses import asdict

            _print_json({**asdict(report), "passed": report.passed, "verdict": report.verdict})
        else:
            say(str(report))
        if not report.passed:
            raise typer.Exit(1)


def _checked_model(
    choice: ModelChoice, device: str, shape: Any, representative_data: Path | None, console: Any
) -> Any:
    """Check the file that a model becomes for a device; the model may be untrained."""
    from ._cli.models import load_choice
    from ._cli.progress import export_progress
    from .errors import ExportError

    with export_progress(console, [device]) as step:
        from .export._check_model import check_model

        try:
            return check_model(
                load_choice(choice, shape),
                device,
                input_shape=shape,
                representative_data=representative_data,
                progress=lambda name: step(device, name),
            )
        except ExportError as error:
            console.print(str(error), style="red")
            raise typer.Exit(1) from error


@app.command()
@takes(choice=ModelChoice)
def quantization(
    choice: ModelChoice,
    input_shape: InputShape = None,
    representative_data: RepresentativeData = None,
    images: Annotated[Path | None, typer.Option(help="Folder of pictures to measure on.")] = None,
) -> None:
    """Show the quantization error of each layer of a model's int8 file, in dB."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    with session(choice.verbose) as console:
        from ._cli.models import load_choice
        from .export import quantization_errors

        with console.status("convert and measure"):
            report = quantization_errors(
                load_choice(choice, shape),
                input_shape=shape,
                representative_data=representative_data,
                images=images,
            )
        say(str(report))


@app.command()
@takes(found=ObjectChoice, where=EngineChoice)
def predict(
    found: ObjectChoice,
    where: EngineChoice,
    model: Annotated[
        str,
        typer.Argument(
            help="A preset (see `list`), a .keras, .tflite, .onnx or .xml file, or a SavedModel "
            "folder."
        ),
    ],
    images: Annotated[
        list[str], typer.Argument(help="Files, folders or patterns.", metavar="IMAGE...")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    tile: Annotated[
        int | None,
        typer.Option(help="Pixels of a tile's side. Default: 512 for images above 1024x1024."),
    ] = None,
    overlap: Annotated[
        int | None, typer.Option(help="Pixels that tiles share. Default: 64.")
    ] = None,
    overlays: Annotated[
        bool, typer.Option(help="Write the image with its classes over it.")
    ] = True,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Write them too: float32 .npy, (H, W, K).")
    ] = False,
    channels: Annotated[
        str | None, typer.Option(help="Of the images to take, from 0.", metavar="N,N,...")
    ] = None,
    nodata: Annotated[
        str | None,
        typer.Option(
            help="Value of pixels without data, or none. Default: what a GeoTIFF says.",
            metavar="VALUE",
        ),
    ] = None,
    normalization: Annotated[
        str | None,
        typer.Option(
            help="full_range, percentiles, none, imagenet, minus_one_to_one, 0_to_255, or mean and "
            "std of values in [0, 1]: 0.5,0.5,0.5/0.2,0.2,0.2. Default: the model's."
        ),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option(
            help="segmentation, binary_segmentation, multi_label_segmentation, super_resolution, "
            "restoration or regression. Default: what the model says."
        ),
    ] = None,
    output: Annotated[
        str | None, typer.Option(help="Name of the output to take, of several.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability from which a single channel is 1. Default: 0.5."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="nhwc or nchw, where a file leaves it open.")
    ] = None,
    class_names: ClassNames = None,
    cog: Annotated[
        bool,
        typer.Option(
            "--cog",
            help="Write GeoTIFFs as Cloud Optimized GeoTIFF, with overviews. Needs rasterio.",
        ),
    ] = False,
    zarr: Annotated[
        bool,
        typer.Option("--zarr", help="Write classes, probabilities and values as Zarr. Needs zarr."),
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace results that `predict` wrote; else they are kept."
        ),
    ] = False,
    imports: Imports = None,
    trust: Trust = False,
    verbose: Verbose = False,
) -> None:
    """Write class maps and overlays of images, or enlarged images, of any size."""
    choice = ModelChoice(model, imports=imports, trust=trust, verbose=verbose)
    chosen = None if channels is None else integers(channels, "--channels", least=0)
    with session(choice.verbose) as console:
        from ._cli.inputs import image_files
        from ._cli.predicting import predict_all
        from ._cli.progress import image_progress

        files = image_files(images, out)
        more = found.arguments()  # a bad one is told before the model is loaded
        engine = where.chosen(tuple(imports or ()))
        load = {
            "classes": None if class_names is None else class_names.split(","),
            "normalization": normalization,
            "task": task,
            "output": output,
            "threshold": threshold,
            "layout": layout,
        }
        from .predict._files import check_options

        _, predictor = open_predictor(model, console, imports, trust=trust, **load)
        if tile is not None or overlap is not None:
            predictor.tiles(2**14, 2**14, tile, overlap)  # a bad one is told once, not by image
        check_options(predictor, **more)
        with image_progress(console, [file.name for file in files]) as step:
            tally = predict_all(
                predictor if engine is None else model,
                files,
                out,
                engine=engine,
                load=None if engine is None else {**load, "trust": trust},
                step=step,
                report=lambda line: console.print(line, style="red"),
                note=lambda line: console.print(line),
                tile=tile,
                overlap=overlap,
                overlays=overlays,
                probabilities=probabilities,
                channels=chosen,
                nodata=nodata,
                cog=cog,
                zarr=zarr,
                overwrite=overwrite,
                **more,
            )
        say(f"{tally}: {printable(out)}")
        if tally.failed:
            raise typer.Exit(1)


app.command("import")(import_model)
for command in (package, push, pull, demo, train, evaluate, benchmark, tune):
    app.command()(command)


def run_script(command: Callable[..., Any]) -> None:
    """Run `command(model, ...)` as a command line of its own and print what it returns.

    The command receives the model that the user named, and the options of `FileChoice` as keyword
    arguments. Its own parameters become further options.
    """

    def run(choice: ModelChoice, files: FileChoice, **arguments: Any) -> None:
        with session(choice.verbose) as console:
            from ._cli.models import load_choice
            from .errors import ExportError

            try:
                say(str(command(load_choice(choice), **arguments, **files.arguments())))
            except ExportError as error:
                console.print(str(error), style="red")
                raise typer.Exit(1) from error

    signature = inspect.signature(command)
    own = [p for name, p in signature.parameters.items() if name not in ("model", "chosen")]
    run.__signature__ = signature.replace(parameters=own)  # type: ignore[attr-defined]
    run.__doc__ = command.__doc__
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command()(takes(choice=ModelChoice, files=FileChoice)(run))
    single()


def main() -> None:
    """Entry point of the `keras-upsample` command."""
    run_watched(run_command)


def run_command() -> None:
    """The command, in this process."""
    clear_up_on_signals()
    try:
        app(prog_name="keras-upsample")
    except KeyboardInterrupt:  # before any command began, which clears up first
        raise SystemExit(130) from None
    except MemoryError:  # before any command began, which says it otherwise
        typer.echo("There is not enough memory to start. End other programs.", err=True)
        raise SystemExit(2) from None
    finally:
        end_if_asked()
