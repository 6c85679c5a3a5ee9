"""Latency of a file: measured in its runtime, or estimated by a device's compiler."""

from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..targets import Target

_ROUNDS = 12


class Meter(Protocol):
    """What tells files of one target apart by their time."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """What times depend on, beside the target: versions, a processor."""

    def opened(self, path: Path) -> Any:
        """A file, ready to be timed.

        Raises:
            ArtefactError: the target does not run it.
        """

    def seconds(self, opened: Mapping[str, Any], limit: float) -> dict[str, float]:
        """Of one inference of each, spending `limit` seconds or little more."""


class Runtime:
    """Times calls in the target's runtime, the files in turn."""

    def __init__(self, target: "Target") -> None:
        from ..runtimes._runner import cpu_threads
        from ._tuning_cache import processor

        package = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}
        name = package.get(target.runtime, "tensorflow")
        runtime = f"{target.runtime}{version(name)}"
        self.conditions: tuple[str, ...] = (runtime, processor(), f"{cpu_threads()}threads")
        self._target = target

    def opened(self, path: Path) -> Callable[[], Any]:
        return call_on_noise(path, self._target)

    def seconds(self, opened: Mapping[str, Any], limit: float) -> dict[str, float]:
        return interleaved_minima(opened, limit)


class Vela:
    """Arm's compiler says how long an Ethos-U takes; what it leaves to the CPU takes for ever."""

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
    """What times files of this target here; None for a device that nothing here speaks for."""
    from ..targets import DEVICES

    if not target.device:
        return Runtime(target)
    device = DEVICES[target.device]
    if device.how == "vela" and find_spec("ethosu") is not None:
        return Vela(device.accelerator)
    return None


def why_unmeasured(target: "Target") -> str:
    """What is missing where there is no meter."""
    from ..targets import DEVICES

    if DEVICES[target.device].how == "vela":
        return "Vela, which estimates its times, is not installed: pip install ethos-u-vela"
    return f"nothing here can say how long {target.device} takes"


def call_on_noise(path: Path, target: "Target") -> Callable[[], Any]:
    """One call of a file in its target's runtime; open sizes take those that are tuned for."""
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
    """The least time of each over rounds in turn: 4 rounds, and up to 12 while `seconds` last."""
    for run in runs.values():
        run()
    least = dict.fromkeys(runs, float("inf"))
    end = perf_counter() + seconds
    for turn in range(_ROUNDS):
        if turn >= 4 and perf_counter() > end:
            break
        for form, run in runs.items():
            start = perf_counter()
            run()
            least[form] = min(least[form], perf_counter() - start)
    return least
