"""Bilinear sampling at moved points without gathers, for targets that have none.

A point u pixels away from its own reads every pixel d of a window with the weight of the tent
function, which is linear interpolation:

    x(i + u) = sum over d in -r..r of max(0, 1 - |u - d|) x[i + d],   |u| <= r.

A point further away counts as r away.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from ._reassemble import edges_repeated, moved_images
from ._shuffle import pixel_shuffle

REACH = 2
"""Pixels that a point lies away at most, where nobody has looked."""


def sample_windows(
    x: Any, rows: Any, columns: Any, scale: int, groups: int, reach: int = REACH
) -> Any:
    """`point_sample` of (N, H, W, C), by products and sums of maps.

    Args:
        x: (N, H, W, C).
        rows, columns: how far the points lie from their pixel on each axis, (N, H, W, s²·g).
        scale, groups: as for `point_sample`.
        reach: r, in pixels, >= 1.

    Returns:
        (N, s·H, s·W, C).
    """
    phases, size = scale**2, 2 * reach + 1
    kernel = _by_channel(phases, groups, x.shape[3])
    spread = ops.convert_to_tensor(kernel, dtype=x.dtype)
    down, across = (
        [ops.conv(tent, spread, data_format="channels_last") for tent in _tents(points, reach)]
        for points in (rows, columns)
    )  # (N, H, W, s²·C) each
    repeated = ops.concatenate([x] * phases, axis=3) if phases > 1 else x  # (N, H, W, s²·C)
    moved = moved_images(edges_repeated(repeated, reach), size)
    y = None
    for weight in down:
        row = None
        for tap in across:
            term = tap * next(moved)
            row = term if row is None else row + term
        y = weight * row if y is None else y + weight * row
    return pixel_shuffle(y, scale, "dcr", data_format="channels_last")


def _tents(points: Any, reach: int) -> Iterator[Any]:
    """Yield the weights of the pixels -r..r: those at the ends take what is beyond them."""
    for d in range(-reach, reach + 1):
        away = []
        if d > -reach:
            away.append(ops.relu(d - points))
        if d < reach:
            away.append(ops.relu(points - d))
        yield ops.relu(1 - sum(away[1:], start=away[0]))


def _by_channel(phases: int, groups: int, channels: int) -> np.ndarray:
    """Zeros and ones (1, 1, s²·g, s²·C): a group's weight for each of its channels."""
    groups_of = np.repeat(np.eye(groups), channels // groups, axis=1)  # (g, C)
    return np.kron(np.eye(phases), groups_of)[None, None]
