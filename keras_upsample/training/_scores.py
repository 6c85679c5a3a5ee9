"""Scores of classes from a confusion matrix."""

from collections.abc import Sequence

import numpy as np


def class_scores(table: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """`mean_iou`, and `iou`, `precision`, `recall`, `f1` of each class.

    TP / (TP + FP + FN), TP / (TP + FP), TP / (TP + FN), 2 TP / (2 TP + FP + FN); not a number where
    the denominator is 0. The mean is over classes that occur in truth or prediction.

    Args:
        table: pixels by true class (row) and predicted class (column).
        classes: their names.
    """
    true = np.diag(table).astype("float64")
    actual, predicted = table.sum(1), table.sum(0)
    with np.errstate(invalid="ignore"):
        found = {
            "iou": true / (actual + predicted - true),
            "precision": true / predicted,
            "recall": true / actual,
            "f1": 2 * true / (actual + predicted),
        }
    iou = found["iou"]
    occurs = ~np.isnan(iou)
    scores = {"mean_iou": float(iou[occurs].mean()) if occurs.any() else float("nan")}
    for kind, values in found.items():
        for name, value in zip(classes, values, strict=True):
            scores[f"{kind} {name}"] = float(value)
    return scores


def mean_of_numbers(values: np.ndarray) -> float:
    """The mean of those that are numbers; not a number where none is."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else float("nan")
