"""The value ranges that a model was shown during calibration and verification."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..program._input_shape import InputSpec

Range = tuple[float, float]

# Where values come from, in words.
GIVEN = "examples of `representative_data`"
IMAGES = "examples of `images`"
PHOTOGRAPHS = "photographs of this package"
RANDOM = "arrays of random numbers"

FAR = 16.0
"""By this factor values of the wrong scale differ from those that a network takes: 255 for 1."""
_SHARE = 0.5
"""Images that cover less of an input's range are seldom typical of it: those in [0, 1] for a
network that takes colours less a mean, by a deviation, cover a fifth."""
_BEYOND = 0.05
"""Of the width of an input's range: what rounding and resampling explain."""


@dataclass(frozen=True)
class Shown:
    """The values of one input.

    Attributes:
        purpose: `"calibration"` or `"verification"`.
        input: its name.
        source: where they come from, in words.
        count: of examples.
        value_range: least and largest value.
        declared: least and largest value that the input is made for, by the model's metadata or
            graph; None where nothing says so.
        share: of that range that the values cover; None where that is not known.
    """

    purpose: str
    input: str
    source: str
    count: int
    value_range: Range
    declared: Range | None = None
    share: float | None = None

    @property
    def warning(self) -> str:
        """One line where the values do not suit what the input is made for; else empty."""
        if self.declared is None or self.share is None:
            return ""
        (low, high), (least, most) = self.value_range, self.declared
        slack = _BEYOND * (most - least)
        made = f"the input {self.input!r}, which is made for {words(self.declared)}"
        if low < least - slack or high > most + slack:
            return f"{self.purpose}: {self.source} reach {words(self.value_range)}, beyond {made}"
        if self.share < _SHARE:
            return (
                f"{self.purpose}: {self.source} cover {self.share:.0%} of the range of {made}: "
                f"they are {words(self.value_range)}"
            )
        return ""

    def __str__(self) -> str:
        done = {"calibration": "calibrated", "verification": "verified"}[self.purpose]
        of = "nothing says what it takes"
        if self.declared is not None and self.share is not None:
            of = f"{self.share:.0%} of its range, {words(self.declared)}"
        values = words(self.value_range)
        return f"{self.input!r} was {done} on {self.count} {self.source}: {values} ({of})."


def in_words(source: str, spec: InputSpec, made: bool) -> str:
    """Where an input's values come from; `made` of pictures, if they are volumes."""
    return f"volumes made of {source}" if made and len(spec.shape) == 5 else source


def words(ends: Range) -> str:
    """`"0 to 255"`."""
    return f"{ends[0]:.4g} to {ends[1]:.4g}"


def describe_values(
    purpose: str,
    sources: Mapping[str, str],
    feeds: Iterable[Mapping[str, np.ndarray]],
    inputs: Iterable[InputSpec],
) -> tuple[Shown, ...]:
    """One an input; nothing where there are no feeds.

    Args:
        purpose: `"calibration"` or `"verification"`.
        sources: input -> where its values come from.
        feeds: what was shown.
        inputs: what they are made for.
    """
    ends: dict[str, Range] = {}
    count = 0
    for feed in feeds:
        count += 1
        for name, values in feed.items():
            low, high = ends.get(name, (np.inf, -np.inf))
            ends[name] = min(low, float(values.min())), max(high, float(values.max()))
    declared = {spec.name: spec.value_range for spec in inputs}
    return tuple(
        Shown(purpose, name, sources[name], count, own, declared[name], _share(own, declared[name]))
        for name, own in ends.items()
    )


def _share(own: Range, declared: Range | None) -> float | None:
    if declared is None:
        return None
    covered = min(own[1], declared[1]) - max(own[0], declared[0])
    return max(covered, 0.0) / (declared[1] - declared[0])


def check_scale(
    pairs: Iterable[tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]],
    inputs: Iterable[InputSpec],
    argument: str,
) -> None:
    """Floats, which are not scaled here, must have the scale that the network is made for.

    Args:
        pairs: examples as they were given, and as the network takes them.
        inputs: of the network.
        argument: its name, for messages.

    Raises:
        ValueError: they have another.
    """
    declared = {spec.name: spec.value_range for spec in inputs if spec.value_range is not None}
    reach: dict[str, float] = {}
    for example, feed in pairs:
        for name in declared.keys() & example.keys():
            if example[name].dtype not in (np.uint8, np.uint16):
                reach[name] = max(reach.get(name, 0.0), float(np.abs(feed[name]).max()))
    for name, most in reach.items():
        meant = max(map(abs, declared[name]))
        if most > FAR * meant or meant > FAR * most:
            raise ValueError(
                f"`{argument}` reaches {most:.4g}, and the input {name!r} is made for "
                f"{words(declared[name])}. Scale floats as the model was trained, or pass pictures "
                "of uint8 or uint16, which are scaled here."
            )
