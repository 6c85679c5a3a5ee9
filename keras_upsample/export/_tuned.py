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
    by_table: Callable[[], Program],
    target: Target,
    path: Path,
    write: Write,
) -> Program:
    """Replace the tuned file at `path` by one with the table's forms, unless the tuned is faster.

    Tuning times each block separately. Effects of blocks on each other, such as a change of layout
    or a cache, show only in the whole model.

    Args:
        tuned: the program of the tuned file.
        by_table: returns the program of the same model with the table's forms.
        target: target of the files; its runtime times them.
        path: path of the tuned file, in a folder of its own.
        write: converts a program to a file.

    Returns:
        The program of the file that is kept at `path`, with a note on both times.
    """
    meter = meter_of(target)
    if meter is None or all(entry.form == KEEP or entry.measured is None for entry in tuned.notes):
        return tuned
    table = by_table()
    other = path.parent / "by_table" / path.name
    other.parent.mkdir()
    write(table, other)
    times = meter.seconds({"table": meter.opened(other), "tuned": meter.opened(path)}, 4.0)
    runs = times["tuned"] < float("inf")
    gain = times["table"] / times["tuned"] if runs else 0.0
    form, kept = ("tuned", tuned) if gain > 1 else ("by table", table)
    if kept is table:
        for part in (path, *values_beside(path)):
            _remove(part)
        for part in (*values_beside(other), other):
            os.replace(part, path.with_name(part.name))
    shutil.rmtree(other.parent)
    why = "the tuned blocks together, against those of the table"
    return kept.with_notes(Applied("whole model", (tuned.name,), form, why, gain))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
