"""Figures -> "for X take Y, because": no sentence here that the figures do not make."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .summary import Summary, notable
from .techniques import BASELINE

RUNTIME_NAMES = {"litert": "LiteRT", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
CLEAN = 1e-3
"""Up to this share of the energy, before training and after, no grid is to be seen."""
SLOW = 1.5
"""From this many times the baseline's time on, a technique is warned of."""


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
                "a decoder, if you know nothing else",
                (take.name,),
                f"of the {len(both)} whose edges are within the spread of the best and which make "
                f"no checkerboard, the fastest over all runtimes ({_overall(take):.2f} of "
                f"{BASELINE}'s time)",
            )
        )
    result.append(_edges(ours, best, good, margin))
    for runtime in dict.fromkeys(name for row in timed for name in row.speed):
        result.append(_fastest([row for row in timed if runtime in row.speed], runtime, margin))
    result.append(_no_checkerboard(clean, ours, good))
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
            f"{second.name}, the next; differences above {margin:.3f} exceed the spread over seeds"
        )
    else:
        rest = "all others" if len(others) == len(ours) - 1 else ", ".join(r.name for r in others)
        because = f"boundary IoU {value:.3f}; {rest} are within {margin:.3f}, the spread over seeds"
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


def _clean(rows: Sequence[Summary]) -> list[Summary]:
    """Those that make no grid to be seen, before training and after."""
    return [row for row in rows if max(row.energy_start, row.energy_trained) <= CLEAN]


def _no_checkerboard(clean: list[Summary], ours: list[Summary], good: list[Summary]) -> Advice:
    purpose = "outputs without a checkerboard, from the first step of training on"
    worst = max(ours, key=lambda row: row.energy_start)
    if not clean:
        least = min(ours, key=lambda row: row.energy_start + row.energy_trained)
        because = (
            f"{share(least.energy_start)} of the logits' energy before training and "
            f"{share(least.energy_trained)} after, the least; none is under {share(CLEAN)}"
        )
        return Advice(purpose, (least.name,), because)
    among = [row for row in clean if row in good and row.speed] or clean
    take = min(among, key=lambda row: (_overall(row), row.energy_start))
    others = [row.name for row in clean if row is not take]
    because = (
        f"{share(take.energy_start)} of the logits' energy before training and "
        f"{share(take.energy_trained)} after; {worst.name} has {share(worst.energy_start)} and "
        f"{share(worst.energy_trained)}"
    )
    if others:
        because += f"; {' and '.join(_series(others))} stay under {share(CLEAN)} too"
        if take.speed and take in good:
            because += ", and are slower or have worse edges"
    return Advice(purpose, (take.name,), because)


def _series(names: list[str]) -> list[str]:
    """`[a, b, c]` -> `["a, b", "c"]`, to be joined by "and"."""
    return names if len(names) < 2 else [", ".join(names[:-1]), names[-1]]


def in_short(rows: Sequence[Summary]) -> str:
    """How far the techniques differ at all, in two sentences."""
    ours = [row for row in rows if row.group == "technique"]
    margin = notable([row for row in rows if row.group != "fusion"], "boundary_iou")
    best = max(row.mean("boundary_iou") for row in ours)
    near = sum(best - row.mean("boundary_iou") <= margin for row in ours)
    grids = [row.energy_start for row in ours]
    factor = max(grids) / min(grids)
    text = (
        f"{near} of the {len(ours)} have edges as good as the best, within the spread over seeds. "
        f"The checkerboard before training differs by a factor of {factor:,.0f}"
    )
    times = {n: [row.speed[n][0] for row in ours if n in row.speed] for n in RUNTIME_NAMES}
    spans = [f"{max(t) / min(t):.1f} in {RUNTIME_NAMES[name]}" for name, t in times.items() if t]
    return text + (f", the latency by {', '.join(spans)}." if spans else ".")


def warnings(rows: Sequence[Summary]) -> list[str]:
    """Drawbacks of techniques, one sentence each."""
    judged = [row for row in rows if row.group != "fusion"]
    margin = notable(judged, "boundary_iou")
    ours = [row for row in judged if row.group == "technique"]
    best = max(row.mean("boundary_iou") for row in ours)
    found = []
    for row in judged:
        said = []
        behind = best - row.mean("boundary_iou")
        if behind > margin:
            said.append(f"its edges are {behind:.3f} of boundary IoU behind the best")
        slow = [RUNTIME_NAMES[n] for n, (low, _) in row.speed.items() if low >= SLOW]
        if slow:
            most = max(low for low, _ in row.speed.values())
            said.append(f"it takes up to {most:.1f} times {BASELINE}'s time ({', '.join(slow)})")
        if row.energy_start > 0.1:
            said.append(
                f"it starts as a checkerboard, {share(row.energy_start)} of the logits' energy "
                f"({share(row.energy_trained)} after training)"
            )
        if broken := [name for name, file in row.files.items() if "failure" in file]:
            said.append(f"there is no {', '.join(broken)} file of it")
        if said:
            found.append(f"`{row.name}`: {'; '.join(said)}.")
    return found


def _overall(row: Summary) -> float:
    """Geometric mean over runtimes of the time as a share of the baseline's; 1 if not timed."""
    if not row.speed:
        return 1.0
    return float(np.exp(np.mean([np.log(low) for low, _ in row.speed.values()])))


def share(value: float) -> str:
    """`0.45` -> `45%`, `3e-5` -> `0.003%`."""
    percent = 100 * value
    if percent >= 10:
        return f"{percent:.0f}%"
    digits = max(1 - int(np.floor(np.log10(max(percent, 1e-6)))), 0)
    return f"{percent:.{min(digits, 5)}f}%"
