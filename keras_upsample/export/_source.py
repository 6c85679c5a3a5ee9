"""Load a Keras model from a path."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ArtefactError, InputShapeError, VerificationError
from ..interchange._from_file import ENDINGS, from_file, is_foreign


def load_source(
    source: str | Path,
    signature: str | None = None,
    *,
    imports: Sequence[str] = (),
    trust: bool = False,
    input_shape: Any = None,
) -> Any:
    """Load a `keras.Model` from a file or folder, to export it or to verify files against it.

    Args:
        source: a `.keras` or `.h5` file (of Keras 3 or 2), a SavedModel folder (of Keras 3,
            Keras 2 or TensorFlow), whose variables become constants, or a file of another framework
            (ONNX, TFLite, ncnn, TensorFlow.js), see `interchange.from_file`.
        signature: name of the SavedModel's signature. Default: the only one, or
            `serving_default`.
        imports: modules that register the custom classes of a Keras file.
        trust: whether code in the file may run; see `SECURITY.md`.
        input_shape: (height, width, channels), for files of another framework whose sizes can't
            stay open.

    Raises:
        ArtefactError: `source` is none of these, can't be loaded, or has several signatures.

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
            f".keras, .h5, {', '.join(ENDINGS)} file."
        )
    if signature is not None:
        raise ArtefactError(
            f"`signature` is for SavedModel folders. Received: {signature!r} for {str(path)!r}."
        )
    if is_foreign(path):
        return _foreign(path, input_shape, trust)
    from .._keras_file import load_keras_file

    return load_keras_file(path, imports, trust=trust)


def _foreign(path: Path, input_shape: Any, trust: bool) -> Any:
    """Sizes that can stay open do; `input_shape` is for those that can't."""
    try:
        try:
            return from_file(path, trust=trust)
        except InputShapeError:
            if input_shape is None:
                raise
            return from_file(path, input_shape=input_shape, trust=trust)
    except VerificationError as error:
        raise ArtefactError(str(error)) from error


def as_model(model: Any, input_shape: Any = None) -> Any:
    """The model at a path, if `model` is a path; else `model` itself."""
    if isinstance(model, str | Path):
        return load_source(model, input_shape=input_shape)
    return model
