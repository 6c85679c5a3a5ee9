"""Means over many elements in two steps, so that float32 keeps its digits."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

ENOUGH = 4096
"""Elements that every runtime adds up in float32 without a loss that matters here."""
_BLOCK = 64

Reduction = Callable[[Any, int, bool], Any]
"""Of a tensor over one axis, which stays or not."""


def mean(x: Any, axes: Sequence[int], *, keepdims: bool) -> Any:
    """`tf.reduce_mean` of a tensor of known rank in parts, see `in_parts`."""
    import tensorflow as tf

    return in_parts(tf.reduce_mean, x, axes, keepdims=keepdims, is_mean=True)


def in_parts(
    reduce: Reduction, x: Any, axes: Sequence[int], *, keepdims: bool, is_mean: bool
) -> Any:
    """A mean or a sum over several axes, one axis after the other.

    LiteRT, ONNX Runtime and OpenVINO add up all elements of a reduction in one float32 sum: at
    1024 x 1024 pixels of 0.1 the mean is off by 6e-4. A mean of rows, then of the rows' means, is
    off by 5e-8. OpenVINO merges reductions that follow one another and agree in whether the axis
    stays, so that every second one here drops its axis, which is put back at the end. An axis
    of a known size above `ENOUGH` is split into blocks.

    Args:
        reduce: what one axis is reduced by.
        x: a tensor of floats.
        axes: not negative, all different.
        keepdims: whether the axes stay, with one element each.
        is_mean: whether `reduce` divides by the number of elements.
    """
    import tensorflow as tf

    flags = [keepdims if place % 2 == 0 else not keepdims for place in range(len(axes))]
    for axis, stays in zip(sorted(axes, reverse=True), reversed(flags), strict=True):
        size = x.shape[axis]
        if size is None or size <= ENOUGH:
            x = reduce(x, axis, stays)
        else:
            x = _in_blocks(reduce, x, axis, stays, is_mean)
    others = sorted(axes)[1::2]  # those that did not come out as wanted
    if keepdims:
        for axis in others:
            x = tf.expand_dims(x, axis)
        return x
    # an axis that stayed has moved down by those in front of it that did not
    moved = [axis - sum(a < axis for a in sorted(axes)[::2]) for axis in others]
    return tf.squeeze(x, moved) if moved else x


def _in_blocks(reduce: Reduction, x: Any, axis: int, stays: bool, is_mean: bool) -> Any:
    """Over one long axis: of each block of 64 elements, then of the blocks' results."""
    import tensorflow as tf

    shape = x.shape.as_list()
    trailing = shape[axis + 1 :]
    after = [*shape[:axis], *([1] if stays else []), *trailing]
    if after.count(None) > 1 or None in trailing:
        return reduce(x, axis, stays)
    length = shape[axis]
    blocks = -(-length // _BLOCK)
    missing = blocks * _BLOCK - length
    if missing:
        x = tf.pad(x, [(0, missing if k == axis else 0) for k in range(len(shape))])
    width = int(np.prod(trailing, dtype=np.int64))
    x = reduce(tf.reshape(x, (-1, blocks, _BLOCK, width)), 2, True)  # (P, blocks, 1, width)
    x = in_parts(reduce, x, (1,), keepdims=False, is_mean=is_mean)  # (P, 1, width)
    if missing and is_mean:
        x = x * tf.constant(blocks * _BLOCK / length, x.dtype)
    return tf.reshape(x, [-1 if size is None else size for size in after])
