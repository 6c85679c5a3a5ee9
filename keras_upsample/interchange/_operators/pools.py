"""Pools and reductions."""

from typing import Any

from ...program._array_operations import Reduction
from ...program._operations import NONE, Pads, Pool, ZeroPadding
from .._context import Context, UnreadError
from .._layers import Pad2D
from .._lengths import is_open
from .._open import at_every_size
from .._value import Value
from .convolutions import automatic_pads, pads_of, pair

_LEAST = -3.4e38  # float32's, as good as the minus infinity around an image


def max_pool(c: Context) -> Value:
    """MaxPool. Around the image is minus infinity; zeros, where nothing is below them."""
    if len(c.node.outputs) > 1 and c.node.outputs[1]:
        raise UnreadError("the second output, the places of the maxima")
    if pair(c.attribute("dilations", (1, 1))) != (1, 1):
        raise UnreadError("a dilation above 1")
    return _pool(c, "max")


def average_pool(c: Context) -> Value:
    """AveragePool."""
    return _pool(c, "mean")


def _pool(c: Context, kind: str) -> Value:
    x = c.image()
    size, strides = pair(c.attribute("kernel_shape")), pair(c.attribute("strides", (1, 1)))
    pads = pads_of(c, x, size, strides, (1, 1))
    if c.attribute("ceil_mode", 0):
        pads = at_every_size(
            x.shape[2:], lambda sizes: _with_last_windows(sizes, pads, size, strides)
        )
    # Of an open size, "same" would be other pads than the file's at some sizes.
    may_be_same = strides == (1, 1) or not is_open(x.shape)
    same = may_be_same and pads == automatic_pads(x, size, strides, (1, 1))
    image, padding = x.tensor, "valid"
    if pads != NONE and same and (kind == "max" or not c.attribute("count_include_pad", 0)):
        padding = "same"  # of Keras: minus infinity, or only what lies inside counts
    elif pads != NONE and (kind == "mean" or x.positive):
        if kind == "mean" and not c.attribute("count_include_pad", 0):
            raise UnreadError(f"pads {pads} that do not count")
        image = c.write(ZeroPadding(image, pads), "_pad")
    elif pads != NONE:
        image = c.call(Pad2D(pads, value=_LEAST, name=f"{c.name}_pad"), image)
    made = Pool(image, kind, size, strides, padding)
    return c.like(x, c.write(made), positive=x.positive)


def _with_last_windows(sizes: Any, pads: Pads, size: Any, strides: Any) -> Pads:
    """Pads that reach as far as the windows of `ceil_mode`, which begin inside of image and pad."""
    result = []
    for length, (begin, end), window, step in zip(sizes, pads, size, strides, strict=True):
        count = -(-(length + begin + end - window) // step) + 1
        if (count - 1) * step >= length + begin:
            count -= 1
        missing = (count - 1) * step + window - (length + begin + end)
        result.append((begin, end + max(missing, 0)))
    return result[0], result[1]


def global_average_pool(c: Context) -> Value:
    """GlobalAveragePool."""
    return _reduced(c, "mean", tuple(range(2, c.value().rank)), True)


def global_max_pool(c: Context) -> Value:
    """GlobalMaxPool."""
    return _reduced(c, "max", tuple(range(2, c.value().rank)), True)


def _reduction(kind: str) -> Any:
    def reduce(c: Context) -> Value:
        axes = c.option("axes", 1)
        if axes is None:
            raise UnreadError("all axes, the batch included")
        rank = c.value().rank
        return _reduced(c, kind, tuple(a % rank for a in axes), bool(c.attribute("keepdims", 1)))

    return reduce


def _reduced(c: Context, kind: str, axes: tuple[int, ...], keepdims: bool) -> Value:
    x = c.value()
    if 0 in axes:
        raise UnreadError("a reduction over the batch")
    stored = tuple(sorted(x.stored_axis(axis) for axis in axes))
    tensor = c.write(Reduction(x.tensor, kind, stored, keepdims))
    if keepdims:
        return c.like(x, tensor, positive=x.positive)
    left = [axis for axis in x.order if axis not in axes]
    ranks = {axis: place for place, axis in enumerate(sorted(left))}
    return Value(tensor, tuple(ranks[axis] for axis in left), x.positive)


KINDS = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalAveragePool": global_average_pool,
    "GlobalMaxPool": global_max_pool,
    "ReduceMean": _reduction("mean"),
    "ReduceSum": _reduction("sum"),
    "ReduceMax": _reduction("max"),
    "ReduceMin": _reduction("min"),
}
