"""IMAGE... on the command line -> files."""

import glob
from collections.abc import Sequence
from pathlib import Path

from ..images._pictures import SUFFIXES
from ..images._zarr import is_zarr
from .models import UserError


def image_files(images: Sequence[str], out: Path) -> list[Path]:
    """The files that paths, folders and patterns name, each once, in their order.

    A folder stands for the pictures in it, not for those in its subfolders; a pattern may say
    `**`. Files in `out` are earlier results and are left out, unless they are named themselves.

    Raises:
        UserError: a path, folder or pattern matches no file.
    """
    found: dict[Path, Path] = {}
    for text in images:
        path = Path(text)
        if path.is_dir() and not is_zarr(path):
            pictures = [file for file in sorted(path.iterdir()) if _is_picture(file)]
            files = _not_in(out, pictures)
            if not files:
                raise UserError(_none(f"{text!r} holds", pictures, out))
        elif path.exists():
            files = [path]
        elif glob.has_magic(text):
            matches = [Path(match) for match in sorted(glob.glob(_pattern(text), recursive=True))]
            pictures = [file for file in matches if _is_picture(file)]
            files = _not_in(out, pictures)
            if not files:
                raise UserError(_none(f"{text!r} matches", pictures, out))
        else:
            raise UserError(f"{text!r} does not exist.")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def _pattern(text: str) -> str:
    """A pattern whose first folders are there under these names, `[1]/*.png`, taken as names."""
    pattern = Path(text)
    there = next((folder for folder in pattern.parents if folder.exists()), Path())
    return str(Path(glob.escape(str(there)), pattern.relative_to(there)))


def _is_picture(file: Path) -> bool:
    if file.name.startswith("."):
        return False
    return (file.is_file() and file.suffix.lower() in SUFFIXES) or is_zarr(file)


def _none(start: str, pictures: Sequence[Path], out: Path) -> str:
    if pictures:
        return (
            f"{start} only pictures in --out {str(out)!r}, where they are taken for results of "
            "before. Choose another folder for the results."
        )
    return f"{start} no picture ({', '.join(SUFFIXES)})."


def _not_in(folder: Path, files: Sequence[Path]) -> list[Path]:
    place = folder.resolve()
    return [file for file in files if place not in file.resolve().parents]
