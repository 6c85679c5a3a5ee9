"""Runs and measurements -> one summary a technique, and what differences mean something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .techniques import BASELINE, Technique

METRICS = ("mean_iou", "boundary_iou", "nucleus_iou")


@dataclass(frozen=True)
class Summary:
    """A technique's figures.

    Attributes:
        name, group: as the technique's.
        scores: metric -> its value by seed.
        energy_start, energy_trained: checkerboard energy, geometric mean over seeds.
        parameters, multiply_adds: of the network.
        training: processor time of a run as a share of the baseline's, mean over seeds.
        speed: runtime -> (by minimum, by median) time as a share of the baseline's.
        files: format -> what export found, or why there is no file.
    """

    name: str
    group: str
    scores: Mapping[str, Sequence[float]]
    energy_start: float
    energy_trained: float
    parameters: int = 0
    multiply_adds: int = 0
    training: float = 1.0
    speed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    files: Mapping[str, Any] = field(default_factory=dict)

    def mean(self, metric: str) -> float:
        """Over seeds."""
        return float(np.mean(self.scores[metric]))

    def half_range(self, metric: str) -> float:
        """Half of the way from the worst seed to the best."""
        return float(np.ptp(self.scores[metric]) / 2)


def summaries(rows: Sequence[Technique], content: Mapping[str, Any], key: str) -> list[Summary]:
    """One summary a row; seeds that some row lacks are left out, for all rows alike.

    Args:
        rows: the techniques.
        content: what the results file holds.
        key: of the budget.
    """
    runs: dict[str, dict[int, Any]] = {row.name: {} for row in rows}
    for place, record in content["runs"].items():
        name, _, seed = place.rpartition("/")
        if name in runs and record["budget"] == key:
            runs[name][int(seed)] = record
    seeds = sorted(set.intersection(*(set(found) for found in runs.values())))
    if not seeds:
        lacking = [name for name, found in runs.items() if not found]
        raise SystemExit(
            f"No run yet of {', '.join(lacking) or 'one seed in common'}. Run `python "
            "benchmarks/upsamplers.py train`."
        )
    first = runs.get(BASELINE) or runs[rows[0].name]
    base = max(float(np.mean([first[seed]["seconds"] for seed in seeds])), 1e-9)
    result = []
    for row in rows:
        chosen = [runs[row.name][seed] for seed in seeds]
        costs = content["costs"].get(row.name, {})
        result.append(
            Summary(
                row.name,
                row.group,
                {
                    "mean_iou": [r["mean_iou"] for r in chosen],
                    "boundary_iou": [r["boundary_iou"] for r in chosen],
                    "nucleus_iou": [r["iou"][-1] for r in chosen],
                },
                *(
                    float(np.exp(np.mean([np.log(max(r["energy"][when], 1e-12)) for r in chosen])))
                    for when in ("start", "trained")
                ),
                costs.get("parameters", 0),
                costs.get("multiply_adds", 0),
                float(np.mean([r["seconds"] for r in chosen]) / base),
                _ratios(row.name, content["latency"]),
                content["files"].get(row.name, {}),
            )
        )
    return result


def _ratios(name: str, latency: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    found = {}
    for runtime, figures in latency.get("runtimes", {}).items():
        times = figures["ms"]
        if name in times and BASELINE in times:
            low, median = (a / b for a, b in zip(times[name], times[BASELINE], strict=True))
            found[runtime] = (low, median)
    return found


def notable(rows: Sequence[Summary], metric: str) -> float:
    """The difference of two techniques' means above which it exceeds the spread over seeds.

        2 s sqrt(2/n),  s² = sum of r² / ((techniques − 1)(n − 1)),

    n seeds, r what remains of a score without its technique's mean and its seed's mean (all
    techniques see the same crops under the same seed): two standard errors of a difference. Of
    the many pairs of techniques, one in twenty differs as much by chance.

    Infinite with fewer than two seeds or techniques.
    """
    table = np.array([row.scores[metric] for row in rows])  # (techniques, seeds)
    if min(table.shape) < 2:
        return float("inf")
    rest = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    variance = (rest**2).sum() / ((table.shape[0] - 1) * (table.shape[1] - 1))
    return float(2 * np.sqrt(2 * variance / table.shape[1]))
