"""Compare a tuned file with an untuned one, and keep the faster one."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..files._beside import values_beside
from ..lowering._meters import meter_of
from ..program._applied import KEEP, Applied
from ..program._program import Program
from ..targets import Target

Write = Callable[[Program, Path], None]


def keep_the_faster(
    tuned: Program,
    untuned: Callable[[], Program],
    target: Target,
    path: Path,
    write: Write,
) -> Program:
    """Replace the tuned file at `path` by an untuned one, unless the tuned one is faster.

    Tuning times each block separately. Effects of blocks on each other, such as a change of layout
    or a cache, show only in the whole model.

    Args:
        tuned: the program of the tuned file.
        untuned: returns the program of the same model with forms for which nothing was measured,
            by a profile or the table.
        target: target of the files; its runtime times them.
        path: path of the tuned file, in a folder of its own.
        write: converts a program to a file.

    Returns:
        The program of the file that is kept at `path`, with a note on both times.
    """
    meter = meter_of(target)
    if meter is None or all(entry.form == KEEP or entry.measured is None for entry in tuned.notes):
        return tuned
    plain = untuned()
    other = path.parent / "untuned" / path.name
    other.parent.mkdir()
    write(plain, other)
    times = meter.seconds({"untuned": meter.opened(other), "tuned": meter.opened(path)}, 4.0)
    runs = times["tuned"] < float("inf")
    gain = times["untuned"] / times["tuned"] if runs else 0.0
    form, kept = ("tuned", tuned) if gain > 1 else ("untuned", plain)
    if kept is plain:
        for part in (path, *values_beside(path)):
            _remove(part)
        for part in (*values_beside(other), other):
            os.replace(part, path.with_name(part.name))
    shutil.rmtree(other.parent)
    why = "the tuned blocks together, against the forms by profile or table"
    return kept.with_notes(Applied("whole model", (tuned.name,), form, why, gain))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
