"""What convolutions and pools share: images with channels last, and pads by name or number."""

from collections.abc import Sequence

from ...program._keras_reader import same_pads
from .._context import Context, UnreadError
from .._lengths import is_open
from .._open import at_every_size
from .._value import CHANNELS_LAST, Value

Around = list[tuple[int, int]]

NO_PADS = {axes: [(0, 0)] * axes for axes in (1, 2, 3)}


def spatial(c: Context, x: Value) -> Value:
    """A line, an image or a volume with its channels last."""
    if x.rank not in (3, 4, 5):
        raise UnreadError(f"an input of {x.rank} dimensions; lines have 3, images 4, volumes 5")
    return c.ordered(x, CHANNELS_LAST[x.rank])


def around_windows(
    x: Value, kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Around:
    """The pads of SAME_UPPER: ceil(n / stride) windows, the odd pixel of the padding behind."""

    def same(lengths: Sequence[int]) -> Around:
        result = []
        for n, k, s, d in zip(lengths, kernel, strides, dilation, strict=True):
            pads = same_pads((n, n), (k, k), (s, s), (d, d))
            result.append((int(pads[0][0]), int(pads[0][1])))
        return result

    found: Around = at_every_size(x.shape[2:], same)
    return found


def may_be_same(x: Value, strides: Sequence[int]) -> bool:
    """Whether Keras' "same" pads alike at every size; of an open size it does at stride 1."""
    return max(strides) == 1 or not is_open(x.shape)


def pads_by_layer(c: Context, x: Value, strides: Sequence[int]) -> bool:
    """Whether only Keras' "same" gives the pads of a node: SAME_UPPER, whose pads depend on the
    size where that is open and the strides are above 1."""
    return c.attribute("auto_pad", "") == "SAME_UPPER" and not may_be_same(x, strides)


def begin_end(
    c: Context, x: Value, kernel: Sequence[int], strides: Sequence[int], dilation: Sequence[int]
) -> Around:
    """(Before, behind) of each axis but batch and channels, by `pads` or `auto_pad`."""
    axes = x.rank - 2
    for name, values in (("kernel", kernel), ("strides", strides), ("dilations", dilation)):
        if len(values) != axes or min(values) < 1:
            raise UnreadError(f"{name} {list(values)} for {axes} axes")
    auto = c.attribute("auto_pad", "NOTSET")
    if auto in ("NOTSET", ""):
        pads = c.attribute("pads", (0,) * 2 * axes)
        if len(pads) != 2 * axes:
            raise UnreadError(f"pads {list(pads)} for {axes} axes")
        return list(zip(pads[:axes], pads[axes:], strict=True))
    if auto == "VALID":
        return NO_PADS[axes]
    upper = around_windows(x, kernel, strides, dilation)
    if auto == "SAME_UPPER":
        return upper
    if auto == "SAME_LOWER":
        return [(behind, before) for before, behind in upper]
    raise UnreadError(f"auto_pad {auto!r}")
