"""LiteRT's GPU accelerator: what it takes of a file, and whether it computes it rightly."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArtefactError
from ..runtimes import load
from ..runtimes._gpu import Attempt
from ..targets import FLOAT32_ERROR, Device
from ._file import FileFacts, OperatorFacts
from ._gpu_rules import LITERT_GPU
from ._report import ACCELERATOR, CPU, CheckReport, Placement
from ._rules import known_to_be_wrong

_INTEGERS_SNR = 30.0  # dB: a GPU computes 8-bit files in float, a processor in integers
_SHARES = re.compile(r"\d+ operations? will run on the GPU[^\n]*")


def run_on_accelerator(path: Path, facts: FileFacts, device: Device) -> CheckReport:
    """Run a file with every operator on the GPU, and compare its answer with the processor's.

    The inputs are seeded noise in [0, 1]. The accelerator tells which kinds of operators it
    refuses, and why. Some operators it takes and computes wrongly, and returns success. So an error
    in the device's log is a problem of the file, and so is a difference above 5e-5 of an output's
    range (less than 30 dB where the file computes with integers).
    """
    runner: Any = load(path, runtime=device.name)
    feeds = _noise(runner)
    given: Mapping[str, np.ndarray] = {}
    try:
        given = runner(feeds)
    except ArtefactError as error:
        if runner.last is None:  # it was not even tried: open sizes
            places = tuple(_placed(op, {op.name: "its sizes are open"}) for op in facts.operators)
            return CheckReport(device.name, runner.runtime, places, (str(error),))
    done: Attempt = runner.last
    how = f"run by {runner.runtime}"
    places = tuple(_placed(op, dict(done.refusals)) for op in facts.operators)
    if done.refusals:
        return CheckReport(device.name, how, places, notes=tuple(_SHARES.findall(done.log)))
    suspects = tuple(dict.fromkeys(known_to_be_wrong(facts.operators, device.name)))
    if done.fault:
        problem = f"the device refused a part and the outputs are not valid: {done.fault}"
        return CheckReport(device.name, how, places, (problem, *suspects), wrong=True)
    if not given:
        return CheckReport(device.name, how, places, (f"it does not run: {done.reason}", *suspects))
    expected = load(path, runtime="litert_builtin", trust=True)(feeds)
    integers = any(t.kind in ("int8", "int16") for op in facts.operators for t in op.outputs)
    found = [_difference(name, given[name], expected[name], integers) for name in expected]
    problems = [text for text, wrong in found if wrong]
    notes = [f"beside the processor: {text}" for text, wrong in found if not wrong]
    if problems:
        problems += suspects
    return CheckReport(
        device.name, how, places, tuple(problems), tuple(notes), wrong=bool(problems)
    )


def _noise(runner: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    feeds = {}
    for info in runner.inputs:
        values = rng.random([size or 1 for size in info.shape], "float32")
        if info.dtype.kind in "iu":
            values = np.round(values * min(255, np.iinfo(info.dtype).max))
        feeds[info.name] = values.astype(info.dtype)
    return feeds


def _placed(operator: OperatorFacts, refused: Mapping[str, str]) -> Placement:
    if operator.name not in refused:
        return Placement(operator.name, operator.layer, ACCELERATOR)
    broken = next((rule for rule in LITERT_GPU if rule.finds(operator)), None)
    return Placement(
        operator.name,
        operator.layer,
        CPU,
        refused[operator.name] or "the accelerator gives no reason",
        broken.remedy if broken else "",
    )


def _difference(
    name: str, given: np.ndarray, expected: np.ndarray, integers: bool
) -> tuple[str, bool]:
    """A line on an output, and whether it is wrong."""
    if expected.dtype.kind not in "f" and not integers:
        share = float(np.mean(given == expected))
        return f"{name!r} has {share:.2%} equal elements", share < 0.999
    error = given.astype("float64") - expected
    if integers:
        noise = float(np.mean(error**2))
        snr = 10 * np.log10(float(np.var(expected)) / noise) if noise else np.inf
        return f"{name!r} has {snr:.1f} dB", not snr >= _INTEGERS_SNR
    share = float(np.abs(error).max() / (np.ptp(expected.astype("float64")) or 1.0))
    return f"{name!r} differs by {share:.1e} of its range", not share <= FLOAT32_ERROR
