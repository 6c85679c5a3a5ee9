"""Write one verified SavedModel directory.

python export/to_saved_model.py unet build/unet --classes 3
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from keras_upsample import export
from keras_upsample.cli import run_script


def to_saved_model(
    model: Any,
    path: Annotated[Path, typer.Argument(help="The directory to write.")],
    **chosen: Any,
) -> Any:
    """Write one SavedModel directory, verified in TensorFlow."""
    return export.to_saved_model(model, path, **chosen)


if __name__ == "__main__":
    run_script(to_saved_model)
