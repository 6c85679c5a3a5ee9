"""Write one verified ONNX file.

python export/to_onnx.py unet build/unet.onnx --classes 3 --layout nchw
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import run_script


def to_onnx(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    precision: Annotated[str, typer.Option(help="float32, float16 or int8.")] = "float32",
    **chosen: Any,
) -> Any:
    """Write one ONNX file, verified in ONNX Runtime (and OpenVINO, if installed)."""
    return export.to_onnx(model, path, precision=precision, **chosen)


if __name__ == "__main__":
    run_script(to_onnx)
