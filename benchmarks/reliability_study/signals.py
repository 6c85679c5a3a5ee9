"""SIGINT, SIGTERM and SIGHUP while a command runs."""

import random
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from reliability_study.jobs import Bench, Job
from reliability_study.report import Stop

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def end_by_signals(job: Job, count: int, seed: int, folder: Path, stop: Stop) -> dict[str, Any]:
    """Send each signal at `count` moments; count wrong exit statuses, litter and orphans."""
    bench = Bench(job, folder)
    tally: Counter[str] = Counter()
    found: list[str] = []
    for number in range(count * len(SIGNALS)):
        if stop():
            break
        sent = SIGNALS[number % len(SIGNALS)]
        rng = random.Random(f"signal {job.name} {seed} {number}")
        bench.restore()
        when = rng.uniform(0.15, 0.95) * bench.seconds  # once the command has begun
        ended = bench.run(
            job.new, strike=lambda _, t, when=when, sent=sent: sent if t >= when else None
        )
        tally["moments"] += 1
        tally["ended before"] += ended.status == 0
        right = ended.status in (0, 128 + sent)
        problems = [] if right else [f"status {ended.status}: {ended.line[:200]}"]
        if ended.traceback:
            problems.append("traceback")
        litter = [p for p in bench.litter() if "in-progress" in p or p.startswith("tmp")]
        lost = bench.problems()
        tally["wrong status"] += not right
        tally["tracebacks"] += ended.traceback
        tally["litter"] += bool(litter)
        tally["orphans"] += bool(ended.orphans)
        tally["lost or half"] += bool(lost)
        found += [
            f"{number} ({sent.name} at {when:.3f} s): {what}"
            for what in (*problems, *litter, *lost)
        ]
    names = ("moments", "ended before", "wrong status", "tracebacks", "litter", "orphans")
    return {**{name: tally[name] for name in (*names, "lost or half")}, "found": found}
