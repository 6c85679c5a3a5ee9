"""Argmax and scatter by arithmetic, for targets without comparisons.

For targets that have none, or whose quantiser can't calibrate them. A map counts as largest by

    hit = K max(0, 1/K - (top - map)),

which is 1 for the largest and 0 for those that are 1/K below: for integers of a step of 1/K and
more that is a comparison. What is less below has a share in it.
"""

from collections.abc import Sequence
from typing import Any

from keras import ops

from ._point_windows import tents

SHARPNESS = 100.0
"""K where nobody has looked at the range of the maps."""


def first_of_largest(maps: Sequence[Any], sharpness: float = SHARPNESS) -> tuple[Any, Any]:
    """The largest of some maps, and the number of the first that has it, from 0, as a float."""
    top = maps[0]
    for each in maps[1:]:
        top = ops.maximum(top, each)
    left = place = None
    for number, each in enumerate(maps[:-1]):
        hit = _scale(ops.relu(1 / sharpness - (top - each)), sharpness)
        if left is None:
            left = 1 - hit
            continue
        chosen = hit * left
        left = left - chosen
        place = chosen * number if place is None else place + chosen * number
    if left is None:
        return top, top * 0.0
    last = left * (len(maps) - 1)
    return top, last if place is None else place + last


def _scale(x: Any, factor: float) -> Any:
    """By a convolution: TensorFlow's converter gives x the coarse step of a product with it."""
    kernel = ops.full((1, 1, x.shape[3], 1), factor, x.dtype)
    return ops.depthwise_conv(x, kernel, padding="valid", data_format="channels_last")


def put_at(x: Any, places: Any, count: int) -> list[Any]:
    """`count` maps, of which the one at a place has the value of `x` there, the others 0."""
    return [x * weight for weight in tents(places, 0, count - 1)]
