"""Profiles: the form that was fastest for blocks of like sizes, without a measurement here.

A profile holds what blocks took in each of their forms, in one runtime on one kind of processor
with one number of threads. `benchmarks/block_profiles.py` measures it; some are in the package.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..program._applied import KEEP
from ._block_key import parts_of_key
from ._rewrite import Rewrite
from ._tune import MIN_GAIN

if TYPE_CHECKING:
    from ..program._graph import Graph
    from ._rewriting import Choose

FOLDER = Path(__file__).with_name("profiles")

# Chosen by leaving each block of the shipped profiles out and predicting it from the others
# (`python benchmarks/block_profiles.py judge`).
FARTHEST = 1.5
"""Largest distance of a block that says something about another, in octaves of its sizes."""
_NEAREST = 6
_BLUR = 0.1  # octaves: blocks that are nearer than this count alike
_DOUBT = 0.03  # natural logarithm of a gain, for each octave to the nearest block
_LEAST_GAIN = math.log(MIN_GAIN)


@dataclass(frozen=True)
class Estimate:
    """The natural logarithm of a form's gain over the block as it stands, and its uncertainty."""

    gain: float
    doubt: float


@dataclass(frozen=True)
class Profile:
    """Times of blocks.

    Attributes:
        name: of the file, without its suffix.
        target: name of the export target.
        runtime: the runtime and its version, for the report.
        instructions: of the processor, by which the runtime chooses its kernels.
        threads: that the runtime used.
        date: of the measurement.
        gains: (rule, kind of block) -> (logarithms of sizes, form -> logarithm of its gain).
    """

    name: str
    target: str
    runtime: str
    instructions: tuple[str, ...]
    threads: int
    date: str
    gains: Mapping[tuple[str, str], list[tuple[tuple[float, ...], Mapping[str, float]]]] = field(
        repr=False
    )

    def __str__(self) -> str:
        kind = ", ".join(self.instructions) or "any instructions"
        return f"{self.name} ({self.runtime}, {kind}, {self.threads} threads, {self.date})"

    def estimates(self, proposal: Rewrite) -> dict[str, Estimate]:
        """What each form gains, for those that blocks of like sizes were measured in.

            g = Σ wᵢ gᵢ / Σ wᵢ,   wᵢ = 1 / (dᵢ² + ε²),

        over the nearest blocks of the same kind, dᵢ the distance of their sizes' logarithms to the
        base 2. The uncertainty is the weighted deviation of gᵢ, and a part for each octave to the
        nearest.
        """
        if 0 in proposal.block.sizes:
            return {}
        place = _logarithms(proposal.block.sizes)
        known = self.gains.get((proposal.rule, proposal.block.kind), [])
        near = sorted(((math.dist(place, there), gains) for there, gains in known), key=_first)
        found = {}
        for form in proposal.forms:
            # As it was measured in all forms, or not at all: a block without one says nothing.
            rows = [(d, gains[form]) for d, gains in near if form in gains and d <= FARTHEST]
            if rows:
                found[form] = _weighted(rows[:_NEAREST])
        return found

    def decided(self, proposal: Rewrite) -> tuple[str, Estimate] | None:
        """The fastest form by `estimates`, or None where the profile does not know."""
        return _decision(self.estimates(proposal), proposal)

    def hopeful(self, proposal: Rewrite) -> list[str]:
        """The forms that may be the fastest, and those that the profile does not know."""
        found = self.estimates(proposal)
        best = max((0.0, *(each.gain - each.doubt for each in found.values())))
        return [
            form
            for form in proposal.forms
            if form not in found or found[form].gain + found[form].doubt >= best
        ]

    def sure(self, proposal: Rewrite) -> bool:
        """Whether another choice than `decided` would hardly be faster."""
        found = self.estimates(proposal)
        decision = _decision(found, proposal)
        if decision is None:
            return False
        form, taken = decision
        hope = max(0.0, *(each.gain + each.doubt for each in found.values()))
        return (form != KEEP and hope - taken.gain < 2 * _LEAST_GAIN) or hope < _LEAST_GAIN


def _decision(found: Mapping[str, Estimate], proposal: Rewrite) -> tuple[str, Estimate] | None:
    if found.keys() != proposal.forms.keys():
        return None
    best = max(found, key=lambda form: found[form].gain)
    stands = Estimate(0.0, found[best].doubt)
    return (best, found[best]) if found[best].gain >= _LEAST_GAIN else (KEEP, stands)


def by_profile(profile: Profile, otherwise: "Choose") -> "Choose":
    """The forms that the profile expects to be fastest; others' where it does not know."""

    def choose(proposal: Rewrite, graph: "Graph") -> tuple[str, float | None]:
        if proposal.certain is not None:
            return proposal.certain, None
        decision = profile.decided(proposal)
        return otherwise(proposal, graph) if decision is None else (decision[0], None)

    return choose


def read_profile(path: Path) -> Profile:
    """A profile from its file.

    Raises:
        ValueError: the file holds no profile.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return profile_of(path.stem, content["about"], content["blocks"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{str(path)!r} is no profile: {type(error).__name__}: {error}. `python "
            "benchmarks/block_profiles.py` writes them."
        ) from None


def profile_of(
    name: str, about: Mapping[str, Any], blocks: Mapping[str, Mapping[str, float]]
) -> Profile:
    """A profile from the content of its file."""
    return Profile(
        name,
        str(about["target"]),
        str(about["runtime"]),
        tuple(map(str, about["instructions"])),
        int(about["threads"]),
        str(about["date"]),
        _gains(blocks),
    )


@lru_cache
def shipped() -> Mapping[str, Profile]:
    """The profiles of the package by their names."""
    return {path.stem: read_profile(path) for path in sorted(FOLDER.glob("*.json"))}


def _gains(blocks: Mapping[str, Mapping[str, float]]) -> Any:
    found = defaultdict(list)
    for key, times in blocks.items():
        rule, kind, sizes = parts_of_key(key)
        stands = float(times[KEEP])
        if 0 in sizes or not math.isfinite(stands):
            continue
        gains = {f: math.log(stands / t) for f, t in _finite(times) if f != KEEP}
        found[rule, kind].append((_logarithms(sizes), gains))
    return dict(found)


def _finite(times: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    return ((form, float(t)) for form, t in times.items() if math.isfinite(float(t)))


def _logarithms(sizes: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(math.log2(size) for size in sizes)


def _first(row: tuple[float, Any]) -> float:
    return row[0]


def _weighted(rows: list[tuple[float, float]]) -> Estimate:
    weights = [1 / (distance**2 + _BLUR**2) for distance, _ in rows]
    whole = sum(weights)
    mean = sum(w * gain for w, (_, gain) in zip(weights, rows, strict=True)) / whole
    variance = sum(w * (g - mean) ** 2 for w, (_, g) in zip(weights, rows, strict=True)) / whole
    return Estimate(mean, math.sqrt(variance) + _DOUBT * rows[0][0])
