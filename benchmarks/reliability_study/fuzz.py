"""Damaged files through the real commands."""

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reliability_study import mutate_messages, mutate_pictures, mutate_tflite
from reliability_study.forked import Limits, Outcome, run_command
from reliability_study.judge import faults_of
from reliability_study.report import Stop
from reliability_study.rows import FAULTS

OUT = "out"
IMAGE, MODEL = "pictures/rgb.png", "models/a.tflite"
LABELLED = "labelled"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        seeds: patterns in the folder of seeds.
        change: the mutation.
        commands: (weight, arguments); FILE, IMAGE, MODEL and DATA stand for paths.
        inside: for a folder, the file in it that is damaged.
        groups: what the commands import.
    """

    seeds: tuple[str, ...]
    change: Callable[[bytes, random.Random], bytes]
    commands: tuple[tuple[int, tuple[str, ...]], ...]
    inside: str = ""
    groups: tuple[str, ...] = ("light",)


INFO = ("info", "FILE")
PREDICT = ("predict", "FILE", "IMAGE", "--out", OUT)
IMPORT = ("import", "FILE", "--out", "model.keras")
EXPORT = ("export", "FILE", "--target", "onnx", "--out", OUT)
HEAVY = ("light", "tensorflow")

KINDS = {
    "tflite": Kind(
        ("models/*.tflite",),
        mutate_tflite.tflite,
        (
            (6, INFO),
            (2, PREDICT),
            (1, IMPORT),
            (1, ("check", "FILE", "--target", "edge_tpu")),
            (1, ("check", "FILE", "--target", "tflm")),
        ),
        groups=HEAVY,
    ),
    "onnx": Kind(
        ("models/*.onnx",),
        mutate_messages.onnx,
        ((6, INFO), (3, PREDICT), (1, IMPORT)),
        groups=HEAVY,
    ),
    "picture": Kind(
        ("pictures/*",),
        mutate_pictures.picture,
        (
            (8, ("predict", "MODEL", "FILE", "--out", OUT)),
            (1, ("evaluate", "MODEL", "DATA", "--class-names", "a,b,c")),
        ),
        groups=HEAVY,
    ),
    "keras": Kind(
        ("models/*.keras",),
        mutate_messages.keras,
        ((4, INFO), (2, PREDICT), (1, EXPORT)),
        groups=HEAVY,
    ),
    "h5": Kind(
        ("models/*.h5",),
        mutate_messages.h5,
        ((4, INFO), (2, PREDICT), (1, EXPORT)),
        groups=HEAVY,
    ),
    "saved_model": Kind(
        ("models/saved_model",),
        mutate_messages.saved_model,
        ((4, INFO), (2, PREDICT)),
        inside="saved_model.pb",
        groups=HEAVY,
    ),
}


SHARE = 250
"""Inputs after which figures are written: what a run that is cut off loses."""


def fuzz(
    kind: str, numbers: Sequence[int], seed: int, seeds: Path, out: Path, stop: Stop
) -> Iterator[dict[str, Any]]:
    """Run the damaged files of a kind that have these numbers; `out/failing` keeps what failed.

    Yields the figures of `SHARE` inputs at a time.
    """
    for begin in range(0, len(numbers), SHARE):
        figures = _share(kind, numbers[begin : begin + SHARE], seed, seeds, out, stop)
        if figures["inputs"]:
            yield figures
        if stop():
            return


def added(before: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of the inputs of both."""
    if not before:
        return dict(figures)
    return {
        name: max(before[name], value) if name in ("peak", "longest") else before[name] + value
        for name, value in figures.items()
    }


def without(figures: Mapping[str, Any], failing: Mapping[str, Any]) -> dict[str, Any]:
    """Figures without an input that failed, which is to be run again."""
    ended = "read" if failing["status"] == 0 else "refused"
    return {
        **figures,
        "inputs": figures["inputs"] - 1,
        ended: figures[ended] - 1,
        "failing": [each for each in figures["failing"] if each != failing],
    }


