"""Choosing forms by measurement, in the runtime that the artefact is for."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ._blocks import block_model
from ._graph import Graph
from ._rewrite import KEEP, Rewrite
from ._tuning_cache import TuningCache

if TYPE_CHECKING:
    from ..export.targets import Target

MIN_GAIN = 1.03
"""A form must be so much faster than what stands there: below, noise decides."""
_ROUNDS = 12
_SECONDS = 1.0  # for the rounds of one block


SECONDS = 600.0
"""What measuring one model may take where nothing else is asked for."""


def tuning_seconds(tune: bool | float) -> float:
    """What an argument `tune` allows: 0 for False.

    Raises:
        ValueError: neither a truth value nor a positive number.
    """
    if isinstance(tune, bool):
        return SECONDS if tune else 0.0
    if not isinstance(tune, int | float) or not tune > 0:
        raise ValueError(
            "`tune` must be True, False, or the seconds that measuring may take. "
            f"Received: {tune!r}."
        )
    return float(tune)


class Tuner:
    """Times the forms of every block once, interleaved, and remembers the times.

    Args:
        target: says how a block is converted and where it runs.
        seconds: what may be spent on measuring; afterwards blocks that are not in the cache get
            the form of the target's table.
        progress: called with the words of each block before it is measured.
    """

    def __init__(
        self, target: "Target", seconds: float, progress: Callable[[str], None] | None = None
    ) -> None:
        from ._choose import by_table

        self._target = target
        self._cache = TuningCache(target)
        self._end = perf_counter() + seconds
        self._progress = progress
        self._otherwise = by_table(target)

    def __call__(self, proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        if proposal.always and len(proposal.forms) == 1:
            return next(iter(proposal.forms)), None
        sizes = [size for tensor in proposal.inputs for size in tensor.shape[1:]]
        if None in sizes:
            return self._otherwise(proposal, graph)
        key = _key(proposal, self._target)
        times = self._cache.get(key)
        if times is None:
            if perf_counter() > self._end:
                return self._otherwise(proposal, graph)
            if self._progress is not None:
                self._progress(proposal.block)
            times = self._measure(proposal, graph)
            self._cache.put(key, times)
        before = times[KEEP]
        fastest = min(times, key=lambda form: times[form])
        if fastest == KEEP or before / times[fastest] < MIN_GAIN:
            return KEEP, before / times[fastest]
        return fastest, before / times[fastest]

    def _measure(self, proposal: Rewrite, graph: Graph) -> Mapping[str, float]:
        """Seconds by form, the least of interleaved rounds; a form that fails is left out."""
        with tempfile.TemporaryDirectory() as folder:
            runs: dict[str, Callable[[], Any]] = {}
            for number, form in enumerate((KEEP, *proposal.forms)):
                path = Path(folder) / f"form{number}{self._target.suffix}"
                try:
                    model = block_model(proposal, graph, form, pooled=self._target.own_layout)
                    runs[form] = self._run_of(model, path)
                except Exception:  # a form that this runtime can't have
                    if form == KEEP:
                        raise
            return interleaved_minima(runs, _SECONDS)

    def _run_of(self, model: Any, path: Path) -> Callable[[], Any]:
        from ..export._artefact import Options, convert
        from ..export._signature import signature_of

        # Inside a graph the tensors lie as the runtime likes them.
        layout = "nchw" if self._target.format == "onnx" else "nhwc"
        options = Options(layout=layout)
        convert(model, signature_of(model).fixed(), path, self._target, options)
        return call_on_noise(path, self._target)


def call_on_noise(path: Path, target: "Target") -> Callable[[], Any]:
    """One call of a file in its target's runtime; open sizes take those that are tuned for."""
    import numpy as np

    from ..export._input_shape import DEFAULT_SIZE
    from ..runtimes import load

    runner = load(path, runtime=target.runtime)
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


def _key(proposal: Rewrite, target: "Target") -> str:
    shapes = ["x".join(str(n or 1) for n in tensor.shape) for tensor in proposal.inputs]
    parts = [proposal.rule, proposal.block, " ".join(shapes), ", ".join(proposal.forms)]
    return " | ".join(parts + ["between pools"] * target.own_layout)
