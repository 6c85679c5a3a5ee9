"""Timings of a bundle's files on a device: the text that the bundle's `run.sh` writes.

keras-upsample timings 1
device: google Pixel 8
command: benchmark_model --num_threads=1 ...
== bundle
{the content of bundle.json}
== run block01_nearest_as_it_is.tflite
... what benchmark_model prints ...
== status 0
== run ...
== end
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..program._applied import KEEP
from ..program._graph import Graph
from ._block_key import key_of
from ._rewrite import Rewrite
from ._tune import decided

if TYPE_CHECKING:
    from ..targets import Target
    from ._rewriting import Choose

TIMINGS = "timings.txt"
KIND = "keras-upsample tuning bundle"
VERSION = 1
"""Of `bundle.json` and `timings.txt`. A form that is built otherwise under its old name raises it,
because its times are those of another file then."""

_FIRST = re.compile(r"keras-upsample timings (\d+)")
# The times of the runs, in microseconds, and the summary after them, as benchmark_model's
# `BenchmarkModel::Run` and `OnBenchmarkEnd` print them. Equal times are printed as `curr` alone.
_COUNT = re.compile(r"\bcount=(\d+) .*?\b(?:min|curr)=([\d.e+]+)")
_LEAST = re.compile(r"\bmin=([\d.e+]+)")
_SUMMARY = "Inference timings in us: "


class TimingsError(ValueError):
    """Timings that can't be read, or that are of another model."""


@dataclass(frozen=True)
class Timings:
    """Seconds of blocks on a device.

    Attributes:
        path: path of the timings.
        device: name of the device.
        command: what measured them.
        model: name of the model that the bundle was made of.
        target: name of the target.
        blocks: key of the block -> form -> seconds, the least of all runs; infinite for a form
            that did not run.
    """

    path: Path
    device: str
    command: str
    model: str
    target: str
    blocks: Mapping[str, Mapping[str, float]]

    def check_blocks(self, own: Mapping[str, str]) -> None:
        """Refuse a model whose blocks were not timed.

        Args:
            own: key -> description of each block of the model that has several forms.

        Raises:
            TimingsError: it names the first block without times.
        """
        missing = [what for key, what in own.items() if key not in self.blocks]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise TimingsError(
                f"The timings {str(self.path)!r} are of {self.model!r} and don't have the block "
                f"{missing[0]!r}{more}: of another model, or of other sizes or another head. "
                f"Make a bundle of this model, with the options of the export."
            )
        if not own:
            raise TimingsError(
                f"The timings {str(self.path)!r} decide nothing: this model has no block with "
                "several forms. Leave `timings` out."
            )


