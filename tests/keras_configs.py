"""Keras files with a changed configuration."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import h5py


def edited(path: Path, change: Any) -> Path:
    """A copy whose configuration went through `change`."""
    copy = path.with_stem("edited")
    if path.suffix == ".h5":
        shutil.copy(path, copy)
        with h5py.File(copy, "a") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config).encode()
        return copy
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(copy, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            if item == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(item, data)
    return copy
