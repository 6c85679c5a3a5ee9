"""`kill -9` at random moments, and at each call of the file system of the writer."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from reliability_study.jobs import Bench, Job
from reliability_study.seeds import TESTS
from reliability_study.trials import Course, Trial, trials

WRITERS = ("file", "plain", "folder", "onnx")


def kill_at_random(job: Job, count: int, seed: int, folder: Path, course: Course) -> dict[str, Any]:
    """Kill a command `count` times, heal, run it again; count what is lost, half or left over.

    Where the healed folder is as it was before the command, byte by byte, the next run would be
    that of the reference, and is not made again.
    """
    bench = Bench(job, folder)

    def killed(number: int) -> Trial:
        rng = random.Random(f"kill {job.name} {seed} {number}")
        when = rng.uniform(0, 1.05 * bench.seconds)
        struck = bench.run(job.new, strike=lambda _, t: signal.SIGKILL if t >= when else None)
        unfinished = any(bench.work.rglob("*.in-progress"))
        bench.heal()
        problems = bench.problems()
        after = None if bench.is_as_before() else bench.again()
        failed = after is not None and after.status != 0
        if after is not None and failed:
            problems.append(f"the next run ended with {after.status}: {after.line[:200]}")
        else:
            problems += [p for p in bench.problems() if p not in problems]
        litter = bench.litter()
        counts = {
            "killed": struck.status == -signal.SIGKILL,
            "left something in progress": unfinished,
            "lost": any(p.startswith("lost") for p in problems),
            "half": any(p.startswith("half") for p in problems),
            "litter": bool(litter),
            "orphans": bool(struck.orphans),
            "next run failed": failed,
        }
        return Trial(f"{number} ({when:.3f} s)", counts, (*problems, *litter))

    also = {"seconds of a run": bench.seconds, "seed": seed}
    return trials("kill", bench, range(count), course, killed, also)


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
