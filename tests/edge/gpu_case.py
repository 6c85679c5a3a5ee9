"""One operator in a GPU engine: a case with the outcome that was measured, and its run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_upsample.errors import ArtefactError
from keras_upsample.runtimes import load
from keras_upsample.targets import FLOAT32_ERROR

RIGHT = "right"
WRONG = "silently wrong"
FAULT = "wrong, the log shows a device error"
CRASH = "crashes"
REFUSED = "refused"

LITERT = "litert_gpu"
WEBGPU = "onnxruntime_webgpu"
ON_PROCESSOR = {LITERT: "litert_builtin", WEBGPU: "onnxruntime"}


@dataclass(frozen=True)
class Case:
    """A file of one operator, and what an engine makes of it.

    Attributes:
        operator: as the file names it.
        text: which case of it.
        build: makes the file.
        outcome: RIGHT, WRONG, FAULT, CRASH or REFUSED.
        words: of the engine's refusal.
        instead: the form that the engine computes rightly.
        upstream: an issue of the engine's repository that describes it.
        constant: shape of the constant that the case is about.
        left: operators that ONNX Runtime leaves to the processor.
        quick: whether it is tested in every run.
    """

    operator: str
    text: str
    build: Callable[[], bytes]
    outcome: str = RIGHT
    words: str = ""
    instead: str = ""
    upstream: str = ""
    constant: tuple[int, ...] | None = None
    left: tuple[str, ...] = ()
    quick: bool = False

    @property
    def name(self) -> str:
        """Unique among an engine's."""
        return f"{self.operator}, {self.text}"


@dataclass(frozen=True)
class Found:
    """What came of a case.

    Attributes:
        error: largest difference from the processor's answer, as a share of its range; None
            without an answer.
        words: why there is no answer, or what the device's log says.
        left: operator -> how many ran on the processor.
        engine: its name, version and device.
    """

    outcome: str
    error: float | None
    words: str
    left: Mapping[str, int]
    engine: str


def run(case: Case, engine: str, folder: Path) -> Found:
    """Run a case's file in an engine and on the processor, on seeded numbers."""
    path = folder / ("case.tflite" if engine == LITERT else "case.onnx")
    path.write_bytes(case.build())
    runner: Any = load(path, runtime=engine, trust=True)
    feeds = _feeds(runner)
    given, words = None, ""
    try:
        given = runner(feeds)
    except ArtefactError as error:
        words = str(error).partition("does not run in ")[2].partition(": ")[2] or str(error)
    last = getattr(runner, "last", None)
    fault = last.fault if last is not None else ""
    if fault:
        given, words = last.outputs, fault
    error = _error(given, load(path, runtime=ON_PROCESSOR[engine], trust=True)(feeds))
    return Found(
        _outcome(error, words, bool(fault)),
        error,
        words,
        getattr(runner, "left", {}),
        runner.runtime,
    )


def _feeds(runner: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    feeds = {}
    for info in runner.inputs:
        values = rng.random(info.shape, "float32")
        ranges = {"f": 2 * values - 1, "i": np.round(values * 255), "b": values > 0.5}
        feeds[info.name] = ranges[info.dtype.kind].astype(info.dtype)
    return feeds


def _error(given: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> float | None:
    if given is None:
        return None
    shares = []
    for name, values in expected.items():
        right = values.astype("float64")
        difference = np.abs(given[name].astype("float64") - right).max()
        shares.append(float(difference / (np.ptp(right) or 1)))
    return max(shares)


def _outcome(error: float | None, words: str, fault: bool) -> str:
    if fault:
        return FAULT
    if error is None:
        return CRASH if "ended with SIG" in words else REFUSED
    return RIGHT if error <= FLOAT32_ERROR else WRONG
