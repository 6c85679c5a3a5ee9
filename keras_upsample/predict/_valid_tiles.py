"""The tiles of a network without padding."""

from ._grid import Span, overlap_for, spans
from ._valid import Margin

_TILE = 512
_UNTILED = 1024 * 1024


def valid_tiles(
    given: tuple[int | None, int | None],
    margin: Margin,
    stride: int,
    size: tuple[int, int],
    tile: int | None,
    overlap: int,
) -> tuple[list[Span], list[Span], tuple[int, int]]:
    """The tiles down and across an image, in output pixels, and their overlaps.

    Every tile has a size that the network takes, so that the last one reaches beyond the image. A
    tile's output is exact up to its border. So tiles overlap by `overlap`, rounded up only until
    they begin at multiples of the stride.

    Args:
        given: height and width that the network takes, None if it takes several.
        margin: margin that the network loses.
        stride: tiles begin at multiples of it, if a tile is that large.
        size: height and width of the image.
        tile: side of a tile's output in pixels, rounded up to a size that the network gives; None
            for the whole image up to 1024² pixels, above that 512.
        overlap: pixels that tiles share, rounded up.

    Raises:
        ValueError: they share more than half of a tile.
    """
    whole = tile is None and size[0] * size[1] <= _UNTILED
    axes = []
    for length, taken in zip(size, given, strict=True):
        if taken is not None:
            own = taken - 2 * margin.pixels
        else:
            own = margin.output(length if whole else tile or _TILE)
        step = stride
        while step > own:  # so small a tile lies on a grid of its own
            step //= 2
        shared = overlap_for(own, overlap, step)
        if shared > own // 2:
            raise ValueError(
                f"`overlap` must be at most half of a tile, here {own // 2} pixels. Received: "
                f"{overlap!r}, rounded up to the network's stride {step}: {shared}."
            )
        axes.append((spans(length, own, shared, step, fixed=True), shared))
    (rows, down), (columns, across) = axes
    return rows, columns, (down, across)