def counted(figures: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of the page: what failed, by kind of fault, and the largest of all inputs."""
    failing = figures["failing"]
    words = Counter(fault.partition(" ")[0] for each in failing for fault in each["faults"])
    return {
        **figures,
        **{name: sum(words[word] for word in of) for name, of in FAULTS.items()},
        **{
            name: max([figures[name], *(each[name] for each in failing)])
            for name in ("peak", "longest")
        },
        "failing": [
            f"{each['name']}: {', '.join(each['faults'])}: {each['line']}" for each in failing
        ],
    }


def _share(
    kind: str, numbers: Iterable[int], seed: int, seeds: Path, out: Path, stop: Stop
) -> dict[str, Any]:
    """Counts of inputs, the largest of those that passed, and what failed."""
    tally: Counter[str] = Counter()
    peak = longest = 0.0
    failing: list[dict[str, Any]] = []
    start, done = time.monotonic(), 0
    for number in numbers:
        if stop():
            break
        outcome, faults, arguments, work = one(kind, seed, number, seeds, out)
        done += 1
        tally["read" if outcome.status == 0 else "refused"] += 1
        if faults:
            failing.append(_keep(kind, seed, number, outcome, faults, arguments, work, out))
        else:
            peak, longest = max(peak, outcome.peak), max(longest, outcome.seconds)
        shutil.rmtree(work, ignore_errors=True)
    return {
        "inputs": done,
        "read": tally["read"],
        "refused": tally["refused"],
        "peak": peak,
        "longest": longest,
        "seconds": time.monotonic() - start,
        "failing": failing,
    }


def one(
    kind: str, seed: int, number: int, seeds: Path, out: Path
) -> tuple[Outcome, list[str], list[str], Path]:
    """One damaged file through one command, in a new folder."""
    chosen = KINDS[kind]
    rng = random.Random(f"{kind} {seed} {number}")
    found = sorted(file for pattern in chosen.seeds for file in seeds.glob(pattern))
    source = rng.choice(found)
    work = out / "work" / f"{kind}_{seed}_{number}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    file = _damaged(chosen, source, rng, work)
    (arguments,) = rng.choices(
        [a for _, a in chosen.commands], [weight for weight, _ in chosen.commands]
    )
    places = {"FILE": file, "IMAGE": seeds / IMAGE, "MODEL": seeds / MODEL}
    if "DATA" in arguments:
        places["DATA"] = _with_mask(file, seeds, work)
    words = [str(places.get(word, word)) for word in arguments]
    outcome = run_command(
        words,
        work,
        variables={"KERAS_UPSAMPLE_CACHE": str(out / "cache")},
        limits=Limits(seconds=90),
    )
    return outcome, faults_of(outcome), words, work


def _damaged(chosen: Kind, source: Path, rng: random.Random, work: Path) -> Path:
    if source.is_dir():
        shutil.copytree(source, work / source.name)
        target = work / source.name / chosen.inside
        target.write_bytes(chosen.change(target.read_bytes(), rng))
        return work / source.name
    for beside in source.parent.glob(f"{source.name}.*.data"):
        shutil.copy(beside, work)
    file = work / source.name
    file.write_bytes(chosen.change(source.read_bytes(), rng))
    return file


def _with_mask(file: Path, seeds: Path, work: Path) -> Path:
    """A labelled set of one image, whose mask is the damaged file."""
    data = work / LABELLED
    for name in ("images", "masks"):
        (data / name).mkdir(parents=True)
    shutil.copy(seeds / IMAGE, data / "images" / f"{file.stem}.png")
    shutil.copy(file, data / "masks" / file.name)
    return data


def _keep(
    kind: str,
    seed: int,
    number: int,
    outcome: Outcome,
    faults: Sequence[str],
    arguments: Sequence[str],
    work: Path,
    out: Path,
) -> dict[str, Any]:
    """Keep the file, how to make it again, and what was said; a summary."""
    place = out / "failing" / f"{kind}_{seed}_{number}"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(work, place, ignore=shutil.ignore_patterns("tmp", OUT), symlinks=True)
    facts = {
        "kind": kind,
        "seed": seed,
        "number": number,
        "again": f"python benchmarks/reliability.py fuzz {kind} --seed {seed} --first {number} "
        "--count 1",
        "faults": list(faults),
        "arguments": list(arguments),
        "status": outcome.status,
        "seconds": outcome.seconds,
        "cpu": outcome.cpu,
        "peak": outcome.peak,
        "errors": outcome.errors[-4000:],
    }
    (place / "facts.json").write_text(json.dumps(facts, indent=1))
    return {
        "name": place.name,
        "number": number,
        "faults": list(faults),
        "line": outcome.line[:160],
        "status": outcome.status,
        "peak": outcome.peak,
        "longest": outcome.seconds,
    }
