"""A `.h5` or `.keras` file of Keras 2 as one that Keras 3 reads."""

import json
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .files._scratch import scratch

_CONFIG, _FACTS = "config.json", "metadata.json"
_MOST_BYTES = 2**28
"""Of a configuration."""


def version_of(path: Path) -> str:
    """The Keras that wrote a file, "" where it does not say."""
    try:
        return _config_of(path)[1]
    except Exception:  # damaged in any way: the loader says so
        return ""


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The file itself, or a copy with the configuration translated where that changes it.

    Raises:
        ArtefactError: the configuration asks for something that Keras 3 does not have.
    """
    from ._keras2 import translate  # it imports Keras

    try:
        config, version = _config_of(path)
    except Exception:  # damaged in any way, or without a model: the loader says so
        config, version = None, ""
    new = config if config is None else translate(json.loads(json.dumps(config)), version)
    if new == config:
        yield path
        return
    with scratch() as folder:
        copy = folder / path.name
        (_write_archive if path.suffix == ".keras" else _write_hdf5)(path, copy, json.dumps(new))
        yield copy


def _config_of(path: Path) -> tuple[Any, str]:
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            if max(archive.getinfo(name).file_size for name in (_CONFIG, _FACTS)) > _MOST_BYTES:
                raise ValueError("the configuration is too large")
            facts = json.loads(archive.read(_FACTS))
            return json.loads(archive.read(_CONFIG)), str(facts.get("keras_version", ""))
    import h5py

    with h5py.File(path, "r") as file:
        return json.loads(file.attrs["model_config"]), _text(file.attrs.get("keras_version", ""))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _write_archive(path: Path, copy: Path, config: str) -> None:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for item in old.infolist():
            if item.filename == _CONFIG:
                new.writestr(item.filename, config)
                continue
            with old.open(item) as source, new.open(item.filename, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def _write_hdf5(path: Path, copy: Path, config: str) -> None:
    import h5py

    shutil.copyfile(path, copy)
    with h5py.File(copy, "a") as file:
        file.attrs["model_config"] = config.encode()
