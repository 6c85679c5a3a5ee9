"""Files of two folders, matched by name."""

from collections.abc import Sequence
from pathlib import Path

_SHOWN = 10


def pictures_in(what: str, folder: Path) -> dict[str, list[Path]]:
    """Name without its ending -> the pictures of that name.

    Raises:
        ValueError: `what` is no folder, or holds no picture.
    """
    from ..predict._pictures import SUFFIXES

    if not folder.is_dir():
        raise ValueError(f"`{what}` must be a folder. Received: {str(folder)!r}.")
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            found.setdefault(path.stem, []).append(path)
    if not found:
        raise ValueError(
            f"`{what}` must hold pictures ({', '.join(SUFFIXES)}). Received: {str(folder)!r}."
        )
    return found


def matched(images: dict[str, list[Path]], masks: dict[str, list[Path]]) -> list[tuple[Path, Path]]:
    """The pairs.

    Raises:
        ValueError: a picture has no other half, or several.
    """
    lines = []
    for title, stems in (
        ("images without a mask", images.keys() - masks.keys()),
        ("masks without an image", masks.keys() - images.keys()),
        ("images of one name", {stem for stem, paths in images.items() if len(paths) > 1}),
        ("masks of one name", {stem for stem, paths in masks.items() if len(paths) > 1}),
    ):
        if stems:
            lines.append(f"{len(stems)} {title}: {', '.join(first(sorted(stems)))}")
    if lines:
        raise ValueError(
            "`images` and `masks` must match by file name without its ending. Received: "
            + "; ".join(lines)
            + "."
        )
    return [(images[stem][0], masks[stem][0]) for stem in images]


def first(lines: Sequence[str]) -> list[str]:
    """The first lines, and how many more there are."""
    more = len(lines) - _SHOWN
    return [*lines[:_SHOWN], *([f"... and {more} more"] if more > 0 else [])]
