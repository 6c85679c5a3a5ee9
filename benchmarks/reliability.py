"""What survives which failure: damaged files, kills, errors of the disk, signals, threads, time.

python benchmarks/reliability.py fuzz tflite --count 1000 --seed 1   # or onnx, picture, keras, ...
python benchmarks/reliability.py fuzz tflite --count 20000 --go-on   # what the results lack of them
python benchmarks/reliability.py kill --count 20      # kill -9 at random moments of each command
python benchmarks/reliability.py fail --every 10      # the n-th call of the file system fails
python benchmarks/reliability.py fail --go-on --minutes 60    # every call, further than before
python benchmarks/reliability.py folders              # 20 folders with files of the user's
python benchmarks/reliability.py signals --count 10   # SIGINT, SIGTERM, SIGHUP
python benchmarks/reliability.py threads              # 8 exports, 8 predictors, a fork pool
python benchmarks/reliability.py soak                 # 10,000 predictions, 100 exports
python benchmarks/reliability.py all --minutes 60     # each in a share of the time
python benchmarks/reliability.py all --short          # a minute or less: `predict` alone
python benchmarks/reliability.py page                 # the table of docs/reliability.md

What each does stands in docs/reliability.md. Linux alone. The figures go to OUT/reliability.json,
what failed to OUT/failing. The exit code is 1 if anything was found.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

# A fork keeps one thread, so that no library may start others before it.
for _name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

BENCHMARKS = Path(__file__).parent
sys.path[:0] = [str(BENCHMARKS.parent), str(BENCHMARKS)]

from reliability_study import faults  # noqa: E402
from reliability_study.forked import preload, preload_as  # noqa: E402
from reliability_study.fuzz import KINDS, added, counted, fuzz, without  # noqa: E402
from reliability_study.report import enter, known, stop_after  # noqa: E402
from reliability_study.rows import ROWS  # noqa: E402
from reliability_study.seeds import seeds_in  # noqa: E402
from reliability_study.trials import Course  # noqa: E402

RESULTS = BENCHMARKS / "results" / "reliability.json"
PAGE = BENCHMARKS.parent / "docs" / "reliability.md"
SHORT: dict[str, tuple[list[str], int, int]] = {
    "fuzz": (["tflite", "picture"], 6, 1),
    "kill": (["predict"], 3, 1),
    "fail": (["predict"], 2, 90),
    "folders": ([], 8, 1),
    "signals": (["predict"], 1, 1),
    "threads": (["predictors"], 3, 1),
    "soak": (["predictions"], 300, 1),
}
"""What `--short` runs of each row: parts, count, every."""

JOBS = ("export", "predict", "fetch", "train")

SHARES = {
    "fuzz": 10, "kill": 4, "fail": 4, "folders": 1, "signals": 3, "threads": 1, "soak": 2
}  # fmt: skip
"""Of the minutes of `all`."""


def main() -> int:
    options = _options()
    if options.row == "page":
        from reliability_study.table import write_page

        write_page(options.results, options.page)
        return 0
    if options.row in ("fail", "all") and not faults.start_with_faults(options.out):
        print("`fail` needs gcc, and LD_PRELOAD as Linux has it.", file=sys.stderr)
        if options.row == "fail":
            return 2
    options.out.mkdir(parents=True, exist_ok=True)
    preload("light", "tensorflow")
    options.seeds = seeds_in((options.out / "seeds").resolve(), short=options.short)
    options.out = options.out.resolve()
    rows = list(SHARES) if options.row == "all" else [options.row]
    left = sum(SHARES[row] for row in rows)
    found = []
    for row in rows:
        if options.short:
            options.what, options.count, options.every = SHORT[row]
        minutes = options.minutes
        if options.row == "all" and minutes is not None:
            minutes *= SHARES[row] / left
        found += _ROWS[row](options, minutes)
        shutil.rmtree(options.out / "work", ignore_errors=True)
    for line in found:
        print(line)
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("row", choices=[*_ROWS, "all", "page"])
    parser.add_argument("what", nargs="*", help="parts of a row; default: all")
    parser.add_argument("--count", type=int, help="inputs, moments, layouts or runs")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input of fuzz")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="what the results lack, and again what failed in them",
    )
    parser.add_argument("--every", type=int, default=1, help="calls of `fail`: 1 is all of them")
    parser.add_argument("--minutes", type=float, help="after which a row ends")
    parser.add_argument("--short", action="store_true", help="of all: few of each")
    parser.add_argument("--out", type=Path, default=Path("build/reliability"))
    parser.add_argument("--results", type=Path, default=None, help="default: OUT/reliability.json")
    parser.add_argument("--page", type=Path, default=PAGE, help="of page")
    options = parser.parse_args()
    known = _PARTS.get(options.row, JOBS)
    if wrong := set(options.what) - set(known):
        parser.error(f"{', '.join(sorted(wrong))}: must be of {', '.join(known)}")
    if options.results is None:
        page = options.row == "page"
        options.results = RESULTS if page else options.out / "reliability.json"
    return options


def _tell(
    options: argparse.Namespace,
    row: str,
    part: str,
    figures: dict[str, Any],
    shown: dict[str, Any] | None = None,
) -> list[str]:
    """Write figures down; what is bad of them, or of `shown`, which is made of them."""
    _keep(options, row, part, figures)
    figures = _without_place(options, shown or figures)
    numbers = {k: v for k, v in figures.items() if not isinstance(v, list)}
    print(f"{row} {part}: {json.dumps(numbers)}", flush=True)
    said = [*figures.get("found", ()), *figures.get("failing", ()), *figures.get("errors", ())]
    declared = ROWS[row]
    bad = any(figures.get(name) for name in (*declared.bad, *declared.also_bad))
    bad = bad or bool(said) or "died" in figures
    bad = bad or any(value in ("hangs", "wrong") for value in figures.values())
    return [f"{row} {part}: {line}" for line in (said or ["see above"])] if bad else []


def _keep(options: argparse.Namespace, row: str, part: str, figures: dict[str, Any]) -> None:
    """Write figures down, without the lines that show them."""
    enter(options.results, row, part, _without_place(options, figures))


def _without_place(options: argparse.Namespace, figures: dict[str, Any]) -> dict[str, Any]:
    """Paths in messages begin with OUT."""
    text = json.dumps(figures).replace(json.dumps(str(options.out))[1:-1], "OUT")
    return dict(json.loads(text))


def _fuzz(options: argparse.Namespace, minutes: float | None) -> list[str]:
    kinds = options.what or list(KINDS)
    found = []
    for kind in kinds:
        stop = stop_after(None if minutes is None else minutes / len(kinds))
        _warm_up(options, kind)
        sofar = known(options.results, "fuzz", kind) if options.go_on else {}
        if sofar and sofar.get("seed") != options.seed:
            raise SystemExit(f"{options.results} has {kind} of --seed {sofar.get('seed')}.")
        first = sofar["inputs"] if sofar else options.first
        last = (options.count or 100) + (0 if options.go_on else first)
        again = sofar.get("failing", [])
        for failed in again:
            sofar = without(sofar, failed)
        said: list[str] = []
        for numbers, until in (
            ([failed["number"] for failed in again], stop_after(None)),
            (range(first, last), stop),
        ):
            for share in fuzz(kind, numbers, options.seed, options.seeds, options.out, until):
                sofar = {**added(sofar, share), "seed": options.seed}
                said = _tell(options, "fuzz", kind, sofar, counted(sofar))
        found += said
    return found


def _warm_up(options: argparse.Namespace, kind: str) -> None:
    """Import what the commands on undamaged files import."""
    seeds, work = options.seeds, options.out / "work" / "warm"
    places = {
        "FILE": next(iter(sorted(f for p in KINDS[kind].seeds for f in seeds.glob(p)))),
        "IMAGE": seeds / "pictures/rgb.png",
        "MODEL": seeds / "models/a.tflite",
        "DATA": seeds / "labelled",
    }
    for _, arguments in KINDS[kind].commands:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        words = [places.get(word, word) for word in arguments]
        preload_as(words, work, variables={"KERAS_UPSAMPLE_CACHE": str(options.out / "cache")})


def _each_job(
    options: argparse.Namespace,
    minutes: float | None,
    row: str,
    work: Callable[..., dict[str, Any]],
    **arguments: Any,
) -> list[str]:
    from reliability_study.jobs import jobs_of

    jobs = jobs_of(options.seeds, options.out / "jobs")
    chosen = options.what or list(JOBS)
    found = []
    for name in chosen:
        folder = options.out / "work" / f"{row}_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "warm").mkdir(parents=True)
        variables = {"KERAS_UPSAMPLE_CACHE": str(folder / "warm"), **dict(jobs[name].variables)}
        preload_as(jobs[name].new, folder / "warm", variables=variables)
        sofar = known(options.results, row, name) if options.go_on else {}
        for option in {"every", "seed"} & sofar.keys() & arguments.keys():
            if sofar[option] != arguments[option]:
                raise SystemExit(f"{options.results} has {name} of --{option} {sofar[option]}.")
        course = Course(
            stop_after(None if minutes is None else minutes / len(chosen)),
            lambda figures, row=row, name=name: _keep(options, row, name, figures),
            sofar,
        )
        figures = work(jobs[name], folder=folder, course=course, **arguments)
        found += _tell(options, row, name, figures)
        shutil.rmtree(folder, ignore_errors=True)
    return found


def _kill(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study.kill import kill_at_each_call, kill_at_random

    found = []
    if not options.what:
        found = _tell(
            options, "kill", "each call", kill_at_each_call(options.out / "work" / "calls")
        )
    return found + _each_job(
        options, minutes, "kill", kill_at_random, count=options.count or 5, seed=options.seed
    )


def _fail(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study.fail import fail_at_calls, memory_runs_out

    if faults.loaded() is None:
        return []
    share = None if minutes is None else minutes * 0.8
    rest = None if minutes is None else minutes * 0.2
    found = _each_job(options, share, "fail", fail_at_calls, every=options.every)
    if options.short:  # whether a library aborts where no memory is left is chance
        return found
    return found + _each_job(options, rest, "memory", memory_runs_out, count=options.count or 10)


def _folders(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study.folders import keep_what_is_the_users

    stop, folder = stop_after(minutes), options.out / "work" / "folders"
    count = options.count or 20
    figures = keep_what_is_the_users(options.seeds, folder, count, stop)
    return _tell(options, "folders", "layouts", figures)


def _signals(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study.signals import end_by_signals

    return _each_job(
        options, minutes, "signals", end_by_signals, count=options.count or 3, seed=options.seed
    )


def _threads(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study import inside

    count = options.count or 8
    parts = {
        "exports": inside.exports_in_threads(options.seeds, count),
        "predictors": inside.predictors_in_threads(options.seeds, count, 25),
        "forks": inside.fork_after_use(options.seeds, 4),
    }
    return _inside(options, "threads", parts)


def _soak(options: argparse.Namespace, minutes: float | None) -> list[str]:
    from reliability_study import inside

    half = None if minutes is None else minutes / 2
    count = options.count or 10_000
    parts = {
        "predictions": lambda folder: inside.soak_predictions(
            options.seeds, count, stop_after(half)
        )(folder),
        "exports": lambda folder: inside.soak_exports(
            options.seeds, max(3, count // 100), stop_after(half)
        )(folder),
    }
    return _inside(options, "soak", parts)


def _inside(
    options: argparse.Namespace, row: str, parts: dict[str, Callable[[Path], dict[str, Any]]]
) -> list[str]:
    from reliability_study.inside import in_a_fork

    found = []
    for name, work in parts.items():
        if options.what and name not in options.what:
            continue
        folder = options.out / "work" / f"{row}_{name}"
        shutil.rmtree(folder, ignore_errors=True)
        found += _tell(options, row, name, in_a_fork(work, folder, 3600.0))
    return found


_ROWS: dict[str, Callable[[argparse.Namespace, float | None], list[str]]] = {
    "fuzz": _fuzz,
    "kill": _kill,
    "fail": _fail,
    "folders": _folders,
    "signals": _signals,
    "threads": _threads,
    "soak": _soak,
}

_PARTS: dict[str, tuple[str, ...]] = {
    "fuzz": tuple(KINDS),
    "threads": ("exports", "predictors", "forks"),
    "soak": ("predictions", "exports"),
}
"""Of the rows that have others than commands."""


if __name__ == "__main__":
    sys.exit(main())
