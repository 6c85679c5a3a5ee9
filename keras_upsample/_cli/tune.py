"""`keras-upsample tune`: a model's blocks as files, to be timed on the device it is for."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .._text import printable
from .options import InputShape, ModelChoice, integers, takes
from .screen import say
from .session import session


@takes(choice=ModelChoice)
def tune(
    choice: ModelChoice,
    bundle: Annotated[Path, typer.Option(help="Folder to write.")],
    target: Annotated[str, typer.Option(help="A TFLite target, see `list`.")] = "tflite",
    input_shape: InputShape = None,
    batch_size: Annotated[int | None, typer.Option(help="Images per call (1).")] = None,
    head: Annotated[
        str | None, typer.Option(help="argmax, threshold, softmax or sigmoid, as for export.")
    ] = None,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest score for which --head threshold gives 1.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a bundle; other files there are kept.")
    ] = False,
) -> None:
    """Write the blocks of a model in all their forms, and a script that times them on a device."""
    given: dict[str, Any] = {"batch_size": batch_size, "head": head, "threshold": threshold}
    if input_shape is not None:
        given["input_shape"] = integers(input_shape, "--input-shape")
    with session(choice.verbose) as console:
        from ..errors import ExportError
        from ..export import tuning_bundle
        from .models import load_choice

        with console.status("load the model") as status:
            try:
                written = tuning_bundle(
                    load_choice(choice, given.get("input_shape")),
                    bundle,
                    target,
                    progress=lambda block: status.update(printable(block)),
                    overwrite=overwrite,
                    **given,
                )
            except ExportError as error:
                console.print(str(error), style="red")
                raise typer.Exit(1) from error
        say(f"{written}: {printable(bundle)}")
        say(f"next: sh {printable(bundle / 'run.sh')} --help")
