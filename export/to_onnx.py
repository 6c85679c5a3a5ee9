"""Write one verified ONNX file.

python export/to_onnx.py unet build/unet.onnx --classes 3 --layout nchw
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import Head, Lower, RepresentativeData, Tune, integers, run_script


def to_onnx(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The file to write.")],
    opset: int = 18,
    layout: Annotated[str, typer.Option(help="nhwc or nchw.")] = "nhwc",
    precision: Annotated[str, typer.Option(help="float32, float16 or int8.")] = "float32",
    representative_data: RepresentativeData = None,
    input_shape: Annotated[str | None, typer.Option(metavar="H,W,C")] = None,
    head: Head = None,
    lower: Lower = True,
    tune: Tune = False,
) -> Any:
    """Write one ONNX file, verified in ONNX Runtime (and OpenVINO, if installed)."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    return export.to_onnx(
        model,
        path,
        opset=opset,
        layout=layout,
        precision=precision,
        representative_data=representative_data,
        input_shape=shape,
        head=head,
        lower=lower,
        tune=tune,
    )


if __name__ == "__main__":
    run_script(to_onnx)
