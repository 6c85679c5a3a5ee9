"""A `.keras` or `.h5` file -> a Keras model, for the command line and for `predict` alike."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._keras2_file import readable, version_of
from ._keras_first_read import SUFFIXES, first_read
from .errors import ArtefactError, first_line
from .files._archive import is_zip

# A word of Keras' refusal -> what it refused.
_UNSAFE = {
    "a `TFSMLayer`": "a TFSMLayer, which loads and runs a SavedModel",
    "torch.nn.Module": "a PyTorch module, which is Python code",
    "vocabulary file": "a vocabulary that is read from another file",
    "`Lambda`": "a Lambda layer, which is Python code",
}


def load_keras_file(path: Path, imports: Sequence[str] = (), *, trust: bool = False) -> Any:
    """Load a Keras model file, without its optimizer and losses.

    A file that is new to this machine is first read in a child process, see `_keras_first_read`.

    Args:
        path: the file.
        imports: modules that register its custom classes.
        trust: whether Python code (Lambda) that it holds may run, and no claim is checked.

    Raises:
        ArtefactError: it is none, is damaged, or needs a class or a trust that it was not given.
    """
    if path.is_dir() or path.suffix not in SUFFIXES:
        raise ArtefactError(f"{str(path)!r} is not a Keras model file ({', '.join(SUFFIXES)}).")
    try:
        damaged = path.suffix == ".keras" and not is_zip(path)
    except OSError as error:
        raise ArtefactError(f"{str(path)!r} can't be read: {error.strerror}.") from error
    if damaged:
        raise ArtefactError(
            f"{str(path)!r} is damaged: a .keras file is a zip archive, and it is not."
        )
    import keras

    from . import _registered  # noqa: F401

    for module in imports:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ArtefactError(f"--import {module}: {error}") from error
    with first_read(path, trust=trust):
        try:
            with readable(path) as file:
                return keras.models.load_model(file, compile=False, safe_mode=not trust)
        except Exception as error:  # zipfile, h5py, json and Keras raise kinds of their own
            raise ArtefactError(_why(path, error)) from error


def _why(path: Path, error: Exception) -> str:
    text = str(error)
    if "safe_mode" in text or "unsafe" in text:
        found = next((what for word, what in _UNSAFE.items() if word in text), _UNSAFE["`Lambda`"])
        return (
            f"{str(path)!r} holds {found}, and it was not run. "
            "Replace the layer, or pass trust=True (--trust) if you know where the file comes from."
        )
    if "Could not locate" in text:
        name = text.split("'")[1] if text.count("'") > 1 else "a class"
        return (
            f"{str(path)!r} holds the custom class {name!r}, which is not known here. Name the "
            "module that registers it: --import MODULE."
        )
    version = version_of(path)
    if version[:2] in ("1.", "2."):
        return (
            f"{str(path)!r} was written by Keras {version}, and Keras 3 can't read it: "
            f"{_reason(error).rstrip('.')}. Load it where it was made (tf_keras reads it), and "
            "write a SavedModel, model.export(folder), which is taken in place of the file; or "
            "build the model anew and load its weights."
        )
    return f"{str(path)!r} can't be loaded by Keras: {_reason(error)}"


def _reason(error: Exception) -> str:
    """The innermost of the errors that Keras wraps into one another, in one line."""
    inner = str(error).rpartition("Exception encountered: ")[2]
    return first_line(ValueError(inner)) if inner.strip() else first_line(error)
