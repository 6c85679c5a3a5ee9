"""Pools of lines, images and volumes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...program._operations import Pool
from .._axis_layers import DilatedPool
from .._context import Context, UnreadError
from .._layers import WithConstant
from .._lengths import is_open
from .._open import FIX_THE_SIZE, at_every_size
from .._value import Value
from ._windows import (
    NO_PADS,
    Around,
    around_windows,
    begin_end,
    may_be_same,
    pads_by_layer,
    spatial,
)
from .parts import padded

_LEAST = -3.4e38  # float32's, as good as the minus infinity around an image


def max_pool(c: Context) -> Value:
    """MaxPool. Around the image is minus infinity; zeros, where nothing is below them."""
    if len(c.node.outputs) > 1 and c.node.outputs[1]:
        raise UnreadError(
            "the second output, the places of the maxima, which no max unpooling reads"
        )
    return _pool(c, "max")


def average_pool(c: Context) -> Value:
    """AveragePool."""
    return _pool(c, "mean")


def _pool(c: Context, kind: str) -> Value:
    x = spatial(c, c.value())
    axes = x.rank - 2
    size = c.attribute("kernel_shape")
    strides = c.attribute("strides", (1,) * axes)
    dilation = c.attribute("dilations", (1,) * axes)
    counted = bool(c.attribute("count_include_pad", 0))
    plain = max(dilation) == 1
    if plain and pads_by_layer(c, x, strides) and (kind == "max" or not counted):
        return _written(c, x, kind, size, strides, dilation, "same")
    stated = begin_end(c, x, size, strides, dilation)
    if any(min(pads) < 0 for pads in stated):
        raise UnreadError(f"negative pads {stated}")
    pads = stated
    if c.attribute("ceil_mode", 0):
        reaches = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
        pads = at_every_size(
            x.shape[2:], lambda lengths: _with_last_windows(lengths, stated, reaches, strides)
        )
    if pads == NO_PADS[axes]:
        return _written(c, x, kind, size, strides, dilation)
    same = plain and may_be_same(x, strides) and pads == around_windows(x, size, strides, dilation)
    if same and (kind == "max" or not counted):
        # Keras' has minus infinity, or counts only what lies inside.
        return _written(c, x, kind, size, strides, dilation, "same")
    if kind == "max":
        value = 0.0 if x.positive else _LEAST
        positive = x.positive
        x = padded(c, x, [(0, 0), (0, 0), *pads], value, "_pad")
        y = _written(c, x, kind, size, strides, dilation)
        return c.like(y, y.tensor, positive=positive)
    all_count = counted and pads == stated
    if is_open(x.shape) and not all_count:
        raise UnreadError(f"pads {pads} that do not count: {FIX_THE_SIZE}")
    counts = np.ones(1) if all_count else _counts(x, stated, pads, size, strides, dilation, counted)
    y = padded(c, x, [(0, 0), (0, 0), *pads], 0.0, "_pad")
    y = _written(c, y, kind, size, strides, dilation)
    return y if (counts == 1).all() else _scaled(c, y, counts)


def _written(
    c: Context,
    x: Value,
    kind: str,
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: str = "valid",
) -> Value:
    import keras

    if max(dilation) > 1:
        if is_open(x.shape):
            raise UnreadError(f"dilations {dilation}: {FIX_THE_SIZE}")
        windows = DilatedPool(
            {"max": "max", "mean": "sum"}[kind], size, strides, dilation, name=c.name
        )
        y = c.like(x, c.call(windows, x.tensor), positive=x.positive)
        if kind == "max":
            return y
        mean = keras.layers.Rescaling(1 / int(np.prod(size)), name=f"{c.name}_mean")
        return c.like(x, c.call(mean, y.tensor), positive=x.positive)
    if x.rank == 4:
        made = Pool(x.tensor, kind, (size[0], size[1]), (strides[0], strides[1]), padding)
        return c.like(x, c.write(made), positive=x.positive)
    kinds = {
        ("max", 3): keras.layers.MaxPooling1D,
        ("max", 5): keras.layers.MaxPooling3D,
        ("mean", 3): keras.layers.AveragePooling1D,
        ("mean", 5): keras.layers.AveragePooling3D,
    }
    layer = kinds[kind, x.rank](
        size[0] if x.rank == 3 else tuple(size),
        strides=strides[0] if x.rank == 3 else tuple(strides),
        padding=padding,
        data_format="channels_last",
        name=c.name,
    )
    return c.like(x, c.call(layer, x.tensor), positive=x.positive)


def _with_last_windows(
    lengths: Sequence[int], pads: Around, reaches: Sequence[int], strides: Sequence[int]
) -> Around:
    """Pads that reach as far as the windows of `ceil_mode`, which begin inside of image and pad."""
    result = []
    for length, (begin, end), window, step in zip(lengths, pads, reaches, strides, strict=True):
        count = -(-(length + begin + end - window) // step) + 1
        if (count - 1) * step >= length + begin:
            count -= 1
        missing = (count - 1) * step + window - (length + begin + end)
        result.append((begin, end + max(missing, 0)))
    return result


def _counts(
    x: Value,
    stated: Around,
    pads: Around,
    size: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    counted: bool,
) -> np.ndarray:
    """Taps of a window / taps that count, of each window: (rows, columns, ...).

    What `ceil_mode` reaches beyond the stated pads never counts.
    """
    result = np.ones(())
    for n, (before, behind), (begin, end), k, s, d in zip(
        x.shape[2:], stated, pads, size, strides, dilation, strict=True
    ):
        count = (n + begin + end - (k - 1) * d - 1) // s + 1
        taps = np.arange(count)[:, None] * s + np.arange(k) * d - begin
        first, last = (-before, n + behind) if counted else (0, n)
        inside = ((taps >= first) & (taps < last)).sum(axis=1)
        result = result[..., None] * (k / np.maximum(inside, 1))
    return result


def _scaled(c: Context, y: Value, counts: np.ndarray) -> Value:
    """A value times a constant map that is not trained."""
    map_ = counts[None, ..., None].astype("float32")
    layer = WithConstant("Mul", map_.shape, name=f"{c.name}_counts", trainable=False)
    scaled = c.call(layer, y.tensor)
    layer.constant.assign(map_)
    return c.like(y, scaled, positive=y.positive)


ADAPTIVE_POOL = "keras_upsample.AdaptiveAveragePool"
"""Kind of the node that a rule puts for an adaptive pool; attribute `sizes`."""


def adaptive_average_pool(c: Context) -> Value:
    """Means of bins whose sizes differ by a pixel."""
    from ...layers import AdaptiveAveragePooling2D

    x = c.image()
    rows, columns = c.attribute("sizes")
    layer = AdaptiveAveragePooling2D((rows, columns), data_format="channels_last", name=c.name)
    return c.like(x, c.call(layer, x.tensor), positive=x.positive)


KINDS: dict[str, Any] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    ADAPTIVE_POOL: adaptive_average_pool,
}
