"""`keras-upsample import`: a model of another framework -> a `.keras` file."""

import os
from pathlib import Path
from typing import Annotated

import typer

from .._text import printable
from .options import Trust, Verbose, integers
from .screen import say
from .session import session


def import_model(
    source: Annotated[
        Path,
        typer.Argument(
            help="An .onnx or .tflite file, ncnn's .param with its .bin beside it, model.json of "
            "TensorFlow.js, or a checkpoint of segmentation_models.pytorch (--smp).",
            metavar="FILE",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .keras file to write.")],
    input_shape: Annotated[
        str | None,
        typer.Option(
            help="height,width,channels, if the file's sizes can't stay open.", metavar="H,W,C"
        ),
    ] = None,
    smp: Annotated[
        str | None,
        typer.Option(help="Architecture of a checkpoint: Unet, FPN, ... (needs the extra smp)."),
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="Its encoder: resnet34, mit_b0, ...")] = None,
    normalization: Annotated[
        str | None, typer.Option(help="Scaling it was trained with: imagenet, full_range, ...")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the model. Default: the file's.")] = None,
    verify: Annotated[
        bool, typer.Option(help="Compare the model with the file in its own runtime.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that stands at --out.")
    ] = False,
    trust: Trust = False,
    verbose: Verbose = False,
) -> None:
    """Read a model of another framework as a native, trainable Keras model."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    with session(verbose) as console:
        from .._publish import publish
        from ..errors import VerificationError
        from .models import UserError

        if out.suffix != ".keras":
            raise UserError(f"--out must be a .keras file. Received: {str(out)!r}.")
        if os.path.lexists(out) and not overwrite:
            raise UserError(f"{str(out)!r} exists. Choose another --out, or pass --overwrite.")
        if smp is None and (encoder or normalization):
            raise UserError(
                "--encoder and --normalization are for checkpoints: --smp names theirs."
            )
        from ..interchange import from_file, from_smp

        try:
            with console.status("read and compare" if verify else "read"):
                if smp is None and not source.is_dir():
                    model = from_file(
                        source, input_shape=shape, name=name, verify=verify, trust=trust
                    )
                else:
                    model = from_smp(
                        source,
                        smp,
                        encoder,
                        normalization=normalization,
                        name=name,
                        verify=verify,
                        input_shape=shape or (256, 256, 3),
                    )
        except VerificationError as error:
            console.print(str(error), style="red")
            raise typer.Exit(1) from error
        with publish(out) as staged:
            model.save(staged)
        _say(model, out)


def _say(model: object, out: Path) -> None:
    from ..metadata import of
    from .describe import lines_of, of_model

    for line in lines_of(of_model(model, 256, layers=False)):
        say(line)
    if not of(model).inputs:
        say("The file does not say which values its input takes: see docs/metadata.md.")
    say(f"written: {printable(out)}")
