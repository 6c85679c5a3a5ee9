"""Run-length code of a class map, and connected components by it.

A run is a maximal row of pixels of one class within a row of the image. The runs cover the image,
in raster order, so that which of them touch is found by bisection, and memory grows with the number
of runs, not of pixels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

NONE = -1
"""The class of pixels that belong to no object."""


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one class map, in raster order.

    Attributes:
        size: height and width of the map, in pixels.
        starts: (n,) index of each run's first pixel in the flattened map.
        stops: (n,) index after each run's last pixel.
        classes: (n,) int32, the class of each run, `NONE` for no class.
        sums: (n,) sum of the probabilities of each run's pixels; None without probabilities.
    """

    size: tuple[int, int]
    starts: np.ndarray
    stops: np.ndarray
    classes: np.ndarray
    sums: np.ndarray | None = None

    @property
    def lengths(self) -> np.ndarray:
        """(n,) pixels."""
        return self.stops - self.starts

    @property
    def rows(self) -> np.ndarray:
        """(n,) the row of the image."""
        return self.starts // self.size[1]

    @property
    def columns(self) -> np.ndarray:
        """(n,) the column of the first pixel."""
        return self.starts % self.size[1]

    def touching(self, reach: int) -> tuple[np.ndarray, np.ndarray]:
        """Every pair (i, j) of runs of neighbouring rows that touch, i above j.

        Args:
            reach: 0 for a common edge, 1 for a common corner too.
        """
        _, width = self.size
        first = self.rows * width  # of the row
        left = np.maximum(self.starts - reach, first) + width
        right = np.minimum(self.stops - 1 + reach, first + width - 1) + width
        above = np.flatnonzero(first < first[-1])
        low = np.searchsorted(self.starts, left[above], "right") - 1
        high = np.searchsorted(self.starts, right[above], "right") - 1
        counts = high - low + 1
        before = np.cumsum(counts) - counts
        below = np.arange(counts.sum()) - np.repeat(before - low, counts)
        return np.repeat(above, counts), below

    def components(self, connectivity: int) -> np.ndarray:
        """(n,) the connected component of each run, from 0 in raster order of its first pixel.

        Pixels of one class are connected over edges (4) or over edges and corners (8). `NONE` for
        runs of no class.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        above, below = self.touching(0 if connectivity == 4 else 1)
        same = self.classes[above] == self.classes[below]
        same &= self.classes[above] != NONE
        above, below = above[same], below[same]
        n = len(self.starts)
        graph = coo_array((np.ones(len(above), bool), (above, below)), shape=(n, n))
        _, found = connected_components(graph, directed=False)
        result = np.full(n, NONE, "int64")
        there = np.flatnonzero(self.classes != NONE)
        _, first, inverse = np.unique(found[there], return_index=True, return_inverse=True)
        rank = np.empty(len(first), "int64")
        rank[np.argsort(first)] = np.arange(len(first))
        result[there] = rank[inverse]
        return result

    def painted(self, values: np.ndarray, top: int, bottom: int) -> np.ndarray:
        """Rows of an image in which every pixel has its run's value, (bottom − top, width)."""
        _, width = self.size
        low, high = np.searchsorted(self.starts, (top * width, bottom * width))
        return np.repeat(values[low:high], self.lengths[low:high]).reshape(bottom - top, width)


class RunEncoder:
    """Takes a class map from the top down, band by band.

    Args:
        width: width of the map, in pixels.
    """

    def __init__(self, width: int) -> None:
        self._width, self._height = width, 0
        self._parts: list[tuple[np.ndarray, ...]] = []

    def add(self, classes: np.ndarray, probabilities: np.ndarray | None = None) -> None:
        """The next rows.

        Args:
            classes: (h, W) int32, `NONE` for no class.
            probabilities: (h, W), of the class that each pixel has.
        """
        flat = classes.reshape(-1)
        begins = np.empty(flat.size, bool)
        begins[1:] = flat[1:] != flat[:-1]
        begins[:: self._width] = True
        starts = np.flatnonzero(begins)
        stops = np.append(starts[1:], flat.size)
        sums: list[Any] = []
        if probabilities is not None:
            # Pixels without data have NaN, and are in no object.
            known = np.where(classes == NONE, 0.0, probabilities).reshape(-1)
            sums = [np.add.reduceat(known, starts)]
        offset = self._height * self._width
        self._parts.append((starts + offset, stops + offset, flat[starts], *sums))
        self._height += len(classes)

    def runs(self) -> Runs:
        """All of them."""
        columns = [np.concatenate(part) for part in zip(*self._parts, strict=True)]
        return Runs((self._height, self._width), *columns)
