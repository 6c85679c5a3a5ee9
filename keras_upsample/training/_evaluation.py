"""`Evaluation`: the scores of a model on labelled images or on pictures."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from .._text import finite
from ._threshold import ThresholdCurve


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores of a model.

    Attributes:
        model: name of the model.
        task: "segmentation" or "super_resolution".
        images: names of the images.
        scores: name -> value. For class maps `mean_iou`, `boundary_iou`, and for each class `iou`,
            `precision`, `recall` and `f1`, e.g. "iou nucleus". For pictures `mean gain_y`, and for
            each picture its PSNR and gain over bicubic enlargement in dB.
        intervals: name -> the lower and upper end of its bootstrap interval over images; empty
            if there are too few images for one.
        bootstrap: `count` and `seed` of the samples, and `level` of the interval.
        classes: class names by number.
        confusion: pixels by true class (row) and predicted class (column).
        boundary_width: width of the band of `boundary_iou` in pixels.
        curve: scores by threshold, if a threshold was to be chosen.
        notes: assumptions for what the model's metadata do not say, one a line.
    """

    model: str
    task: str
    images: tuple[str, ...]
    scores: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    bootstrap: Mapping[str, Any]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()
    boundary_width: int | None = None
    curve: ThresholdCurve | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; null for scores that are not numbers."""
        found = dataclasses.asdict(self)
        found |= {name: finite(found[name]) for name in ("scores", "intervals")}
        found["curve"] = None if self.curve is None else self.curve.to_dict()
        empty: tuple[Any, ...] = (None, (), [], {})
        keep = ("scores", "intervals", "bootstrap", "images")
        return {n: value for n, value in found.items() if n in keep or value not in empty}

    def __str__(self) -> str:
        wide = max(map(len, self.scores), default=0)
        form = ".2f" if self.task == "super_resolution" else ".4f"
        lines = list(self.notes)
        for name, value in self.scores.items():
            ends = self.intervals.get(name)
            interval = "" if ends is None else f"  {ends[0]:{form}} to {ends[1]:{form}}"
            lines.append(f"{name:<{wide}}  {value:{form}}{interval}")
        if self.confusion:
            lines += ["", *_table(self.classes, self.confusion)]
        lines += ["", self._about()]
        if self.curve is not None:
            lines.append(str(self.curve))
        return "\n".join(lines)

    def _about(self) -> str:
        count = f"{len(self.images)} image{'s' * (len(self.images) != 1)}"
        if not self.intervals:
            why = "" if not self.bootstrap else "; an interval needs at least 2"
            return f"{count}{why}"
        return (
            f"{count}; intervals: {100 * self.bootstrap['level']:g}%, {self.bootstrap['count']} "
            f"bootstrap samples of images, seed {self.bootstrap['seed']}"
        )


def _table(classes: tuple[str, ...], confusion: tuple[tuple[int, ...], ...]) -> list[str]:
    """The confusion matrix with row and column titles."""
    rows = [["true \\ predicted", *classes]]
    rows += [[name, *map(str, row)] for name, row in zip(classes, confusion, strict=True)]
    wide = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(f"{c:<{w}}" if i == 0 else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, wide)))  # noqa: B905
        for row in rows
    ]
