"""Write one verified TFLite file.

python export/to_tflite.py unet build/unet.tflite --classes 3 --precision float16
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import run_script


def to_tflite(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    precision: Annotated[
        str, typer.Option(help="float32, float16, dynamic, int8 or int16x8.")
    ] = "float32",
    **chosen: Any,
) -> Any:
    """Write one TFLite file, verified in LiteRT."""
    return export.to_tflite(model, path, precision=precision, **chosen)


if __name__ == "__main__":
    run_script(to_tflite)
