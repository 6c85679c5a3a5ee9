"""Seconds a call on a device that computes while Python goes on."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter

from _rounds import interleaved

AT_LEAST = 0.02  # seconds of calls in a row between two waits for the device
ROUNDS = 7
AT_MOST = 4.0  # seconds of all rounds, which are fewer then


def seconds_a_call(
    candidates: Mapping[str, Callable[[], object]], wait: Callable[[object], object]
) -> tuple[dict[str, tuple[float, float]], dict[str, str]]:
    """((minimum, median) by name, why the others failed by name).

    Every candidate is called many times in a row, then the device is waited for. What Python takes
    to start a call so counts only where it is longer than the call itself.

    Args:
        candidates: name -> a call.
        wait: given what a call returned, returns when the device has computed it.
    """
    runs, calls, failed, total = {}, {}, {}, 0.0
    for name, call in candidates.items():
        try:
            wait(call())  # compiles
            wait(call())
            start = perf_counter()
            wait(call())
            once = perf_counter() - start
        except Exception as error:  # a compiler's errors are of any kind; the others go on
            failed[name] = reason(error)
            continue
        calls[name] = min(200, max(1, math.ceil(AT_LEAST / once)))
        runs[name] = partial(_in_a_row, call, calls[name], wait)
        total += once * calls[name]
    if not runs:
        return {}, failed
    times = interleaved(runs, min(ROUNDS, max(1, int(AT_MOST / total))))
    return {n: (low / calls[n], mid / calls[n]) for n, (low, mid) in times.items()}, failed


def _in_a_row(call: Callable[[], object], times: int, wait: Callable[[object], object]) -> None:
    for _ in range(times):
        result = call()  # the one before is freed
    wait(result)


def reason(error: BaseException) -> str:
    """The kind of an error and the first lines of what it says: Keras puts its own in front."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {' '.join(lines[:3])[:400]}"
