"""Figures -> "for X take Y, because": no sentence here that the figures do not make."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .summary import Summary, notable
from .techniques import BASELINE

RUNTIME_NAMES = {"litert": "LiteRT", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
CLEAN = 3.0
"""A technique counts as free of checkerboard up to this many times the least energy."""


@dataclass(frozen=True)
class Advice:
    """For `purpose` take `take`, because `because`."""

    purpose: str
    take: tuple[str, ...]
    because: str


def advice(rows: Sequence[Summary]) -> list[Advice]:
    """The recommendations, most general first.

    Args:
        rows: the techniques and the cautionary rows; fusions are judged elsewhere.
    """
    ours = [row for row in rows if row.group == "technique"]
    margin = notable([row for row in rows if row.group != "fusion"], "boundary_iou")
    best = max(ours, key=lambda row: row.mean("boundary_iou"))
    good = [r for r in ours if best.mean("boundary_iou") - r.mean("boundary_iou") <= margin]
    timed = [row for row in good if row.speed]
    clean = _clean(ours)
    result = []
    both = [row for row in timed if row in clean]
    if both:
        take = min(both, key=_overall)
        result.append(
            Advice(
                "a decoder of which you know nothing else",
                (take.name,),
                f"of the {len(both)} whose edges are within the spread of the best and which "
                f"leave no checkerboard, it is the fastest over all runtimes "
                f"({_overall(take):.2f} of {BASELINE}'s time)",
            )
        )
    result.append(_edges(ours, best, good, margin))
    for runtime in dict.fromkeys(name for row in timed for name in row.speed):
        result.append(_fastest([row for row in timed if runtime in row.speed], runtime, margin))
    result.append(_no_checkerboard(clean, ours))
    counted = [row for row in good if row.parameters]
    if counted:
        take = min(counted, key=lambda row: row.parameters)
        most = max(counted, key=lambda row: row.parameters)
        result.append(
            Advice(
                "the smallest file",
                (take.name,),
                f"{take.parameters:,} parameters ({most.name}: {most.parameters:,}), edges within "
                "the spread of the best",
            )
        )
    return result


def _edges(ours: list[Summary], best: Summary, good: list[Summary], margin: float) -> Advice:
    value, others = best.mean("boundary_iou"), [row for row in good if row is not best]
    if not np.isfinite(margin):
        because = f"boundary IoU {value:.3f}; one seed, so nothing is known of the spread"
    elif not others:
        second = max((r for r in ours if r is not best), key=lambda r: r.mean("boundary_iou"))
        because = (
            f"boundary IoU {value:.3f}, {value - second.mean('boundary_iou'):.3f} over "
            f"{second.name}, the next; from {margin:.3f} on it is more than the seeds' doing"
        )
    else:
        rest = "all others" if len(others) == len(ours) - 1 else ", ".join(r.name for r in others)
        because = (
            f"boundary IoU {value:.3f}; but {rest} are within {margin:.3f}, which is no more than "
            "the seeds' doing"
        )
    return Advice("the sharpest edges, whatever they cost", (best.name,), because)


def _fastest(rows: list[Summary], runtime: str, margin: float) -> Advice:
    take = min(rows, key=lambda row: row.speed[runtime][0])
    low, median = take.speed[runtime]
    slowest = max(rows, key=lambda row: row.speed[runtime][0])
    return Advice(
        f"speed in {RUNTIME_NAMES.get(runtime, runtime)}",
        (take.name,),
        f"{low:.2f} of {BASELINE}'s time (by medians {median:.2f}), fastest of the {len(rows)} "
        f"whose edges are within {margin:.3f} of the best; the slowest of these, {slowest.name}, "
        f"takes {slowest.speed[runtime][0]:.2f}",
    )


def _clean(rows: list[Summary]) -> list[Summary]:
    """Those whose pattern is near the least, before training and after."""
    least = {w: min(getattr(row, w) for row in rows) for w in ("energy_start", "energy_trained")}
    return [row for row in rows if all(getattr(row, when) <= CLEAN * least[when] for when in least)]


def _no_checkerboard(clean: list[Summary], ours: list[Summary]) -> Advice:
    worst = max(ours, key=lambda row: row.energy_trained)
    if not clean:
        first = min(ours, key=lambda row: row.energy_trained)
        because = (
            f"least energy after training, {share(first.energy_trained)}; none is clean both "
            "before and after"
        )
        return Advice("outputs without a checkerboard", (first.name,), because)
    start = max(row.energy_start for row in clean)
    trained = max(row.energy_trained for row in clean)
    return Advice(
        "outputs without a checkerboard",
        tuple(row.name for row in clean),
        f"at most {share(start)} of the logits' energy before training and {share(trained)} after; "
        f"{worst.name} has {share(worst.energy_start)} and {share(worst.energy_trained)}",
    )


def warnings(rows: Sequence[Summary]) -> list[str]:
    """What the figures speak against, one sentence each."""
    judged = [row for row in rows if row.group != "fusion"]
    margin = notable(judged, "boundary_iou")
    ours = [row for row in judged if row.group == "technique"]
    best = max(row.mean("boundary_iou") for row in ours)
    least = min(row.energy_trained for row in ours)
    found = []
    for row in judged:
        said = []
        behind = best - row.mean("boundary_iou")
        if behind > margin:
            said.append(f"its edges are {behind:.3f} of boundary IoU behind the best")
        slow = [RUNTIME_NAMES[n] for n, (low, _) in row.speed.items() if low >= 1.5]
        if slow:
            most = max(low for low, _ in row.speed.values())
            said.append(f"it takes up to {most:.1f} times {BASELINE}'s time ({', '.join(slow)})")
        if row.energy_trained > 10 * least and row.energy_trained > 1e-3:
            said.append(
                f"a checkerboard of {share(row.energy_trained)} of the logits' energy is left "
                "after training"
            )
        if broken := [name for name, file in row.files.items() if "failure" in file]:
            said.append(f"there is no {', '.join(broken)} file of it")
        if said:
            found.append(f"`{row.name}`: {'; '.join(said)}.")
    return found


def _overall(row: Summary) -> float:
    """Geometric mean over runtimes of the time as a share of the baseline's."""
    return float(np.exp(np.mean([np.log(low) for low, _ in row.speed.values()])))


def share(value: float) -> str:
    """`0.45` -> `45%`, `3e-5` -> `0.003%`."""
    percent = 100 * value
    if percent >= 10:
        return f"{percent:.0f}%"
    digits = max(1 - int(np.floor(np.log10(max(percent, 1e-6)))), 0)
    return f"{percent:.{min(digits, 5)}f}%"
