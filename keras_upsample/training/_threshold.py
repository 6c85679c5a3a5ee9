"""The threshold of a class's probability that gives the best IoU or F1."""

import dataclasses
from typing import Any

import numpy as np

MEASURES = ("iou", "f1")
THRESHOLDS = tuple(round(0.01 * i, 2) for i in range(1, 100))


@dataclasses.dataclass(frozen=True)
class ThresholdCurve:
    """Scores of one class by threshold, the probability from which a pixel belongs to it.

    Attributes:
        class_name: the class.
        measure: the score that was maximised: "iou" or "f1".
        threshold: the best threshold; of equal ones the one nearest 0.5.
        thresholds: 0.01, 0.02, ..., 0.99.
        iou, f1, precision, recall: at each of these.
    """

    class_name: str
    measure: str
    threshold: float
    thresholds: tuple[float, ...]
    iou: tuple[float, ...]
    f1: tuple[float, ...]
    precision: tuple[float, ...]
    recall: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; null where nothing is predicted or nothing is there."""
        found = dataclasses.asdict(self)
        for name in ("iou", "f1", "precision", "recall"):
            found[name] = [None if np.isnan(value) else value for value in found[name]]
        return found

    def __str__(self) -> str:
        at = self.thresholds.index(self.threshold)
        half = self.thresholds.index(0.5)
        values = getattr(self, self.measure)
        return (
            f"threshold of {self.class_name} with the best {self.measure}: {self.threshold:g} "
            f"({self.measure} {values[at]:.4f}; at 0.5 {values[half]:.4f})"
        )


class ThresholdCounts:
    """Pixels of one class and of the others, by how many thresholds their probability reaches."""

    def __init__(self) -> None:
        # As `predict` compares: the threshold in the probability's own float32.
        self._edges = np.array(THRESHOLDS, "float32")
        self._counts = np.zeros((2, len(THRESHOLDS) + 1), np.int64)

    def add(self, probability: np.ndarray, belongs: np.ndarray) -> None:
        """Count pixels: their probability, float32, and whether they belong to the class."""
        reached = np.searchsorted(self._edges, probability, side="right")
        for row, chosen in enumerate((~belongs, belongs)):
            counts = np.bincount(reached[chosen], minlength=self._counts.shape[1])
            self._counts[row] += counts

    def curve(self, class_name: str, measure: str) -> ThresholdCurve:
        """The scores at each threshold, and the best.

        Raises:
            ValueError: no pixel of the class is there.
        """
        # Pixels that reach threshold i reach i + 1 or more of them.
        positive = self._counts[:, ::-1].cumsum(1)[:, ::-1][:, 1:]  # (others, class) at each
        false, true = positive
        total = self._counts[1].sum()
        if not total:
            raise ValueError(
                f"`choose_threshold`: no pixel of {class_name!r} is in these images, so that no "
                "threshold is better than another. Take other images."
            )
        with np.errstate(invalid="ignore"):
            scores = {
                "iou": true / (total + false),
                "f1": 2 * true / (true + false + total),
                "precision": true / (true + false),
                "recall": true / total,
            }
        values = scores[measure]
        best = np.flatnonzero(values == values.max())
        chosen = int(min(best, key=lambda i: abs(THRESHOLDS[i] - 0.5)))
        return ThresholdCurve(
            class_name,
            measure,
            THRESHOLDS[chosen],
            THRESHOLDS,
            **{name: tuple(map(float, found)) for name, found in scores.items()},
        )
