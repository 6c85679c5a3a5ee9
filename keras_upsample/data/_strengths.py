"""Soft masks (opacities, probabilities, smooth edges) -> two classes by a threshold."""

from collections.abc import Sequence

import numpy as np

from ._labelled import IGNORED
from ._mask_values import place_of


class Strengths:
    """Class 1 where a mask reaches the threshold, class 0 elsewhere.

        threshold 128:    0 100 128 255  ->  0 0 1 1

    Args:
        names: names of the two classes, or None.
        threshold: threshold in the units of the files: 128 for bytes, 0.5 for floats from 0 to 1.
        ignore: values without a class.

    Raises:
        ValueError: not two names.
    """

    kind = "strengths"

    def __init__(
        self, names: Sequence[str] | None, threshold: float, ignore: tuple[int, ...]
    ) -> None:
        if names is not None and len(names) != 2:
            raise ValueError(
                f"`classes` must be 2 with a `threshold`. Received {len(names)}: {list(names)}."
            )
        self._names = tuple(names or ("class 0", "class 1"))
        self._threshold, self._ignore = threshold, ignore
        self._found: set[bool] = set()
        self._range = (np.inf, -np.inf)

    def take(self, mask: np.ndarray) -> None:
        if mask.dtype.kind == "f" and np.isnan(mask).any():
            raise ValueError(f"the mask is not a number at {place_of(np.isnan(mask))}.")
        counted = mask[~np.isin(mask, self._ignore)]
        if not counted.size:
            return
        low, high = counted.min(), counted.max()
        if mask.dtype.kind in "ui" and 0 < self._threshold < 1 < high:
            raise ValueError(
                f"`threshold={self._threshold:g}` is in the units of the masks, and this one holds "
                f"whole numbers from {low} to {high}. Pass e.g. {(int(high) + 1) // 2}."
            )
        self._range = min(self._range[0], low), max(self._range[1], high)
        self._found |= {bool(low >= self._threshold), bool(high >= self._threshold)}

    def close(self) -> None:
        if len(self._found) == 1:
            low, high = self._range
            which = "all" if True in self._found else "no"
            raise ValueError(
                f"`threshold={self._threshold:g}` is in the units of the masks: {which} pixels "
                f"reach it. They hold {low:g} to {high:g}."
            )

    def labels(self, mask: np.ndarray) -> np.ndarray:
        labels = (mask >= self._threshold).astype("uint8")
        labels[np.isin(mask, self._ignore)] = IGNORED
        return labels

    def classes(self) -> tuple[str, ...]:
        return self._names
