"""The files of a push: those that the user named, with their values and their report."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .._ours import other_files
from .._text import json_text
from ..files import _openvino_ir
from ..files._digest import parts_of
from ..metadata import Metadata, read

REPORT, README = "report.json", "README.md"
FORMATS: Mapping[str, str] = MappingProxyType(
    {".keras": "Keras", ".tflite": "TFLite", ".onnx": "ONNX", ".xml": "OpenVINO"}
)
"""Suffix of a file that can be pushed -> its format."""

_FOLDERS = re.compile(r"(?<![\w/\\.])(?:[A-Za-z]:)?[/\\](?:[^/\\\s\"',;][^/\\\"'\n,;]*[/\\])+")
"""Folders of an absolute path."""


@dataclass(frozen=True)
class Content:
    """What is pushed.

    Attributes:
        files: path in the repository -> the file.
        models: name of each model in the repository -> its format.
        metadata: of the first model that has any; without facts if none has.
        report: text of the export's report; None if there is none.
        notes: what was left out, in words.
    """

    files: Mapping[str, Path]
    models: Mapping[str, str]
    metadata: Metadata
    report: str | None
    notes: tuple[str, ...]


def content_of(paths: Iterable[str | Path]) -> Content:
    """The files to push. They are read; no model is loaded.

    Raises:
        ValueError: none, no such file, one of another kind, or two of the same name.
        ArtefactError: metadata that are damaged.
    """
    files: dict[str, Path] = {}
    models: dict[str, str] = {}
    metadata: Metadata | None = None
    notes: list[str] = []
    places = [Path(os.path.abspath(path)) for path in paths]  # "." has a name then
    if not places:
        raise ValueError("`files` must name one model file or more. Received none.")
    for path in places:
        models[path.name] = _format_of(path)
        for part in _parts(path, notes):
            name = part.relative_to(path.parent).as_posix()
            if name in files and files[name] != part:
                raise ValueError(
                    f"Two files would be {name!r} in the repository: {str(files[name])!r} and "
                    f"{str(part)!r}. Rename one, or push them to two repositories."
                )
            files[name] = part
        metadata = metadata or read(path)
    folders = {path.parent for path in places}
    notes += [
        f"{folder / README} is not uploaded. Name it by --readme if it should be the card."
        for folder in sorted(folders)
        if (folder / README).is_file()
    ]
    reports = [folder / REPORT for folder in sorted(folders) if (folder / REPORT).is_file()]
    report = _report(reports[0], models) if len(reports) == 1 else None
    if reports and report is None:
        why = "there are several" if len(reports) > 1 else f"it is not of {', '.join(models)}"
        notes.append(f"{REPORT} is not uploaded: {why}.")
    return Content(files, models, metadata or Metadata(), report, tuple(notes))


def _format_of(path: Path) -> str:
    if path.is_dir():
        if not (path / "saved_model.pb").is_file():
            raise ValueError(f"{str(path)!r} is a folder, and no SavedModel.")
        return "SavedModel"
    if not path.is_file():
        raise ValueError(f"{str(path)!r} does not exist.")
    if path.suffix not in FORMATS:
        raise ValueError(
            f"{str(path)!r} is of another kind. What can be pushed: {', '.join(FORMATS)} files and "
            "SavedModel folders."
        )
    if path.suffix == ".xml" and not _openvino_ir.values_path(path).is_file():
        raise ValueError(f"{str(path)!r} needs its values, {path.stem}.bin, beside it.")
    return FORMATS[path.suffix]


def _parts(path: Path, notes: list[str]) -> list[Path]:
    """The files of one model; of a folder, only those that belong to the SavedModel."""
    if not path.is_dir():
        return parts_of(path)
    others = {path / file for file in other_files(path)}
    notes += [
        f"{file} is not uploaded: it is no part of the SavedModel." for file in sorted(others)
    ]
    return [file for file in parts_of(path) if file not in others]


def _report(path: Path, models: Mapping[str, str]) -> str | None:
    """The report with names in place of paths, which are nobody's business; None if it is not of
    these models."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        named = {Path(entry["path"]).name for entry in plain["artefacts"]}
    except (ValueError, KeyError, TypeError):
        return None
    return json_text(_without_folders(plain)) + "\n" if named & models.keys() else None


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: Path(item).name if key == "path" else _without_folders(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_folders(item) for item in value]
    return _FOLDERS.sub("", value) if isinstance(value, str) else value
