"""A name for the results of each of several image files."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path


def result_names(files: Sequence[Path]) -> list[str]:
    """A name for each file's results, no two alike, whatever the file system makes of capitals.

    The stem; where two share it, with the suffix (`a.png`, `a.tif` -> `a_png`, `a_tif`); where
    that is not enough, with the folder (`x/a.png`, `y/a.png` -> `x_a_png`, `y_a_png`); at last
    with a number.
    """
    names = [file.stem for file in files]
    refinements: tuple[Callable[[Path], str], ...] = (_with_suffix, _with_folder)
    for refine in refinements:
        counts = Counter(name.casefold() for name in names)
        names = [
            refine(file) if counts[name.casefold()] > 1 else name
            for file, name in zip(files, names, strict=True)
        ]
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.casefold())
        result.append(candidate)
    return result


def _with_suffix(file: Path) -> str:
    return f"{file.stem}_{file.suffix[1:]}"


def _with_folder(file: Path) -> str:
    return f"{file.resolve().parent.name}_{_with_suffix(file)}"
