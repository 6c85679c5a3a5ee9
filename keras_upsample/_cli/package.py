"""`keras-upsample package`: an exported file as a server or another program reads it."""

from pathlib import Path
from typing import Annotated

import typer

from .options import FileChoice, ModelChoice, takes
from .screen import say
from .session import session


@takes(choice=ModelChoice, files=FileChoice)
def package(
    choice: ModelChoice,
    files: FileChoice,
    format: Annotated[str, typer.Option(help="triton, tf-serving, bioimageio or mediapipe.")],
    out: Annotated[Path, typer.Option(help="Folder for the package.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the model in the package. Default: its own.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="float32; ONNX and TFLite: float16, int8, ...", metavar="PRECISION")
    ] = "float32",
    author: Annotated[
        str | None, typer.Option(help="bioimage.io: who made the model. Default: its metadata's.")
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option(help="bioimage.io: SPDX name of its licence. Default: its metadata's."),
    ] = None,
    cite: Annotated[
        str | None,
        typer.Option(help="bioimage.io: what to cite; it ends in a DOI or an address."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of pictures to verify on, in place of ours.")
    ] = None,
) -> None:
    """Write a verified model for Triton, TensorFlow Serving, bioimage.io or MediaPipe.

    The file inside is verified in its own runtime first. A file that `export` wrote is packaged as
    it is.
    """
    with session(choice.verbose) as console:
        from ..export._package import is_exported, package_format
        from .models import UserError, file_name, load_choice
        from .progress import export_progress

        target = package_format(format).inside  # a wrong one is told before the model is loaded
        chosen = files.arguments()
        exported = is_exported(choice.model, format)
        if exported and choice != ModelChoice(choice.model, verbose=choice.verbose):
            raise UserError(
                f"{choice.model!r} was exported before and is packaged as it is. Leave the options "
                "on the model out."
            )
        with export_progress(console, [target]) as step:
            from ..errors import ExportError
            from ..export import package as write_package

            shape = chosen.get("input_shape")
            model = Path(choice.model) if exported else load_choice(choice, shape)
            step(target, "convert")
            try:
                report = write_package(
                    model,
                    out,
                    format,
                    name=name or (None if exported else file_name(choice)),
                    precision=precision,
                    author=author,
                    licence=licence,
                    cite=cite,
                    images=images,
                    **chosen,
                )
            except ExportError as error:
                console.print(str(error), style="red")
                raise typer.Exit(1) from error
        say(str(report))
