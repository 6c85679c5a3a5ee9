"""The pictures under a folder."""

import os
from pathlib import Path, PurePosixPath

from ._patterns import Key, Pattern


class Files:
    """The pictures under a folder, by their paths from it.

    Args:
        what: name of the argument that gave the folder.
        folder: the folder.
        without: a subfolder to leave out.

    Raises:
        ValueError: it is no folder, or holds no picture.
    """

    def __init__(self, what: str, folder: Path, without: Path) -> None:
        self.what, self.folder = what, folder
        self.paths = pictures_in(what, folder, without)

    def keyed(self, pattern: Pattern) -> dict[Key, list[PurePosixPath]]:
        """The files that fit a pattern, by the name that image and mask share."""
        found: dict[Key, list[PurePosixPath]] = {}
        for path in self.paths:
            key = pattern.key(path)
            if key is not None:
                found.setdefault(key, []).append(path)
        return found


def pictures_in(what: str, folder: Path, without: Path) -> list[PurePosixPath]:
    """The pictures in a folder and its sub-folders, except those of a folder to leave out.

    Raises:
        ValueError: `what` is no folder, or holds no picture.
    """
    from ..images._pictures import SUFFIXES

    if not folder.is_dir():
        raise ValueError(f"`{what}` must be a folder. Received: {str(folder)!r}.")
    found, seen = [], {without.resolve()} - {folder.resolve()}
    for root, folders, files in os.walk(folder, followlinks=True):
        here = Path(root)
        if here.resolve() in seen:  # the other folder, or a link in a circle
            folders.clear()
            continue
        seen.add(here.resolve())
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            PurePosixPath((here / name).relative_to(folder).as_posix())
            for name in files
            if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
        ]
    if not found:
        raise ValueError(
            f"`{what}` must hold pictures ({', '.join(SUFFIXES)}). Received: {str(folder)!r}."
        )
    return sorted(found)


def one_place(images: Path, masks: Path) -> bool:
    return images.resolve() == masks.resolve()
