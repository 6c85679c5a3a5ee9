"""Positions of tiles along one axis, and blending weights of neighbours."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in input pixels.

    Attributes:
        start: first pixel of the tile, a multiple of the network's stride.
        length: number of pixels; beyond the image's end they are zeros (networks of a fixed size
            only).
        begin: first pixel whose output is used.
        end: the pixel after the last one whose output is used.
        done: [begin, done) is final once this tile is blended; [done, end) waits for the next.
    """

    start: int
    length: int
    begin: int
    end: int
    done: int


def spans(
    size: int, tile: int, overlap: int, stride: int = 1, *, fixed: bool = False
) -> list[Span]:
    """Tiles over [0, size), each overlapping the next by exactly `overlap` pixels.

    Tile n begins at n(tile − overlap), a multiple of the stride: a tile that starts elsewhere
    would pool other pixels together. 10 pixels, tile 4, overlap 1 -> [0, 4) [3, 7) [6, 10).
    The last tile ends with the image and may be shorter, so that its border is the image's own,
    as in an untiled run. A network of a fixed size takes no shorter tile: its last tile moves back
    by whole strides. The output for pixels that two tiles cover is not used twice. The remainder of
    a stride is filled with zeros, as in `PadToMultiple2D`.

    Args:
        size: length of the axis in pixels.
        tile: length of a tile in pixels.
        overlap: overlap in pixels, at most half of `tile`, such that `stride` divides
            tile − overlap; see `overlap_for`.
        stride: stride of the network.
        fixed: whether every tile must have `tile` pixels.
    """
    step = tile - overlap
    count = max(1, -(-(size - overlap) // step))
    result = []
    for begin in range(0, count * step, step):
        last = begin == (count - 1) * step
        start = round_up(max(size - tile, 0), stride) if last and fixed else begin
        end = size if last else begin + tile
        length = tile if fixed else end - start
        result.append(Span(start, length, begin, end, size if last else begin + step))
    return result


def overlap_for(tile: int, wanted: int, stride: int) -> int:
    """The smallest overlap from `wanted` up that lets every tile begin at a multiple of `stride`.

    64 for a tile of 512 at stride 32; 72 for one of 200, which steps by 128.
    """
    return tile - (tile - wanted) // stride * stride


def ramp(overlap: int) -> np.ndarray:
    """Weights (overlap,) of the later one of two tiles; the earlier has 1 − these.

        w(t) = sin²(π/2 · clip(2t − 1/2, 0, 1)),  t = (i + 1/2) / overlap

    0 in the first quarter, next to the later tile's border, and 1 in the last, next to the earlier
    tile's border: `0 0 0.04 0.31 0.69 0.96 1 1` for 8. So outputs within overlap/4 pixels of a
    tile's border, where they differ from an untiled run, are not used.
    """
    t = (np.arange(overlap) + 0.5) / max(overlap, 1)
    return (np.sin(np.pi / 2 * np.clip(2 * t - 0.5, 0, 1)) ** 2).astype("float32")


def step(overlap: int) -> np.ndarray:
    """Weights like those of `ramp`, but only 0 and 1: `0 0 0 0 1 1 1 1` for 8."""
    return (np.arange(overlap) >= overlap // 2).astype("float32")


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple that is not below `value`."""
    return -(-value // multiple) * multiple
