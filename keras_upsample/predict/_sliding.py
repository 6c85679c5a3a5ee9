"""Sliding-window prediction in constant memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ._grid import Span, ramp, step
from ._valid import reflect


@dataclass(frozen=True)
class Strip:
    """Finished rows, over the whole width.

    Attributes:
        top: the first row, in output pixels.
        values: (rows, output width, ...), as `reduce` made them.
        image: the corresponding rows of the image, as read, (rows, width, C).
        missing: which of the image's values hold no data, of the shape of `image`; None for none.
    """

    top: int
    values: np.ndarray
    image: np.ndarray
    missing: np.ndarray | None = None


def strips(
    run: Callable[[np.ndarray], np.ndarray],
    read: Callable[[int, int], np.ndarray],
    rows: Sequence[Span],
    columns: Sequence[Span],
    *,
    overlap: tuple[int, int],
    scale: int = 1,
    margin: int = 0,
    prepare: Callable[[np.ndarray], np.ndarray] = np.asarray,
    missing: Callable[[int, np.ndarray], np.ndarray | None] = lambda top, band: None,
    fill: np.ndarray | float = 0,
    finish: Callable[[np.ndarray], np.ndarray] = np.copy,
    reduce: Callable[[np.ndarray], np.ndarray] = np.copy,
    tick: Callable[[], None] = lambda: None,
    blend: bool = True,
    height: int | None = None,
) -> Iterator[Strip]:
    """Run a network over all tiles, left to right and top to bottom, and blend them.

    Only the overlaps of tiles are kept in memory: (height of a tile, overlap, K) to the right, and
    (overlap, width of the image, K) below. Everything else is reduced (e.g. to classes) at once.
    While one tile is blended and reduced, the network runs on the next.

    Args:
        run: (h, w, C) as prepared -> (h·scale, w·scale, K); called from a thread of its own.
        read: (top, bottom) -> rows of the image, (bottom − top, width, C).
        rows: the tiles' spans down the image.
        columns: the tiles' spans across the image.
        overlap: overlaps of neighbours down and across the image, in input pixels.
        scale: output pixels per input pixel, along each axis.
        margin: pixels that `run` loses on each side; every tile gets them in addition, beyond the
            image's border by reflection.
        prepare: (h, w, C) as read -> the network's input; zeros beyond the image are added later.
        missing: (first row, rows as read) -> which values hold no data, of the rows' shape, or None
            for none.
        fill: value to replace missing ones before `prepare`, one number or one for each channel.
        finish: (h·scale, w·scale, K), the network's output -> the values to blend, a new array of
            float32.
        reduce: blended values (h, w, K) -> (h, w, ...), a new array.
        tick: called after every tile.
        blend: whether neighbours are blended where they overlap. If not, each tile gives the half
            of the overlap that is nearer to it; class numbers need this.
        height: of the image, if `rows` are not all of its tiles.
    """
    down, across = (pixels * scale for pixels in overlap)
    weights = ramp if blend else step
    lower = weights(down)[:, None, None]  # (overlap, 1, 1)
    right = weights(across)[:, None]  # (overlap, 1)
    width = columns[-1].end
    result = np.empty(0)
    below = np.empty(0, "float32")  # (overlap, W, K), weighted, from the tiles above
    beside = below  # (h, overlap, K), weighted, from the tile on the left
    size = (rows[-1].end if height is None else height, width)
    tiles = _tiles(read, rows, columns, size, margin, prepare, missing, fill)
    for (y, x, band, gaps), values in _one_ahead(run, tiles):
        values = finish(values)[_scale(y, scale), _scale(x, scale)]  # (h, w, K)
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
        if x is columns[0]:
            result = np.empty((final.shape[0], width * scale, *final.shape[2:]), final.dtype)
        result[:, place] = final
        tick()
        if x is columns[-1]:
            part = slice(y.begin - y.start + margin, y.done - y.start + margin)
            shown = slice(margin, margin + width)
            image, gaps = band[part, shown], None if gaps is None else gaps[part, shown]
            yield Strip(y.begin * scale, result, image, gaps)


_Place = tuple[Span, Span, np.ndarray, np.ndarray | None]


def _tiles(
    read: Callable[[int, int], np.ndarray],
    rows: Sequence[Span],
    columns: Sequence[Span],
    size: tuple[int, int],
    margin: int,
    prepare: Callable[[np.ndarray], np.ndarray],
    missing: Callable[[int, np.ndarray], np.ndarray | None],
    fill: np.ndarray | float,
) -> Iterator[tuple[_Place, np.ndarray]]:
    """Down and across, with the band of the image that the tile is cut from and what it lacks; and
    the tile."""
    height, _ = size
    for y in rows:
        if margin:
            wide = columns[-1].start + columns[-1].length + margin
            band, gaps = _with_border(read, missing, y, margin, size, wide)
        else:
            band = read(y.start, min(y.start + y.length, height))
            gaps = missing(y.start, band)
        for x in columns:
            across = slice(x.start, min(x.start + x.length + 2 * margin, band.shape[1]))
            tile = band[:, across]
            if gaps is not None:
                tile = np.where(gaps[:, across], np.asarray(fill).astype(tile.dtype), tile)
            tile = prepare(tile)
            beyond = (
                y.length + 2 * margin - tile.shape[0],
                x.length + 2 * margin - tile.shape[1],
            )
            yield (y, x, band, gaps), _extend(tile, beyond)


def _with_border(
    read: Callable[[int, int], np.ndarray],
    missing: Callable[[int, np.ndarray], np.ndarray | None],
    y: Span,
    margin: int,
    size: tuple[int, int],
    right: int,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows of a tile with its margin, columns −margin to `right`, reflected at the borders."""
    down = reflect(y.start - margin, y.start + y.length + margin, size[0])
    across = reflect(-margin, right, size[1])
    top = int(down.min())
    band = read(top, int(down.max()) + 1)
    gaps = missing(top, band)
    place = np.ix_(down - top, across)
    return band[place], None if gaps is None else gaps[place]


def _one_ahead(
    run: Callable[[np.ndarray], np.ndarray], tiles: Iterable[tuple[_Place, np.ndarray]]
) -> Iterator[tuple[_Place, np.ndarray]]:
    """(place, run(tile)) of every tile, the next one running while the caller has one."""
    with ThreadPoolExecutor(1) as worker:
        before = None
        for place, tile in tiles:
            running = (place, worker.submit(run, tile))
            if before is not None:
                yield before[0], before[1].result()
            before = running
        if before is not None:
            yield before[0], before[1].result()


def _scale(span: Span, scale: int) -> slice:
    """The part of a tile's output that is used."""
    return slice((span.begin - span.start) * scale, (span.end - span.start) * scale)


def _extend(tile: np.ndarray, missing: tuple[int, int]) -> np.ndarray:
    return np.pad(tile, ((0, missing[0]), (0, missing[1]), (0, 0))) if any(missing) else tile
