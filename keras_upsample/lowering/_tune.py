"""Tuning: choose forms by measured latency."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from math import prod
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..files._scratch import scratch
from ..program._applied import KEEP
from ..program._graph import Graph
from ..program._program import Program
from ._block_files import write_block
from ._block_key import key_of
from ._meters import Meter
from ._rewrite import Rewrite
from ._rewriting import rehearse
from ._tuning_cache import TuningCache

if TYPE_CHECKING:
    from ..targets import Target
    from ._profile import Profile
    from ._rewriting import Choose

MIN_GAIN = 1.03
"""A form must be so much faster than what stands there: below, noise decides."""
_SECONDS = 1.0  # for the rounds of one block


SECONDS = 600.0
"""What measuring one model may take where nothing else is asked for."""


def tuning_seconds(tune: bool | float) -> float:
    """The seconds that an argument `tune` allows: 0 for False.

    Raises:
        ValueError: it is neither a bool nor a positive number.
    """
    if isinstance(tune, bool):
        return SECONDS if tune else 0.0
    if not isinstance(tune, int | float) or not tune > 0:
        raise ValueError(
            "`tune` must be True, False, or the seconds that measuring may take. "
            f"Received: {tune!r}."
        )
    return float(tune)


def decided(times: Mapping[str, float]) -> tuple[str, float | None] | None:
    """The form to take of a block, and the gain of the fastest form over the block as it stands.

    Args:
        times: form -> seconds; infinite for a form that does not run.

    Returns:
        None if no form runs. The gain is None if the block does not run as it stands.
    """
    before = times[KEEP]
    fastest = min(times, key=lambda form: times[form])
    if times[fastest] == float("inf"):
        return None
    gain = before / times[fastest]
    return (fastest if gain >= MIN_GAIN else KEEP), (None if before == float("inf") else gain)


class Tuner:
    """Times the forms of every block once, in interleaved rounds, and stores the times.

    Args:
        target: target that the blocks are converted for.
        meter: measures files of this target.
        seconds: limit of the time for measuring. After it, blocks that are not in the cache get
            the form that `otherwise` chooses.
        otherwise: chooses where nothing was measured.
        profile: of this machine; blocks that it is sure of are not measured, nor forms that it
            does not expect to be the fastest.
        progress: called with the description of each block before it is measured.
    """

    def __init__(
        self,
        target: "Target",
        meter: Meter,
        seconds: float,
        otherwise: "Choose",
        profile: "Profile | None" = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        self._target, self._meter = target, meter
        self.cache = TuningCache(target, meter.conditions)
        self._end = perf_counter() + seconds
        self._progress = progress
        self._otherwise = otherwise
        self._profile = profile

    def __call__(self, proposal: Rewrite, graph: Graph) -> tuple[str, float | None]:
        if proposal.certain is not None:
            return proposal.certain, None
        sizes = [size for tensor in proposal.inputs for size in tensor.shape[1:]]
        if None in sizes:
            return self._otherwise(proposal, graph)
        key = key_of(proposal, self._target)
        times = self.cache.get(key)
        if times is None:
            if self._profile is not None and self._profile.sure(proposal):
                return self._otherwise(proposal, graph)
            if perf_counter() > self._end:
                return self._otherwise(proposal, graph)
            if self._progress is not None:
                self._progress(str(proposal.block))
            times = self._measure(proposal, graph)
            self.cache.put(key, times)
        return decided(times) or self._otherwise(proposal, graph)

    def longest_first(self, program: Program) -> None:
        """Measure a program's blocks as they stand, those of the most pixels and channels first.

        So a limit of time that ends before all were measured leaves out what counts least.
        """
        found: list[tuple[Rewrite, Graph]] = []

        def keep(proposal: Rewrite, graph: Graph) -> tuple[str, None]:
            found.append((proposal, graph))
            return KEEP, None

        rehearse(program, self._target, keep)
        for proposal, graph in sorted(found, key=_work, reverse=True):
            # What can't be measured fails again when it is asked for, and is reported then.
            with suppress(Exception):
                self(proposal, graph)

    def _measure(self, proposal: Rewrite, graph: Graph) -> Mapping[str, float]:
        """Seconds by form, the minimum over interleaved rounds; a form that fails is left out."""
        with scratch() as folder:
            opened: dict[str, Any] = {}
            forms = list(proposal.forms)
            if self._profile is not None:
                forms = self._profile.hopeful(proposal)
            for number, form in enumerate((KEEP, *forms)):
                path = folder / f"form{number}{self._target.suffix}"
                try:
                    write_block(proposal, graph, form, self._target, path)
                    opened[form] = self._meter.opened(path)
                except Exception:  # a form that this runtime can't have
                    if form == KEEP:
                        raise
            return self._meter.seconds(opened, _SECONDS)


def _work(found: tuple[Rewrite, Graph]) -> int:
    """In proportion to multiply-adds, for blocks of one kind."""
    return prod(found[0].block.sizes)
