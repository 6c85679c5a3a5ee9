"""Comparison of a tuned file with an untuned one; the faster is kept."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..files._onnx_file import data_files
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
    """Put the table's form in place of the tuned file at `path` if that runs no slower.

    Blocks are timed by themselves; what they cost each other, a reorder or a cache, shows in the
    whole.

    Args:
        tuned: what was written to `path`.
        by_table: makes the same model's form by the table.
        target: its runtime times the files.
        path: of the tuned file, in a folder of its own.
        write: converts.

    Returns:
        What stands at `path`, with an entry about both times.
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
        for part in (path, *data_files(path)):
            _remove(part)
        for part in (*data_files(other), other):
            os.replace(part, path.with_name(part.name))
    shutil.rmtree(other.parent)
    why = "the tuned blocks together, against those of the table"
    return kept.with_notes(Applied("whole model", (tuned.name,), form, why, gain))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
