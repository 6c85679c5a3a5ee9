"""Whether what stands at a path was written by this package, and may be replaced without asking."""

import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .files import _openvino_ir
from .files._beside import values_beside
from .files._digest import have_digests, parts_of
from .metadata._saved_model import PLACE

_WITH_VALUES = (".onnx", ".xml")
_REMEDY = "Choose another path, or move it away."

# What TensorFlow and this package write into the folder of a SavedModel.
_SAVED_MODEL = re.compile(
    r"saved_model\.pb|fingerprint\.pb|variables/variables\.(index|data-\d{5}-of-\d{5})"
    r"|" + re.escape(PLACE.as_posix())
)


def check_ours(path: Path, *, directory: bool, overwrite: bool = False) -> None:
    """Refuse a path at which something stands that this package did not write.

    Args:
        path: of the artefact.
        directory: whether it is the folder of a SavedModel.
        overwrite: the user says that a SavedModel of ours may be replaced among other files, which
            are kept. What this package did not write is refused all the same.

    Raises:
        ValueError: it names what stands there.
    """
    if path.suffix.lower() == _openvino_ir.SUFFIX:
        _check_values(path)
    if not os.path.lexists(path):
        return
    if path.is_symlink():
        raise ValueError(f"`path` {str(path)!r} is a link, which would be replaced. {_REMEDY}")
    if directory:
        others = other_files(path)
        if others and not overwrite:
            raise ValueError(
                f"`path` {str(path)!r} holds {others[0].as_posix()!r}, which no export wrote. "
                f"{_REMEDY[:-1]}, or pass overwrite=True (--overwrite), which keeps it."
            )
        if not _saved_model_files(path) or (path / PLACE).is_file() or _read_report(path):
            return
    elif path.stat().st_size == 0 or _read_mark(path) or _read_report(path):
        return
    raise ValueError(
        f"`path` {str(path)!r} is there and was not written by this package. It is not replaced. "
        f"{_REMEDY}"
    )


def _check_values(path: Path) -> None:
    """Refuse a file at the place of the values that is not of the OpenVINO file beside it."""
    values = _openvino_ir.values_path(path)
    if not os.path.lexists(values):
        return
    if values.is_symlink() or not (path.is_file() and (_read_mark(path) or _read_report(path))):
        raise ValueError(
            f"{str(values)!r} is there and was not written by this package with {path.name!r}. It "
            f"is not replaced. {_REMEDY}"
        )


def is_marked(path: Path) -> bool:
    """Whether a file, or the folder of a SavedModel, itself says that this package wrote it.

    Raises:
        OSError: the file can't be read.
    """
    return (path / PLACE).is_file() if path.is_dir() else _read_mark(path)


def other_files(folder: Path) -> list[Path]:
    """The files in a folder, relative to it, that are no part of a SavedModel."""
    if not folder.is_dir():
        return []
    ours = set(_saved_model_files(folder))
    return [file for file in files_in(folder) if file not in ours]


def _saved_model_files(folder: Path) -> list[Path]:
    files = files_in(folder)
    graph = folder / "saved_model.pb"
    said = graph.read_bytes() if Path(graph.name) in files and graph.is_file() else b""
    return [
        file
        for file in files
        if _SAVED_MODEL.fullmatch(file.as_posix())
        or (file.parts[0] == "assets" and file.name.encode() in said)  # the graph reads it
    ]


def files_in(folder: Path) -> list[Path]:
    """All but folders, relative; a link is one, whatever it leads to."""
    found = [file for file in sorted(folder.rglob("*")) if file.is_symlink() or not file.is_dir()]
    return [file.relative_to(folder) for file in found]


def our_data(path: Path) -> list[Path]:
    """The files of values beside an ONNX or OpenVINO file that this package wrote with it."""
    return values_beside(path) if path.suffix.lower() in _WITH_VALUES and _read_mark(path) else []


def _read_mark(path: Path) -> bool:
    """Whether the file itself says that this package wrote it.

    Raises:
        OSError: the file can't be read.
    """
    reader = _MARKS.get(path.suffix.lower())
    if reader is None or not path.is_file():
        return False
    try:
        return reader(path)
    except OSError:
        raise
    except Exception:  # damaged or of another kind: not ours
        return False


def _of_tflite(path: Path) -> bool:
    from .metadata import read

    return read(path) is not None


def _of_onnx(path: Path) -> bool:
    import onnx

    return onnx.load(str(path), load_external_data=False).producer_name == "keras_upsample"


def _of_package(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return archive.comment.startswith(b"keras_upsample ")


def _of_report(path: Path) -> bool:
    report = json.loads(path.read_text(encoding="utf-8"))
    return isinstance(report, dict) and {"model", "artefacts", "versions"} <= report.keys()


_MARKS: Mapping[str, Callable[[Path], bool]] = {
    ".tflite": _of_tflite,
    ".onnx": _of_onnx,
    ".xml": _openvino_ir.is_ours,
    ".json": _of_report,
    ".zip": _of_package,
}


def _read_report(path: Path) -> bool:
    """Whether the report beside it names it, and it has not changed since."""
    try:
        report: Any = json.loads((path.parent / "report.json").read_text(encoding="utf-8"))
        entries = {Path(a["path"]).name: a for a in report["artefacts"]}
        entry = entries.get(path.name)
        if entry is None:
            return False
        if recorded := entry.get("sha256"):
            return have_digests(path, recorded)
        return bool(entry["file_size"] == bytes_at(path))  # of an earlier version
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def bytes_at(path: Path) -> int:
    """Of a file with the data beside it, or of all files in a folder."""
    return sum(file.stat().st_size for file in parts_of(path))
