"""SHA-256 digest of a file or folder."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

_BLOCK = 1 << 20


def digest_of(path: Path) -> str:
    """SHA-256 of a file, of an ONNX file with the data beside it, or of a folder with its names."""
    result = hashlib.sha256()
    for file in parts_of(path):
        if file != path:
            name = file.relative_to(path if path.is_dir() else path.parent)
            result.update(b"\0" + os.fsencode(name) + b"\0")
        _add(file, result)
    return result.hexdigest()


def digests_of(path: Path) -> dict[str, str]:
    """SHA-256 of each file that an artefact consists of, by its path from the artefact's folder.

    `{"net.onnx": ...}`, `{"saved_model/saved_model.pb": ..., ...}`, as `sha256sum` prints them.
    """
    found = {}
    for file in parts_of(path):
        result = hashlib.sha256()
        _add(file, result)
        found[file.relative_to(path.parent).as_posix()] = result.hexdigest()
    return found


def have_digests(path: Path, digests: Mapping[str, str]) -> bool:
    """Whether an artefact still has the files that `digests_of` told of; it may have more."""
    return digests_of(path).items() >= digests.items()


def _add(file: Path, result: "hashlib._Hash") -> None:
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            result.update(block)


def parts_of(path: Path) -> list[Path]:
    """The files that an artefact consists of: a folder's, or itself and an ONNX file's data.

    Raises:
        ValueError: an ONNX file keeps values outside of its own folder.
    """
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if path.suffix == ".onnx":
        from ._onnx_graph import external_files

        return [path, *external_files(path)]
    return [path]
