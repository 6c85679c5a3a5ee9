"""SHA-256 digest of a file or folder."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from . import _openvino_ir
from ._sha256 import sha256_of


def digest_of(path: Path, digests: Mapping[str, str] | None = None) -> str:
    """SHA-256 of a file, with the values beside it if it is ONNX or OpenVINO IR, or of a folder
    with its names.

    Args:
        path: of the file or folder. Its own name makes no difference.
        digests: what `digests_of` told of it; the files are not read then.
    """
    found = digests_of(path) if digests is None else digests
    if list(found) == [path.name]:
        return found[path.name]
    result = hashlib.sha256()
    for name, digest in found.items():
        inside = "" if name == path.name else name
        if path.is_dir():
            inside = name.removeprefix(f"{path.name}/")
        result.update(os.fsencode(f"{digest} {inside}\0"))
    return result.hexdigest()


def digests_of(path: Path) -> dict[str, str]:
    """SHA-256 of each file that an artefact consists of, by its path from the artefact's folder.

    `{"net.onnx": ...}`, `{"saved_model/saved_model.pb": ..., ...}`, as `sha256sum` prints them.
    """
    parts = parts_of(path)
    return {file.relative_to(path.parent).as_posix(): sha256_of(file) for file in parts}


def have_digests(path: Path, digests: Mapping[str, str]) -> bool:
    """Whether an artefact still has the files that `digests_of` told of; it may have more."""
    return digests_of(path).items() >= digests.items()


def parts_of(path: Path) -> list[Path]:
    """The files that an artefact consists of: a folder's, or itself and the values beside an ONNX
    or OpenVINO file.

    Raises:
        ValueError: an ONNX file keeps values outside of its own folder.
    """
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.is_file())
    if path.suffix == ".onnx":
        from ._onnx_graph import external_files

        return [path, *external_files(path)]
    if path.suffix == _openvino_ir.SUFFIX:
        values = _openvino_ir.values_path(path)
        return [path, values] if values.is_file() else [path]
    return [path]
