"""Write one verified TFLite file.

python export/to_tflite.py unet build/unet.tflite --classes 3 --precision float16
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import Head, Lower, RepresentativeData, Tune, integers, run_script


def to_tflite(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    precision: Annotated[
        str, typer.Option(help="float32, float16, dynamic, int8 or int16x8.")
    ] = "float32",
    input_shape: Annotated[str | None, typer.Option(metavar="H,W,C")] = None,
    allow_flex: Annotated[bool, typer.Option("--allow-flex")] = False,
    representative_data: RepresentativeData = None,
    integer_io: Annotated[bool, typer.Option("--integer-io")] = False,
    resizable: Annotated[
        bool, typer.Option("--resizable", help="Leave height and width open.")
    ] = False,
    head: Head = None,
    lower: Lower = True,
    tune: Tune = False,
) -> Any:
    """Write one TFLite file, verified in LiteRT."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    return export.to_tflite(
        model,
        path,
        precision=precision,
        input_shape=shape,
        allow_flex=allow_flex,
        head=head,
        lower=lower,
        tune=tune,
        representative_data=representative_data,
        integer_io=integer_io,
        resizable=resizable,
    )


if __name__ == "__main__":
    run_script(to_tflite)
