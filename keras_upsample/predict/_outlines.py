"""Exact outlines of regions of pixels, as simple rings along the pixels' edges."""

from collections.abc import Iterator

import numpy as np

from ._runs import NONE, Runs

_RIGHT, _DOWN, _LEFT, _UP = range(4)

Polygon = list[np.ndarray]
"""Rings (n, 2) of corners (x, y), the outer one first; the last corner isn't the first again."""


def outlines(runs: Runs, regions: np.ndarray) -> dict[int, Polygon]:
    """The polygon of each region: its outer ring, then its holes.

    x goes right and y down, in pixels; (0, 0) is the outer corner of the first pixel. Corners are
    where the outline turns. An outer ring has a positive area ½ Σ (xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ), a hole a
    negative one. Rings never cross or touch themselves; a hole may touch another ring in a corner.

    Args:
        runs: runs of the class map.
        regions: (n,) the region of each run, whose pixels are connected over edges; `NONE` for
            none.
    """
    edges = _edges(runs, regions)
    result: dict[int, Polygon] = {}
    for region, ring in _rings(edges, runs.size[1] + 1):
        rings = result.setdefault(region, [])
        rings.insert(0 if area_of(ring) > 0 else len(rings), ring)
    return result


def area_of(ring: np.ndarray) -> float:
    """½ Σ (xᵢ yᵢ₊₁ − xᵢ₊₁ yᵢ)."""
    x, y = ring.T.astype("float64")
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _edges(runs: Runs, regions: np.ndarray) -> np.ndarray:
    """(5, m): region, x and y of the start, direction, length; the region is on the right hand."""
    height, _ = runs.size
    found = []

    def add(at: np.ndarray, x: np.ndarray, y: np.ndarray, way: int, length: np.ndarray) -> None:
        ways = np.full(len(at), way)
        found.append(np.stack([at, x, y, ways, length])[:, at != NONE])

    ones = np.ones_like(runs.starts)
    ends = runs.columns + runs.lengths
    add(regions, ends, runs.rows, _DOWN, ones)
    add(regions, runs.columns, runs.rows + 1, _UP, ones)
    top, bottom = (np.flatnonzero(runs.rows == row) for row in (0, height - 1))
    add(regions[top], runs.columns[top], 0 * top, _RIGHT, runs.lengths[top])
    add(regions[bottom], ends[bottom], 0 * bottom + height, _LEFT, runs.lengths[bottom])
    above, below = runs.touching(0)
    differ = regions[above] != regions[below]
    above, below = above[differ], below[differ]
    start = np.maximum(runs.columns[above], runs.columns[below])
    stop = np.minimum(ends[above], ends[below])
    y = runs.rows[below]
    add(regions[above], stop, y, _LEFT, stop - start)
    add(regions[below], start, y, _RIGHT, stop - start)
    return np.concatenate(found, axis=1)


def _rings(edges: np.ndarray, columns: int) -> Iterator[tuple[int, np.ndarray]]:
    """(region, ring) of every ring that the edges form.

    Args:
        edges: as `_edges` gives them.
        columns: corners in a row of the image.
    """
    if not edges.size:
        return
    region, x, y, way, length = edges
    corners = columns * (int(y.max()) + 1)
    step = np.array([1, columns, -1, -columns])
    start = region * corners + y * columns + x
    end = start + step[way] * length
    order = np.lexsort((way, start))
    ordered = start[order]
    low = np.searchsorted(ordered, end)
    # Where two pixels of a region meet in a corner alone, two edges leave it. The outline turns
    # left there, to the other pixel. These are connected on one side of the corner, too, and what
    # that path encloses is a hole with a ring of its own: none comes by the corner twice.
    right = way[order[low]] == (way + 1) % 4
    twice = np.searchsorted(ordered, end, "right") - low == 2
    following = order[low + (twice & right)]
    previous = np.empty_like(following)
    previous[following] = np.arange(len(following))
    turns = (way != way[previous]).tolist()
    ahead, places, regions = following.tolist(), (start % corners).tolist(), region.tolist()
    seen = bytearray(len(ahead))
    for first in range(len(ahead)):
        if seen[first]:
            continue
        ring, edge = [], first
        while not seen[edge]:
            seen[edge] = 1
            if turns[edge]:
                ring.append(places[edge])
            edge = ahead[edge]
        corner = np.array(ring)
        yield regions[first], np.stack([corner % columns, corner // columns], axis=1)
