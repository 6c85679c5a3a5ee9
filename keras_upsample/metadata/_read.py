"""Reading of `Metadata` from a file of any format."""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .._text import printable
from ..errors import ArtefactError, first_line
from ..files._archive import is_zip
from ._assets import of_archive
from ._facts import Metadata
from ._onnx import from_properties
from ._openvino import read_openvino
from ._saved_model import read_saved_model
from ._tflite import read_tflite

_MOST_BYTES = 2**26
"""Of the configuration inside a `.keras` file."""


def read(path: str | Path) -> Metadata | None:
    """Read the metadata of a file; no model is loaded and no code in the file is run.

    Args:
        path: a `.keras`, `.tflite`, `.onnx` or `.xml` (OpenVINO) file, or a SavedModel folder.

    Returns:
        The metadata, or None if the file holds none.

    Raises:
        ArtefactError: there is no such file, it is of another kind, or its metadata are damaged.
    """
    path = Path(path)
    kind = "saved_model" if path.is_dir() else path.suffix
    if not path.exists() or kind not in _READERS:
        what = "is of another kind" if path.exists() else "does not exist"
        raise ArtefactError(
            f"`{printable(path)}` {what}. Metadata is in .keras, .tflite, .onnx and .xml files "
            "and in SavedModel folders."
        )
    with _reading(path):
        return _READERS[kind](path)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except ArtefactError:
        raise
    except Exception as error:  # zipfile, protobuf, struct and json raise kinds of their own
        raise ArtefactError(
            f"The metadata of `{printable(path)}` can't be read: {first_line(error)}"
        ) from error


def _of_keras(path: Path) -> Metadata | None:
    if not is_zip(path):
        return None  # a Keras 2 file, or damaged: whoever loads it will say so
    with zipfile.ZipFile(path) as archive:
        if "config.json" not in archive.namelist():
            return None
        if archive.getinfo("config.json").file_size > _MOST_BYTES:
            raise ValueError(f"its configuration is larger than {_MOST_BYTES >> 20} MiB.")
        config = json.loads(archive.read("config.json"))
        among_assets = of_archive(archive)
    plain = (config.get("config") or {}).get("metadata") if isinstance(config, Mapping) else None
    if isinstance(plain, Mapping) and "format" in plain:
        return Metadata.from_dict(plain)
    return among_assets


def _of_onnx(path: Path) -> Metadata | None:
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    return from_properties({item.key: item.value for item in model.metadata_props})


def _of_tflite(path: Path) -> Metadata | None:
    from ..files._tflite_structure import check_structure
    from ._tflite_file import map_file

    with map_file(path) as content:
        check_structure(content)  # a damaged length would be walked through for minutes
    return read_tflite(path)


_READERS: Mapping[str, Callable[[Path], Metadata | None]] = {
    ".keras": _of_keras,
    ".h5": lambda path: None,
    ".onnx": _of_onnx,
    ".tflite": _of_tflite,
    ".xml": read_openvino,
    "saved_model": read_saved_model,
}
