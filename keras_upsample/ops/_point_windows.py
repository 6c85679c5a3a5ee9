"""Bilinear sampling at moved points without gathers, for targets that have none.

A point u pixels away from its own reads every pixel d of a window with the weight of the tent
function, which is linear interpolation:

    x(i + u) = sum over d in first..last of max(0, 1 - |u - d|) x[i + d],   first <= u <= last.

A point beyond the window counts as at its end.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from ._backend import part
from ._reassemble import moved_images, repeat_edges
from ._shuffle import pixel_shuffle

Window = tuple[tuple[int, int], tuple[int, int]]

WINDOW: Window = ((-2, 2), (-2, 2))
"""The first and the last pixel on each axis, where nobody has looked how far points lie."""


def sample_windows(
    x: Any, rows: Any, columns: Any, scale: int, groups: int, window: Window = WINDOW
) -> Any:
    """`point_sample` of (N, H, W, C), by products and sums of maps.

    Args:
        x: (N, H, W, C).
        rows, columns: how far the points lie from their pixel on each axis, (N, H, W, s²·g).
        scale, groups: as for `point_sample`.
        window: first and last pixel, by rows and by columns.

    Returns:
        (N, s·H, s·W, C).
    """
    phases = scale**2
    kernel = _by_channel(phases, groups, x.shape[3])
    spread = ops.convert_to_tensor(kernel, dtype=x.dtype)
    down, across = (
        [ops.conv(tent, spread, data_format="channels_last") for tent in tents(points, *ends)]
        for points, ends in zip((rows, columns), window, strict=True)
    )  # (N, H, W, s²·C) each
    repeated = ops.concatenate([x] * phases, axis=3) if phases > 1 else x  # (N, H, W, s²·C)
    moved = moved_images(_around(repeated, window), len(down), len(across))
    y = None
    for weight in down:
        row = None
        for tap in across:
            term = tap * next(moved)
            row = term if row is None else row + term
        y = weight * row if y is None else y + weight * row
    return pixel_shuffle(y, scale, "dcr", data_format="channels_last")


def _around(x: Any, window: Window) -> Any:
    """What the windows of all pixels see: (N, H + last - first, W + last - first, C)."""
    rows, columns = ((max(-first, 0), max(last, 0)) for first, last in window)
    x = repeat_edges(x, (rows, columns))
    for axis, (first, last) in zip((1, 2), window, strict=True):
        if first > 0 or last < 0:
            x = part(x, axis, max(first, 0), min(last, 0) or None)
    return x


def tents(points: Any, first: int, last: int) -> Iterator[Any]:
    """Yield the weights of the pixels of a window: those at the ends take what is beyond them.

    LiteRT ends the process over a file of 16-bit activations with a step of 0. So there is no 0 to
    add or to subtract, and where points reach into the outermost pixels no map is 0 throughout.
    """
    if first == last:
        yield ops.ones_like(points)
        return
    back = points * -1.0
    for d in range(first, last + 1):
        away = []
        if d > first:
            away.append(ops.relu(back + d if d else back))
        if d < last:
            away.append(ops.relu(points - d if d else points))
        yield ops.relu(1 - sum(away[1:], start=away[0]))


def _by_channel(phases: int, groups: int, channels: int) -> np.ndarray:
    """Zeros and ones (1, 1, s²·g, s²·C): a group's weight for each of its channels."""
    groups_of = np.repeat(np.eye(groups), channels // groups, axis=1)  # (g, C)
    return np.kron(np.eye(phases), groups_of)[None, None]
