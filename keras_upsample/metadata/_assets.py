"""`Metadata` of subclassed models among the assets of a `.keras` file.

Keras keeps files of a model beside its weights if it has a method `save_assets`, and hands them to
its method `load_assets`. A process without this package passes them over, and loads the weights.
"""

import json
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from ._facts import Metadata

NAME = "keras_upsample_metadata.json"
_MOST_BYTES = 2**24


def keep_with_assets(model: Any) -> None:
    """Let `model.save` write the metadata that the model has then, beside assets of its own."""
    own = getattr(type(model), "save_assets", None)

    def save_assets(directory: str) -> None:
        if own is not None:
            own(model, directory)
        text = json.dumps(model.metadata.to_dict())
        Path(directory, NAME).write_text(text, encoding="utf-8")

    object.__setattr__(model, "save_assets", save_assets)


def take_from_assets() -> None:
    """Let Keras models take their metadata as they are loaded, unless their class loads assets."""
    import keras

    if not hasattr(keras.Model, "load_assets"):
        keras.Model.load_assets = _load_assets


def _load_assets(model: Any, directory: str | None) -> None:
    file = None if directory is None else Path(directory, NAME)
    if file is not None and file.is_file() and file.stat().st_size <= _MOST_BYTES:
        keep_with_assets(model)
        metadata = Metadata.from_dict(json.loads(file.read_text(encoding="utf-8")))
        object.__setattr__(model, "metadata", metadata)


def of_archive(archive: ZipFile) -> Metadata | None:
    """The metadata among the assets of a `.keras` file.

    Raises:
        ValueError: it is damaged.
    """
    name = f"assets/{NAME}"
    if name not in archive.namelist():
        return None
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"they are larger than {_MOST_BYTES >> 20} MiB.")
    return Metadata.from_dict(json.loads(archive.read(name)))
