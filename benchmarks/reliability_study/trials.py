"""Runs of a job that are disturbed, one after the other, and the counts of a row."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reliability_study.jobs import Bench
from reliability_study.report import Stop
from reliability_study.rows import FAULTY, ROWS, TRIED

_Number = TypeVar("_Number")


@dataclass(frozen=True)
class Trial:
    """A disturbed run.

    Attributes:
        label: says which one it was.
        counts: a count of the row -> whether it is one of them.
        found: what went wrong.
    """

    label: str
    counts: Mapping[str, bool]
    found: Sequence[str]


@dataclass(frozen=True)
class Course:
    """Where a row begins and ends.

    Attributes:
        stop: ends it early.
        keep: gets the figures after each run, so that a study that is cut off has them.
        sofar: figures of an earlier study of the same runs, which this one goes on from; what went
            wrong in it is run again first.
    """

    stop: Stop
    keep: Callable[[dict[str, Any]], None] = lambda _: None
    sofar: Mapping[str, Any] = field(default_factory=dict)


def trials(
    row: str,
    bench: Bench,
    numbers: Sequence[_Number],
    course: Course,
    disturb: Callable[[_Number], Trial | None],
    also: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The counts of a row.

    Args:
        row: its name. Its first count is how many runs there were.
        bench: the job.
        numbers: of the runs.
        course: which of them were made before, and when to end.
        disturb: number -> what became of the run, None if it was not disturbed. The folder is as
            before the command.
        also: figures that stand beside the counts.
    """
    names = (*ROWS[row].said, *ROWS[row].bad)
    tally: Counter[str] = Counter({name: course.sofar.get(name, 0) for name in names})
    faulty: list[dict[str, Any]] = list(course.sofar.get(FAULTY, ()))
    tried = course.sofar.get(TRIED, 0)
    figures = dict(course.sofar)
    again = {one["place"]: one for one in faulty}
    for place in (*again, *range(tried, len(numbers))):
        if course.stop():
            break
        bench.restore()
        trial = disturb(numbers[place])
        if place in again:
            tally.subtract((names[0], *again[place]["counts"]))
            faulty.remove(again[place])
        else:
            tried += 1
        if trial is not None:
            counts = [name for name, holds in trial.counts.items() if holds]
            tally.update((names[0], *counts))
            if trial.found:
                lines = [f"{trial.label}: {what}" for what in trial.found]
                faulty.append({"place": place, "counts": counts, "found": lines})
        figures = {**{name: tally[name] for name in names}, TRIED: tried, **(also or {})}
        figures[FAULTY] = faulty
        figures["found"] = [line for one in faulty for line in one["found"]]
        course.keep(figures)
    return figures