class Timed:
    """Chooses the forms that were fastest on a device.

    Args:
        timings: the times.
        target: target of the file.
        otherwise: chooses where no form runs, and for blocks that arise only from a combination of
            forms that no bundle has.

    Attributes:
        decided: number of blocks that the times decided.
        others: number of those that they did not.
    """

    def __init__(self, timings: Timings, target: "Target", otherwise: "Choose") -> None:
        self._timings, self._target, self._otherwise = timings, target, otherwise
        self.decided = self.others = 0

    @property
    def summary(self) -> str:
        """What the times decided, in words."""
        others = f"; {self.others} not timed" if self.others else ""
        return f"{self.decided} blocks by {self._timings.command}{others}"

    def __call__(self, proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        if proposal.certain is not None:
            return proposal.certain, None
        choice = decided(self._timings.blocks.get(key_of(proposal, self._target), {KEEP: math.inf}))
        if choice is None:
            self.others += 1
            return self._otherwise(proposal, graph)
        self.decided += 1
        return choice


def timings_for(
    target: "Target", path: str | Path | None, *, tune: bool | float = False
) -> Timings | None:
    """The timings to lower by; None if there is no path.

    Raises:
        TimingsError: they can't be used, or are of another target.
        ValueError: `tune` is given too.
    """
    if path is None:
        return None
    if tune:
        raise ValueError("`tune` measures here, `timings` were measured elsewhere: give one.")
    timings = read_timings(path)
    if timings.target != target.name:
        raise TimingsError(
            f"The timings {str(timings.path)!r} are of the target {timings.target!r}, not of "
            f"{target.name!r}."
        )
    return timings


def read_timings(path: str | Path) -> Timings:
    """The timings in a file, or in the folder of a bundle.

    Raises:
        TimingsError: there are none, or they are not whole.
    """
    path = Path(path)
    if path.is_dir():
        path = path / TIMINGS
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise TimingsError(
            f"The timings {str(path)!r} can't be read: {error.strerror}. A bundle's run.sh writes "
            f"{TIMINGS}; `keras-upsample tune` makes the bundle."
        ) from None

    def refuse(why: str) -> TimingsError:
        return TimingsError(f"The timings {str(path)!r} can't be used: {why}")

    first = _FIRST.fullmatch(lines[0].strip()) if lines else None
    if first is None:
        raise refuse("a bundle's run.sh did not write them.")
    if int(first[1]) != VERSION:
        raise refuse(
            f"they have version {first[1]}, and this keras-upsample reads version {VERSION}. Make "
            "the bundle again."
        )
    if lines[-1].strip() != "== end":
        raise refuse("their end is missing. Run run.sh again, to its end.")
    head, bundle, runs = _sections(lines[1:-1], refuse)
    names = _files_of(bundle, refuse)
    seconds = _seconds(runs, refuse)
    for name in seconds:
        if name not in names:
            raise refuse(f"they name {name!r}, which the bundle does not have.")
    for name in names:
        if name not in seconds:
            raise refuse(f"{name!r} was not run. Run run.sh again.")
    if all(map(math.isinf, seconds.values())):
        raise refuse(f"none of the files ran on the device: {_last_words(runs)}")
    return Timings(
        path,
        head.get("device") or "an unnamed device",
        head.get("command") or "benchmark_model",
        str(bundle["model"]),
        str(bundle["target"]),
        {
            key: {form: seconds[name] for form, name in forms.items()}
            for key, forms in bundle["blocks"].items()
        },
    )


_Refuse = Callable[[str], TimingsError]
_Runs = list[tuple[str, list[str]]]


def _sections(lines: list[str], refuse: _Refuse) -> tuple[dict[str, str], dict[str, Any], _Runs]:
    """The lines before the bundle, the bundle, and file name -> lines of each run."""
    head: dict[str, str] = {}
    text: list[str] = []
    runs: _Runs = []
    at = head_lines = []  # type: list[str]
    for line in lines:
        if line.strip() == "== bundle":
            at = text
        elif line.startswith("== run "):
            at = []
            runs.append((line.removeprefix("== run ").strip(), at))
        else:
            at.append(line.rstrip())
    for line in head_lines:
        name, _, value = line.partition(": ")
        head[name] = value.strip()
    try:
        bundle = json.loads("\n".join(text))
    except ValueError:
        raise refuse("the bundle's description in them is damaged.") from None
    return head, bundle, runs


def _files_of(bundle: Any, refuse: _Refuse) -> set[str]:
    """The names of the files in a bundle's description."""
    try:
        if bundle["kind"] != KIND or bundle["version"] != VERSION:
            raise refuse("the bundle is of another version of keras-upsample. Make it again.")
        blocks = bundle["blocks"]
        names = {name for forms in blocks.values() for name in forms.values()}
        whole = bool(names) and all(isinstance(name, str) for name in names)
        whole = whole and all(KEEP in forms for forms in blocks.values())
        if whole and bundle["model"] and bundle["target"]:
            return names
    except (KeyError, TypeError, AttributeError):
        pass
    raise refuse("the bundle's description in them is damaged.")


def _seconds(runs: _Runs, refuse: _Refuse) -> dict[str, float]:
    """File name -> the least time of its runs; infinite where every run failed."""
    least: dict[str, float] = {}
    for name, lines in runs:
        status = lines[-1] if lines else ""
        if not status.startswith("== status "):
            raise refuse(f"a run of {name!r} has no end. Run run.sh again.")
        seconds = math.inf
        if status == "== status 0":
            found = _microseconds(lines)
            if found is None:
                raise refuse(
                    f"a run of {name!r} has no time. They must hold what LiteRT's benchmark_model "
                    f"prints: 'count=... min=...' and '{_SUMMARY}...'."
                )
            seconds = found / 1e6
        least[name] = min(seconds, least.get(name, math.inf))
    return least


def _microseconds(lines: list[str]) -> float | None:
    """The least time of one run of benchmark_model; its warm-up is printed before and not used."""
    ends = [number for number, line in enumerate(lines) if _SUMMARY in line]
    counts = [line for line in lines[: ends[-1]] if _COUNT.search(line)] if ends else []
    if len(counts) < 2:  # of the warm-up, and of the runs
        return None
    found = _LEAST.search(counts[-1])
    text = found[1] if found else _COUNT.search(counts[-1])[2]  # type: ignore[index]
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value > 0 else None


def _last_words(runs: _Runs) -> str:
    words = [line.strip() for line in runs[-1][1][:-1] if line.strip()]
    return words[-1] if words else f"{runs[-1][1][-1].removeprefix('== ')}."
