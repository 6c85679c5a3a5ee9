"""`kill -9` at random moments, and at each call of the file system of the writer."""

import json
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from reliability_study.jobs import Bench, Job
from reliability_study.report import Stop
from reliability_study.seeds import TESTS

WRITERS = ("file", "plain", "folder", "onnx")


def kill_at_random(job: Job, count: int, seed: int, folder: Path, stop: Stop) -> dict[str, Any]:
    """Kill a command `count` times, heal, run it again; count what is lost, half or left over."""
    bench = Bench(job, folder)
    tally: Counter[str] = Counter()
    found: list[str] = []
    for number in range(count):
        if stop():
            break
        rng = random.Random(f"kill {job.name} {seed} {number}")
        bench.restore()
        when = rng.uniform(0, 1.05 * bench.seconds)
        struck = bench.run(
            job.new, strike=lambda _, t, when=when: signal.SIGKILL if t >= when else None
        )
        tally["moments"] += 1
        tally["killed"] += struck.status == -signal.SIGKILL
        tally["left something in progress"] += any(bench.work.rglob("*.in-progress"))
        bench.heal()
        problems = bench.problems()
        after = bench.again()
        if after.status:
            problems.append(f"the next run ended with {after.status}: {after.line[:200]}")
        else:
            problems += [p for p in bench.problems() if p not in problems]
        litter = bench.litter()
        tally["lost"] += any(p.startswith("lost") for p in problems)
        tally["half"] += any(p.startswith("half") for p in problems)
        tally["next run failed"] += bool(after.status)
        tally["litter"] += bool(litter)
        tally["orphans"] += bool(struck.orphans)
        found += [f"{number} ({when:.3f} s): {what}" for what in (*problems, *litter)]
    names = ("moments", "killed", "left something in progress", "lost", "half", "litter", "orphans")
    return {
        **{name: tally[name] for name in (*names, "next run failed")},
        "seconds of a run": bench.seconds,
        "found": found,
    }


def kill_at_each_call(folder: Path) -> dict[str, Any]:
    """The writer's own study, tests/files/every_moment.py, on its four kinds of artefact."""
    moments, found = 0, []
    for case in WRITERS:
        for before in ("before", "new"):
            place = folder / f"{case}_{before}"
            place.mkdir(parents=True)
            done = subprocess.run(
                [sys.executable, str(TESTS / "files" / "every_moment.py"), case, "kill",
                 str(place), before],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            facts = [json.loads(line) for line in done.stdout.splitlines()]
            whole = facts.pop()["whole"]
            name = next(iter(whole)).partition("/")[0].partition(".onnx")[0]
            for one in facts:
                moments += 1
                healed = {k: v for k, v in one["healed"].items() if not k.startswith("other_")}
                if healed not in (one["stood"], whole):
                    found.append(f"{case}, {before}: {one['call']}: neither the old nor the new")
                left = [k for k in one["last"] if not k.startswith((name, "other_"))]
                found += [f"{case}, {before}: {one['call']}: {k} is left" for k in left]
    return {"moments": moments, "lost, half or left": len(found), "found": found}
