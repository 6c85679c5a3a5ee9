"""The folder of a package: which files in it are ours, and are what we wrote."""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from ..._text import json_text
from ...files._sha256 import sha256_of

LIST = "keras_upsample_package.json"
"""File that lists the files of the package, with their digests."""

_REMEDY = "Choose another folder or name, or move it away."


def write_list(folder: Path, package_format: str) -> None:
    """List the files of a folder, once all are written."""
    from ..._version import __version__

    files = {name: sha256_of(folder / name) for name in _files(folder)}
    facts = {
        "format": package_format,
        "files": files,
        "written_by": f"keras_upsample {__version__}",
    }
    (folder / LIST).write_text(json_text(facts) + "\n", encoding="utf-8")


def check_folder(folder: Path, names: Collection[str], *, overwrite: bool) -> None:
    """Refuse a folder that a package can't replace without a loss.

    Args:
        folder: folder of the package.
        names: files that the new package may have.
        overwrite: whether other files may be there. They are kept.

    Raises:
        ValueError: it names what is there.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is there and is no folder of a package. {_REMEDY}")
    there = _files(folder)
    listed = _read_list(folder)
    others = [name for name in there if name not in listed]
    in_the_way = [name for name in others if name in {*names, LIST} or not (listed or overwrite)]
    if in_the_way:
        raise ValueError(
            f"{str(folder)!r} holds {in_the_way[0]!r}, which no `package` wrote. It is not "
            f"replaced. {_REMEDY}"
        )
    for name, digest in listed.items():
        if name in there and (_is_link(folder, name) or sha256_of(folder / name) != digest):
            raise ValueError(
                f"{str(folder / name)!r} was changed since it was written. It is not replaced. "
                f"{_REMEDY}"
            )
    if others and not overwrite:
        raise ValueError(
            f"{str(folder)!r} holds {others[0]!r}, which no `package` wrote. {_REMEDY[:-1]}, or "
            "pass overwrite=True (--overwrite), which keeps it."
        )


def _is_link(folder: Path, name: str) -> bool:
    return (folder / name).is_symlink()


def _files(folder: Path) -> list[str]:
    """All files, relative, but the list."""
    found = [file for file in sorted(folder.rglob("*")) if file.is_symlink() or not file.is_dir()]
    return [name for file in found if (name := file.relative_to(folder).as_posix()) != LIST]


def _read_list(folder: Path) -> Mapping[str, str]:
    """Digest of each file of the package; nothing where no package is."""
    try:
        plain = json.loads((folder / LIST).read_text(encoding="utf-8"))
        return {str(name): str(digest) for name, digest in plain["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
