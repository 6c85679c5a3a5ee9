"""One pass over an image in overlapping tiles, in memory that does not grow with its height."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ._grid import Span, ramp


@dataclass(frozen=True)
class Strip:
    """Finished rows, over the whole width.

    Attributes:
        top: the first row, in output pixels.
        values: (rows, output width, ...), as `reduce` made them.
        image: the rows of the image that they belong to, as they were read, (rows, width, C).
    """

    top: int
    values: np.ndarray
    image: np.ndarray


def strips(
    run: Callable[[np.ndarray], np.ndarray],
    read: Callable[[int, int], np.ndarray],
    rows: Sequence[Span],
    columns: Sequence[Span],
    *,
    overlap: tuple[int, int],
    scale: int = 1,
    prepare: Callable[[np.ndarray], np.ndarray] = np.asarray,
    reduce: Callable[[np.ndarray], np.ndarray] = np.copy,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Strip]:
    """Run a network over all tiles, left to right and top to bottom, and blend them.

    Of every tile only its overlaps are kept: (height of a tile, overlap, K) to the right, and
    (overlap, width of the image, K) below. Everything else is reduced (to classes, say) at once.

    Args:
        run: (h, w, C) as prepared -> (h·scale, w·scale, K) float32, an array that may be written
            to.
        read: (top, bottom) -> rows of the image, (bottom − top, width, C).
        rows: the tiles' spans down the image.
        columns: and across it.
        overlap: of neighbours down the image and across it, in input pixels.
        scale: output pixels per input pixel, along each axis.
        prepare: (h, w, C) as read -> what the network takes; zeros beyond the image come later.
        reduce: what becomes of finished values, (h, w, K) -> (h, w, ...), a new array.
        tick: called after every tile.
    """
    down, across = (pixels * scale for pixels in overlap)
    lower = ramp(down)[:, None, None]  # (overlap, 1, 1)
    right = ramp(across)[:, None]  # (overlap, 1)
    width = columns[-1].end
    below = np.empty(0, "float32")  # (overlap, W, K), weighted, from the tiles above
    for y in rows:
        bottom = min(y.start + y.length, rows[-1].end)
        band = read(y.start, bottom)
        result = np.empty(0)
        beside = below  # (h, overlap, K), weighted, from the tile on the left
        for x in columns:
            tile = band[:, x.start : min(x.start + x.length, width)]
            missing = (y.length - tile.shape[0], x.length - tile.shape[1])
            values = run(_extended(prepare(tile), missing))
            values = values[_scaled(y, scale), _scaled(x, scale)]  # (h, w, K)
            if x is not columns[0]:
                values[:, :across] *= right
                values[:, :across] += beside
            if x is not columns[-1]:
                beside = values[:, values.shape[1] - across :] * (1 - right)
            values = values[:, : (x.done - x.begin) * scale]
            place = slice(x.begin * scale, x.done * scale)
            if y is not rows[0]:
                values[:down] *= lower
                values[:down] += below[:, place]
            if y is not rows[-1]:
                if not below.size:
                    below = np.empty((down, width * scale, values.shape[2]), "float32")
                np.multiply(values[values.shape[0] - down :], 1 - lower, out=below[:, place])
            final = reduce(values[: (y.done - y.begin) * scale])
            if not result.size:
                result = np.empty((final.shape[0], width * scale, *final.shape[2:]), final.dtype)
            result[:, place] = final
            tick()
        yield Strip(y.begin * scale, result, band[y.begin - y.start : y.done - y.start])


def _scaled(span: Span, scale: int) -> slice:
    """The part of a tile's output that is used."""
    return slice((span.begin - span.start) * scale, (span.end - span.start) * scale)


def _extended(tile: np.ndarray, missing: tuple[int, int]) -> np.ndarray:
    return np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0))) if any(missing) else tile
