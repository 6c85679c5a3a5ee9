"""Write OpenVINO's two files, verified.

python export/to_openvino.py unet build/unet.xml --classes 3
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import run_script


def to_openvino(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The .xml file to write; .bin stands beside it.")],
    precision: Annotated[str, typer.Option(help="float32, float16 or int8.")] = "float32",
    **chosen: Any,
) -> Any:
    """Write OpenVINO IR, verified in OpenVINO."""
    return export.to_openvino(model, path, precision=precision, **chosen)


if __name__ == "__main__":
    run_script(to_openvino)
