"""TensorFlow Serving: a folder for each model, and in it a SavedModel for each version.

https://www.tensorflow.org/tfx/serving/serving_basic
"""

from pathlib import Path

from .._report import ArtefactReport
from ._content import Content

VERSION = "1"


def write_tf_serving(content: Content, out: Path) -> tuple[Path, ArtefactReport | None]:
    """Write `NAME/1/saved_model.pb` and the rest of the SavedModel."""
    folder = out / content.name
    return folder, content.write(folder / VERSION, "saved_model")
