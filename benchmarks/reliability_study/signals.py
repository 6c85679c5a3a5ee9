"""SIGINT, SIGTERM and SIGHUP while a command runs."""

import random
import signal
from pathlib import Path
from typing import Any

from reliability_study.jobs import Bench, Job
from reliability_study.trials import Course, Trial, trials

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_by_signals(job: Job, count: int, seed: int, folder: Path, course: Course) -> dict[str, Any]:
    """Send each signal at `count` moments; count wrong exit statuses, litter and orphans."""
    bench = Bench(job, folder)

    def signalled(number: int) -> Trial:
        sent = SIGNALS[number % len(SIGNALS)]
        rng = random.Random(f"signal {job.name} {seed} {number}")
        when = rng.uniform(0.15, 0.95) * bench.seconds  # once the command has begun
        strike = lambda _, t: sent if t >= when else None  # noqa: E731
        ended = bench.run(job.new, strike=strike, watched=True)
        right = ended.status in (0, 128 + sent)
        problems = [] if right else [f"status {ended.status}: {ended.line[:200]}"]
        if ended.traceback:
            problems.append("traceback")
        litter = [p for p in bench.litter() if "in-progress" in p or p.startswith("tmp")]
        lost = bench.problems()
        counts = {
            "ended before": ended.status == 0,
            "wrong status": not right,
            "tracebacks": ended.traceback,
            "litter": bool(litter),
            "orphans": bool(ended.orphans),
            "lost or half": bool(lost),
        }
        label = f"{number} ({sent.name} at {when:.3f} s)"
        return Trial(label, counts, (*problems, *litter, *lost))

    numbers = range(count * len(SIGNALS))
    return trials("signals", bench, numbers, course, signalled, {"seed": seed})
