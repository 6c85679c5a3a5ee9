"""Loading of a model from the path or the object that a user names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ArtefactError


def load_source(
    source: str | Path,
    signature: str | None = None,
    *,
    imports: Sequence[str] = (),
    trust: bool = False,
) -> Any:
    """A `keras.Model` from a file or folder, to export or to verify against.

    Args:
        source: a `.keras` or `.h5` file (of Keras 3 or 2), or a SavedModel folder (of Keras 3,
            Keras 2 or TensorFlow), whose variables become constants.
        signature: of a SavedModel, which one; default the only one, or `serving_default`.
        imports: modules that register the custom classes of a Keras file.
        trust: whether code that it holds may run; see `SECURITY.md`.

    Raises:
        ArtefactError: it is none of these, can't be loaded, or has several signatures.

    Example:
        >>> model = load_source("build/saved_model", "serving_default")  # doctest: +SKIP
    """
    path = Path(source)
    if not path.exists():
        raise ArtefactError(f"{str(path)!r} does not exist.")
    if (path / "saved_model.pb").is_file():
        from .._saved_model_source import load_saved_model

        return load_saved_model(path, signature, trust=trust)
    if path.is_dir():
        raise ArtefactError(
            f"{str(path)!r} is a folder without saved_model.pb. Allowed: a SavedModel folder, or a "
            ".keras or .h5 file."
        )
    if signature is not None:
        raise ArtefactError(
            f"`signature` is for SavedModel folders. Received: {signature!r} for {str(path)!r}."
        )
    from .._keras_file import load_keras_file

    return load_keras_file(path, imports, trust=trust)


def as_model(model: Any) -> Any:
    """A path as the model that it names; anything else as it is."""
    return load_source(model) if isinstance(model, str | Path) else model
