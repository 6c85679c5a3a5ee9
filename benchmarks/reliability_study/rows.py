"""What the rows count: their columns in docs/reliability.md, and which of them must be 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Row:
    """The figures of a row, by their names in the results.

    Attributes:
        title: heading of its table.
        part: what it has several of, the head of the first column.
        said: counts; the first one is how many there were.
        wanted: figures before them.
        bad: counts that must be 0.
        measured: other figures.
        goals: of a part, or of "" for all: how many there are to be.
        also_bad: counts of parts without a line in the table that must be 0.
    """

    title: str
    part: str = "command"
    wanted: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    goals: Mapping[str, int] = field(default_factory=dict)
    also_bad: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.wanted, *self.said, *self.bad, *self.measured)

    def goal(self, part: str) -> int | None:
        return self.goals.get(part, self.goals.get(""))


TRIED = "tried"
"""How many runs of a row were begun; some are over before they are disturbed."""

FAULTY = "faulty"
"""Runs of a row in which something was found: their place, their counts and what was found."""

FAULTS = {
    "without a line": ("ended", "no"),
    "tracebacks": ("traceback",),
    "above 2 GiB": ("memory",),
    "above 30 s": ("time", "stopped"),
    "orphans": ("orphans",),
}
"""A count of `fuzz`: the first words of the faults that it counts, see `judge.faults_of`."""

ROWS = {
    "fuzz": Row(
        "Damaged files",
        "kind",
        said=("inputs", "read"),
        bad=tuple(FAULTS),
        measured=("peak", "longest"),
        goals={"tflite": 20_000, "onnx": 10_000, "picture": 15_000, "keras": 1_250, "h5": 1_250,
               "saved_model": 2_500},
    ),
    "kill": Row(
        "`kill -9` at random moments",
        said=("moments", "killed", "left something in progress"),
        bad=("lost", "half", "litter", "orphans", "next run failed"),
        goals={"": 200},
        also_bad=("lost, half or left",),
    ),
    "fail": Row(
        "Errors of the disk, and kills, at the n-th call",
        wanted=("calls", "wanted", TRIED),
        said=("struck", "errors without harm"),
        bad=("lost", "half", "traceback", "status", "no reason", "without the path", "litter"),
    ),
    "memory": Row(
        "Memory that ends",
        said=("runs", "done"),
        bad=("tracebacks", "signals", "lost or half"),
    ),
    "folders": Row(
        "Folders with files of the user's",
        "",
        said=("layouts", "refused"),
        bad=("files changed or gone", "tracebacks"),
        goals={"": 20},
    ),
    "signals": Row(
        "SIGINT, SIGTERM, SIGHUP",
        said=("moments", "ended before"),
        bad=("wrong status", "tracebacks", "litter", "orphans", "lost or half"),
        goals={"": 90},
    ),
    "threads": Row("Threads and forks", "", also_bad=("wrong",)),
    "soak": Row(
        "Long runs",
        "",
        said=("runs",),
        measured=("MiB after warm-up", "MiB at the end", "growth"),
        goals={"exports": 100, "predictions": 10_000},
    ),
}  # fmt: skip

HEADS = {
    "calls": "calls of a run",
    "wanted": "to be tried",
    "MiB after warm-up": "resident after 10%",
    "MiB at the end": "at the end",
}
"""Of columns that are not called as their figures."""

WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "peak": lambda value: f"{value / 2**30:.2f} GiB",
    "longest": lambda value: f"{value:.1f} s",
    "MiB after warm-up": lambda value: f"{value:.0f} MiB",
    "MiB at the end": lambda value: f"{value:.0f} MiB",
    "growth": lambda value: f"{100 * value:+.1f}%",
}
"""How figures are written that are no counts."""
