"""Latency of a file: measured in its runtime, or estimated by a device's compiler."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..targets import Target

_ROUNDS, _LEAST_ROUNDS, _QUIET_ROUNDS = 12, 4, 3
_LOST = 1.5
"""So many times the fastest form's time: more than a busy machine adds to the least of 4."""


class Meter(Protocol):
    """Measures or estimates the latency of a target's files."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """Facts that times depend on besides the target: versions, a processor."""

    def opened(self, path: Path) -> Any:
        """A file, ready to be timed.

        Raises:
            ArtefactError: the target does not run it.
        """

    def seconds(self, opened: Mapping[str, Any], limit: float) -> dict[str, float]:
        """Seconds of one inference of each file, measured for about `limit` seconds."""


class Runtime:
    """Times calls in the target's runtime, alternating between the files."""

    def __init__(self, target: "Target") -> None:
        from ..runtimes._runner import cpu_threads
        from ._tuning_cache import processor

        package = {"litert": "ai-edge-litert"}
        name = package.get(target.runtime, target.runtime)
        runtime = f"{target.runtime}{version(name)}"
        self.conditions: tuple[str, ...] = (runtime, processor(), f"{cpu_threads()}threads")
        self._target = target

    def opened(self, path: Path) -> Callable[[], Any]:
        return call_on_noise(path, self._target)

    def seconds(self, opened: Mapping[str, Any], limit: float) -> dict[str, float]:
        return interleaved_minima(opened, limit)


class Vela:
    """Estimates by Vela, Arm's compiler; infinite if an operator stays on the CPU."""

    def __init__(self, accelerator: str) -> None:
        self.conditions: tuple[str, ...] = (f"vela{version('ethos-u-vela')}",)
        self._accelerator = accelerator

    def opened(self, path: Path) -> float:
        from ..edge._vela import compile_file

        compiled = compile_file(path, self._accelerator)
        return float("inf") if compiled.left else compiled.milliseconds / 1e3

    def seconds(self, opened: Mapping[str, Any], limit: float) -> dict[str, float]:
        return dict(opened)


def meter_of(target: "Target") -> Meter | None:
    """The meter for this target; None for a device whose latency can't be found here."""
    from ..targets import DEVICES

    if not target.device:
        return Runtime(target)
    device = DEVICES[target.device]
    if device.how == "vela" and find_spec("ethosu") is not None:
        return Vela(device.accelerator)
    return None


def why_unmeasured(target: "Target") -> str:
    """Why there is no meter."""
    from ..targets import DEVICES

    if DEVICES[target.device].how == "vela":
        return "Vela, which estimates its times, is not installed: pip install ethos-u-vela"
    return f"nothing here can say how long {target.device} takes"


def call_on_noise(path: Path, target: "Target") -> Callable[[], Any]:
    """One call of a file in its target's runtime; open sizes get the sizes of tuning."""
    import numpy as np

    from ..program._input_shape import DEFAULT_SIZE
    from ..runtimes import load

    runner = load(path, runtime=target.runtime, trust=True)
    rng = np.random.default_rng(0)
    feeds = {}
    for info in runner.inputs:
        shape = tuple(n or (DEFAULT_SIZE if axis else 1) for axis, n in enumerate(info.shape))
        feeds[info.name] = rng.random(shape, "float32").astype(info.dtype)
    return lambda: runner(feeds)


def interleaved_minima(runs: Mapping[str, Callable[[], Any]], seconds: float) -> dict[str, float]:
    """The lowest time of each over interleaved rounds: 4, and up to 12 within `seconds`.

    After 4 rounds, what takes more than 1.5 times the fastest has lost, and is not run again.
    Rounds end when only one is left, or when 3 of them lowered no time by 1%.
    """
    for run in runs.values():
        run()
    least = dict.fromkeys(runs, float("inf"))
    left, quiet = list(runs), 0
    end = perf_counter() + seconds
    for turn in range(_ROUNDS):
        if turn >= _LEAST_ROUNDS:
            left = [form for form in left if least[form] <= _LOST * min(least.values())]
            if len(left) == 1 or quiet >= _QUIET_ROUNDS or perf_counter() > end:
                break
        before = dict(least)
        for form in left:
            start = perf_counter()
            runs[form]()
            least[form] = min(least[form], perf_counter() - start)
        lowered = any(least[form] < 0.99 * before[form] for form in left)
        quiet = 0 if lowered else quiet + 1
    return least
