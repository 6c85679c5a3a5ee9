"""Scaling: how pixel values become the values that a network takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._values import numbers

BASES = ("full_range", "percentiles", "stored")


@dataclass(frozen=True)
class Scaling:
    """Scaling of pixel values: y = scale · u + offset, by channel, of a picture's value u.

    Attributes:
        base: meaning of u. `"full_range"`: integers divided by the largest value of their dtype,
            floats as they are, in [0, 1]. `"percentiles"`: (x − p) / (q − p) clipped to [0, 1], p
            and q the `percentiles` of the whole picture, by channel. `"stored"`: the value as it is
            stored.
        scale: one factor, or one for each channel.
        offset: one number, or one for each channel.
        percentiles: lower and upper percentile of the picture's values, in percent.

    `Scaling()` gives [0, 1], `Scaling.to_range(-1, 1)` gives [−1, 1], `Scaling.to_range(0, 255)`
    gives [0, 255], and `Scaling.mean_std` gives what most encoders were trained on.

    Raises:
        ValueError: an unknown base, or values that are not numbers.
    """

    base: str = "full_range"
    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    percentiles: tuple[float, float] = (1.0, 99.8)

    def __post_init__(self) -> None:
        if self.base not in BASES:
            raise ValueError(
                f"`base` must be one of {', '.join(map(repr, BASES))}. Received: {self.base!r}."
            )
        for name in ("scale", "offset", "percentiles"):
            object.__setattr__(self, name, numbers(name, getattr(self, name)))
        if 0 in self.scale:
            raise ValueError(f"`scale` must not be 0. Received: {self.scale!r}.")
        lengths = {len(self.scale), len(self.offset)} - {1}
        if len(lengths) > 1:
            raise ValueError(
                "`scale` and `offset` must have one number, or one a channel. Received: "
                f"{len(self.scale)} and {len(self.offset)}."
            )
        if len(self.percentiles) != 2 or not 0 <= self.percentiles[0] < self.percentiles[1] <= 100:
            raise ValueError(
                "`percentiles` must be two numbers, the lower first, from 0 to 100. Received: "
                f"{self.percentiles!r}."
            )

    @classmethod
    def mean_std(cls, mean: Sequence[float], std: Sequence[float]) -> "Scaling":
        """y = (u − mean) / std, u in [0, 1]; mean and std by channel, in units of u.

        Raises:
            ValueError: not numbers, a std of 0 or below, or not as many means as deviations.
        """
        means, deviations = numbers("mean", mean), numbers("std", std)
        if min(deviations) <= 0 or len(means) != len(deviations):
            raise ValueError(
                "`mean` and `std` must be as many numbers, those of `std` above 0. Received: "
                f"{mean!r} and {std!r}."
            )
        return cls(
            scale=tuple(1 / s for s in deviations),
            offset=tuple(-m / s for m, s in zip(means, deviations, strict=True)),
        )

    @classmethod
    def to_range(cls, low: float, high: float) -> "Scaling":
        """Scaling that maps the picture's whole range to [low, high]."""
        return cls(scale=(float(high) - float(low),), offset=(float(low),))

    @property
    def channels(self) -> int | None:
        """Number of channels; None for any number."""
        count = max(len(self.scale), len(self.offset))
        return count if count > 1 else None

    @property
    def value_range(self) -> tuple[float, float] | None:
        """The smallest interval that holds every y; None where u has no bounds."""
        if self.base == "stored":
            return None
        count = max(len(self.scale), len(self.offset))
        scale, offset = (
            self.scale * (count // len(self.scale)),
            self.offset * (count // len(self.offset)),
        )
        ends = [value for s, o in zip(scale, offset, strict=True) for value in (o, s + o)]
        return min(ends), max(ends)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        plain: dict[str, Any] = {
            "base": self.base,
            "scale": list(self.scale),
            "offset": list(self.offset),
        }
        if self.base == "percentiles":
            plain["percentiles"] = list(self.percentiles)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Scaling":
        """The inverse of `to_dict`; missing values get their defaults."""
        names = ("base", "scale", "offset", "percentiles")
        return cls(**{name: plain[name] for name in names if name in plain})

    def __str__(self) -> str:
        of = {
            "full_range": "u in [0, 1], the picture's full range",
            "percentiles": f"u in [0, 1], percentiles {self.percentiles[0]:g} to "
            f"{self.percentiles[1]:g} of each channel",
            "stored": "u as stored",
        }[self.base]
        if self.scale == (1.0,) and self.offset == (0.0,):
            return of
        scale, offset = (" ".join(f"{n:.6g}" for n in v) for v in (self.scale, self.offset))
        return f"({scale}) u + ({offset}), {of}"


UNIT = Scaling()
"""The picture's full range becomes [0, 1]."""
IMAGENET = Scaling.mean_std((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation of ImageNet's RGB, as torchvision and timm publish them."""

_NAMED = {
    "full_range": Scaling(),
    "percentiles": Scaling("percentiles"),
    "none": Scaling("stored"),
    "imagenet": IMAGENET,
    "minus_one_to_one": Scaling.to_range(-1, 1),
    "0_to_255": Scaling.to_range(0, 255),
}
NORMALIZATIONS = tuple(_NAMED)


def scaling_named(normalization: Any) -> Scaling:
    """The scaling that a user's `normalization` means.

    Args:
        normalization: one of `NORMALIZATIONS`, a `Scaling`, a pair `(mean, std)` of numbers by
            channel in units of [0, 1], or such a pair as text, `"0.5,0.5,0.5/0.2,0.2,0.2"`.

    Raises:
        ValueError: none of these.
    """
    if isinstance(normalization, Scaling):
        return normalization
    if isinstance(normalization, str):
        if normalization in _NAMED:
            return _NAMED[normalization]
        if "/" in normalization:
            parts = [part.split(",") for part in normalization.split("/")]
            try:
                pair = [tuple(float(number) for number in part) for part in parts]
            except ValueError:
                pair = []
            if len(pair) == 2:
                return Scaling.mean_std(*pair)
    elif isinstance(normalization, Sequence) and len(normalization) == 2:
        return Scaling.mean_std(*normalization)
    raise ValueError(
        f"`normalization` must be one of {', '.join(map(repr, NORMALIZATIONS))}, a `Scaling`, or "
        'mean and std by channel of values in [0, 1], "0.5,0.5,0.5/0.2,0.2,0.2". Received: '
        f"{normalization!r}."
    )
