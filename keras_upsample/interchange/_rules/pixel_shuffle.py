"""Pixel shuffle and unshuffle written as Reshape, Transpose, Reshape.

Channels c, pixels i and j, a block of s x s pixels a, b. The first Reshape tells the axes apart,
the Transpose puts the block before the pixels or behind them, the second Reshape joins them.
"""

from dataclasses import replace
from types import MappingProxyType

from .._net import OnnxNode
from ._here import Declined, Here

NAME = "pixel shuffle"

_SHUFFLES = {
    (0, 1, 4, 2, 5, 3): ("CRD", (2, 3)),  # (N, C, a, b, H, W) -> (N, C, H, a, W, b)
    (0, 3, 4, 1, 5, 2): ("DCR", (1, 2)),  # (N, a, b, C, H, W) -> (N, C, H, a, W, b)
}
_UNSHUFFLES = {
    (0, 1, 3, 5, 2, 4): ("CRD", (3, 5)),  # (N, C, H, a, W, b) -> (N, C, a, b, H, W)
    (0, 3, 5, 1, 2, 4): ("DCR", (3, 5)),  # (N, C, H, a, W, b) -> (N, a, b, C, H, W)
}
"""Order of the Transpose -> order of the channels, and which axes of its input the block is."""


def match(here: Here) -> OnnxNode | None:
    """Reshape to six axes, Transpose, Reshape to an image."""
    found = here.regrouping()
    if found is None or len(found.apart) != 6:
        return None
    kind, table = "DepthToSpace", _SHUFFLES
    if found.order in _UNSHUFFLES:
        kind, table = "SpaceToDepth", _UNSHUFFLES
    if found.order not in table:
        return None
    mode, (rows, columns) = table[found.order]
    image, apart = found.image, found.apart
    size = apart[rows]
    n, channels, height, width = image
    square = size * size
    wanted = (n, channels // square, height * size, width * size)
    parts = [channels // square, height, width]
    if kind == "SpaceToDepth":
        wanted = (n, channels * square, height // size, width // size)
        parts = [channels, height // size, width // size]
    rest = [length for axis, length in enumerate(apart) if axis and axis not in (rows, columns)]
    if apart[columns] != size or rest != parts or found.result != wanted:
        raise Declined(f"{image} to {apart} to {found.result}, no block of {size} x {size} pixels")
    return replace(
        here.this,
        kind=kind,
        inputs=(found.source,),
        attributes=MappingProxyType({"blocksize": size, "mode": mode}),
    )
