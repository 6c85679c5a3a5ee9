"""The n-th call of the file system fails, and memory runs out."""

import errno
import os
import random
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability_study import faults
from reliability_study.forked import Outcome
from reliability_study.jobs import Bench, Job
from reliability_study.trials import Course, Trial, trials

KINDS = ("ENOSPC", "EIO", "EACCES", "ENOMEM", "kill")


def fail_at_calls(job: Job, every: int, folder: Path, course: Course) -> dict[str, Any]:
    """Let every `every`-th call below the results fail, by each error; then kill at it."""
    bench = Bench(job, folder)
    bench.restore()
    calls = course.sofar.get("calls") or _calls(bench, 0, 0)[1]
    numbers = list(range(1, calls + 1, every))
    random.Random(0).shuffle(numbers)  # a run that is stopped has some of every part

    def failed(which: tuple[int, str]) -> Trial | None:
        number, kind = which
        code = faults.KILL if kind == "kill" else getattr(errno, kind)
        outcome, _, call = _calls(bench, number, code)
        if not call:
            return None  # the order of calls is not the same in every run
        call = call.replace(str(bench.work), "")
        problems = _judge(bench, outcome, kind, call)
        begins = ("lost", "half", "traceback", "status", "without the path", "litter")
        counts = {
            "errors without harm": kind != "kill" and not outcome.status,
            "no reason": any(p.startswith("no ") for p in problems),
            **{begin: any(p.startswith(begin) for p in problems) for begin in begins},
        }
        return Trial(f"{kind} at {number}, {call}", counts, problems)

    each = [(number, kind) for number in numbers for kind in KINDS]
    also = {"calls": calls, "wanted": calls * len(KINDS), "every": every}
    return trials("fail", bench, each, course, failed, also)


def _judge(bench: Bench, outcome: Outcome, kind: str, call: str) -> list[str]:
    problems = []
    if kind != "kill":
        reason = os.strerror(getattr(errno, kind))
        if outcome.traceback:
            problems.append(f"traceback: {outcome.line[:200]}")
        elif outcome.status not in (0, 1, 2):
            problems.append(f"status {outcome.status}: {outcome.line[:200]}")
        elif outcome.status:
            # Libraries say some reasons in their own words.
            if not outcome.errors.strip():
                problems.append("no line")
            elif not re.search(r"\bout\b", outcome.errors) and _is_possible(kind, call):
                problems.append(f"without the path: {outcome.line[:200]}")
            elif reason not in outcome.errors:
                problems.append(f"no {reason!r}: {outcome.line[:300]}")
    bench.heal()
    problems += bench.problems()
    problems += [f"litter: {one}" for one in bench.litter() if "in-progress" in one]
    return problems


def _is_possible(kind: str, call: str) -> bool:
    """Whether a disk says this of an open file; who may open one, may write to it."""
    return kind in ("ENOSPC", "EIO") or call.split()[0] in ("open", "openat", "mkdir", "rename")


def _calls(bench: Bench, number: int, code: int) -> tuple[Outcome, int, str]:
    """A run whose n-th call fails: how it ended, the number of calls, the one that failed."""
    note = bench.work / "calls"
    out = bench.out
    outcome = bench.run(
        bench.job.new,
        at_start=lambda: faults.arm(out, number, code),
        at_exit=lambda: faults.note(note),
    )
    if not note.exists():
        return outcome, 0, "?" if outcome.status == -9 else ""
    count, _, call = note.read_text().partition("\n")
    note.unlink()
    return outcome, int(count), call


def memory_runs_out(job: Job, count: int, folder: Path, course: Course) -> dict[str, Any]:
    """Limit the memory that a command may still take, in `count` steps up to what it needs."""
    bench = Bench(job, folder)

    def limited(number: int) -> Trial:
        more = (number * 400 // count) << 20
        outcome = bench.run(job.new, at_start=_limit(more), watched=True)
        problems = []
        died = not outcome.traceback and outcome.status not in (0, 1, 2)
        if outcome.traceback:
            problems.append(f"traceback: {outcome.line[:200]}")
        elif died:
            problems.append(f"status {outcome.status}: {outcome.line[:200]}")
        bench.heal()
        harm = bench.problems()
        counts = {
            "done": outcome.status == 0,
            "tracebacks": outcome.traceback,
            "signals": died,
            "lost or half": bool(harm),
        }
        return Trial(f"{more >> 20} MiB more", counts, (*problems, *harm))

    return trials("memory", bench, range(count), course, limited)


def _limit(more: int) -> Callable[[], None]:
    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit
