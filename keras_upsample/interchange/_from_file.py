"""`from_file`: a file of another framework, by its ending, as a native Keras model."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..errors import ArtefactError


def from_file(
    path: str | Path,
    *,
    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    name: str | None = None,
    verify: bool = True,
    trust: bool = False,
) -> Any:
    """Read a model of another framework as a native Keras model, by the ending of its file.

    Args:
        path: an `.onnx` file (`from_onnx`), a `.tflite` file (`from_tflite`), the `.param` of ncnn
            with its `.bin` beside it (`from_ncnn`), or the `model.json` of TensorFlow.js
            (`from_tfjs`).
        input_shape: (height, width, channels); for ONNX and ncnn. Default: the file's.
        name: of the model. Default: the file's.
        verify: whether to compare the model with the file in its own runtime.
        trust: whether you know where the file comes from; for ONNX and TFLite, which are else first
            run in a child process.

    Returns:
        The model: images (N, H, W, C), channels last.

    Raises:
        ArtefactError: the file is missing, can't be read, or has another ending.
        VerificationError: the model computes other values than the file.
        ValueError: `input_shape` does not fit, or its format has none.

    Example:
        >>> model = ku.interchange.from_file("segmenter.onnx")  # doctest: +SKIP
    """
    path = Path(path)
    if not path.exists():
        raise ArtefactError(f"{str(path)!r} does not exist.")
    if not is_foreign(path):
        raise ArtefactError(
            f"{str(path)!r} has an ending that is not read. Allowed: {', '.join(ENDINGS)}."
        )
    return _READERS[path.suffix](path, input_shape, name, verify, trust)


def _onnx(path: Path, shape: Any, name: str | None, verify: bool, trust: bool) -> Any:
    from ._from_onnx import from_onnx

    return from_onnx(path, input_shape=shape, name=name, verify=verify, trust=trust)


def _ncnn(path: Path, shape: Any, name: str | None, verify: bool, trust: bool) -> Any:
    from ._from_ncnn import from_ncnn

    # None: compared where ncnn is installed.
    return from_ncnn(
        path,
        path.with_suffix(".bin"),
        input_shape=shape,
        name=name,
        verify=None if verify else False,
    )


def _tflite(path: Path, shape: Any, name: str | None, verify: bool, trust: bool) -> Any:
    from ._from_tflite import from_tflite

    _no_shape(path, shape)
    return from_tflite(path, name=name, verify=verify, trust=trust)


def _tfjs(path: Path, shape: Any, name: str | None, verify: bool, trust: bool) -> Any:
    from ._from_tfjs import from_tfjs

    _no_shape(path, shape)
    return from_tfjs(path, name=name)


def _no_shape(path: Path, shape: Any) -> None:
    if shape is not None:
        raise ValueError(
            f"`input_shape` is for ONNX and ncnn files. {str(path)!r} has its own sizes. Received: "
            f"{shape}."
        )


_READERS: Mapping[str, Callable[[Path, Any, str | None, bool, bool], Any]] = MappingProxyType(
    {".onnx": _onnx, ".tflite": _tflite, ".param": _ncnn, ".json": _tfjs}
)
ENDINGS = tuple(_READERS)


def is_foreign(path: Path) -> bool:
    """Whether a file has an ending that `from_file` reads."""
    return path.suffix in _READERS and path.is_file()
