"""Write one verified SavedModel directory.

python export/to_saved_model.py unet build/unet --classes 3
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import Head, Lower, Tune, integers, run_script


def to_saved_model(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The directory to write.")],
    input_shape: Annotated[str | None, typer.Option(metavar="H,W,C")] = None,
    head: Head = None,
    lower: Lower = True,
    tune: Tune = False,
) -> Any:
    """Write one SavedModel directory, verified in TensorFlow."""
    shape = None if input_shape is None else integers(input_shape, "--input-shape")
    return export.to_saved_model(model, path, input_shape=shape, head=head, lower=lower, tune=tune)


if __name__ == "__main__":
    run_script(to_saved_model)
