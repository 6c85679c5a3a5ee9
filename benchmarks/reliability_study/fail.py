"""The n-th call of the file system fails, and memory runs out."""

import errno
import os
import random
import re
import resource
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reliability_study import faults
from reliability_study.forked import Outcome
from reliability_study.jobs import Bench, Job
from reliability_study.report import Stop

ERRORS = ("ENOSPC", "EIO", "EACCES", "ENOMEM")


def fail_at_calls(job: Job, every: int, folder: Path, stop: Stop) -> dict[str, Any]:
    """Let every `every`-th call below the results fail, by each error; then kill at it."""
    bench = Bench(job, folder)
    calls = _calls(bench, 0, 0)[1]
    tally: Counter[str] = Counter()
    found: list[str] = []
    numbers = list(range(1, calls + 1, every))
    random.Random(0).shuffle(numbers)  # a run that is stopped has some of every part
    for number in numbers:
        for kind in (*ERRORS, "kill"):
            if stop():
                break
            code = faults.KILL if kind == "kill" else getattr(errno, kind)
            bench.restore()
            outcome, _, call = _calls(bench, number, code)
            if not call:
                continue  # the order of calls is not the same in every run
            call = call.replace(str(bench.work), "")
            tally["struck"] += 1
            problems = _judge(bench, outcome, kind, call)
            if problems:
                tally["wrong"] += 1
                found += [f"{kind} at {number}, {call}: {what}" for what in problems]
            tally["errors without harm"] += kind != "kill" and not outcome.status
            for what in ("lost", "half", "traceback", "litter", "status", "without the path"):
                tally[what] += any(p.startswith(what) for p in problems)
            tally["no reason"] += any(p.startswith("no ") for p in problems)
    names = (
        "struck", "errors without harm", "lost", "half", "traceback", "status", "no reason",
        "without the path", "litter",
    )  # fmt: skip
    return {"calls": calls, "every": every, **{n: tally[n] for n in names}, "found": found}


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


def memory_runs_out(job: Job, count: int, folder: Path, stop: Stop) -> dict[str, Any]:
    """Limit the memory that a command may still take, in `count` steps up to what it needs."""
    bench = Bench(job, folder)
    tally: Counter[str] = Counter()
    found: list[str] = []
    for number in range(count):
        if stop():
            break
        bench.restore()
        more = (number * 400 // count) << 20
        outcome = bench.run(job.new, at_start=_limit(more))
        problems = []
        tally["runs"] += 1
        tally["done"] += outcome.status == 0
        if outcome.traceback:
            tally["tracebacks"] += 1
            problems.append(f"traceback: {outcome.line[:200]}")
        elif outcome.status not in (0, 1, 2):
            tally["signals"] += 1
            problems.append(f"status {outcome.status}: {outcome.line[:200]}")
        bench.heal()
        harm = bench.problems()
        tally["lost or half"] += bool(harm)
        found += [f"{more >> 20} MiB more: {what}" for what in (*problems, *harm)]
    names = ("runs", "done", "tracebacks", "signals", "lost or half")
    return {**{name: tally[name] for name in names}, "found": found}


def _limit(more: int) -> Callable[[], None]:
    def limit() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + more
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return limit
