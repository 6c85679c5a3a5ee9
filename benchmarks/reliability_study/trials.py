"""Runs of a job that are disturbed, one after the other, and the counts of a row."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from reliability_study.jobs import Bench
from reliability_study.report import Stop
from reliability_study.rows import ROWS

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


def trials(
    row: str,
    bench: Bench,
    numbers: Iterable[_Number],
    stop: Stop,
    disturb: Callable[[_Number], Trial | None],
) -> dict[str, Any]:
    """The counts of a row.

    Args:
        row: its name. Its first count is how many runs there were.
        bench: the job.
        numbers: of the runs.
        stop: ends them early.
        disturb: number -> what became of the run, None if it was not disturbed. The folder is as
            before the command.
    """
    names = (*ROWS[row].said, *ROWS[row].bad)
    tally: Counter[str] = Counter()
    found: list[str] = []
    for number in numbers:
        if stop():
            break
        bench.restore()
        trial = disturb(number)
        if trial is None:
            continue
        tally[names[0]] += 1
        for name, holds in trial.counts.items():
            tally[name] += holds
        found += [f"{trial.label}: {what}" for what in trial.found]
    return {**{name: tally[name] for name in names}, "found": found}
