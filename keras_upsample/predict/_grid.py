"""Where the tiles of one axis lie, and how two neighbours are blended."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in input pixels.

    Attributes:
        start: where it is read from, a multiple of the network's stride.
        length: how long it is; beyond the image's end it is zeros (networks of a fixed size only).
        begin: its first pixel that is used.
        end: behind its last pixel that is used.
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
    as in an untiled run. A network of a fixed size can't be fed less: its last tile moves back by
    whole strides and what it then sees twice is not used twice; what is left of a stride is
    zeros, as `PadToMultiple2D` has them.

    Args:
        size: pixels of the axis.
        tile: pixels of a tile.
        overlap: pixels, at most half of `tile`, such that `stride` divides tile − overlap; see
            `overlap_for`.
        stride: the network's.
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

    0 in the first quarter, where the later tile's own border is near, 1 in the last, where the
    earlier one's is. `0 0 0.04 0.31 0.69 0.96 1 1` for 8. So what a network computes differently
    within overlap/4 pixels of a tile's border is never seen.
    """
    t = (np.arange(overlap) + 0.5) / max(overlap, 1)
    return (np.sin(np.pi / 2 * np.clip(2 * t - 0.5, 0, 1)) ** 2).astype("float32")


def step(overlap: int) -> np.ndarray:
    """As `ramp`, of 0 and 1 alone: `0 0 0 0 1 1 1 1` for 8."""
    return (np.arange(overlap) >= overlap // 2).astype("float32")


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple that is not below `value`."""
    return -(-value // multiple) * multiple
