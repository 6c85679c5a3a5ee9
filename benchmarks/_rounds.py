"""Interleaved timing: every candidate once a round, so that a noisy moment hits all alike."""

from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np


def interleaved(
    candidates: Mapping[str, Callable[[], object]], rounds: int = 25
) -> dict[str, tuple[float, float]]:
    """(minimum, median) seconds by name, after one warm-up call each."""
    for run in candidates.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, run in candidates.items():
            start = perf_counter()
            run()
            times[name].append(perf_counter() - start)
    return {name: (min(values), float(np.median(values))) for name, values in times.items()}
