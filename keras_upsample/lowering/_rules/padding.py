"""Zero padding is merged into the convolution that follows it.

A convolution with pads (p, q) sees zeros outside of its input; with a padding of (a, b) in front it
sees a + p and b + q of them. The sum is stated as Keras' "same" where it is that; elsewhere nothing
is won, because Keras has no other words for it.
"""

from dataclasses import replace

from ...program._graph import Tensor
from ...program._keras_reader import same_pads
from ...program._operations import Convolution, ZeroPadding
from .._match import Here, NoMatch, require
from .._rewrite import Rewrite

NAME = "padding"


def into_same(here: Here) -> Rewrite:
    """ZeroPadding2D -> convolution."""
    convolution = here.this(Convolution)
    if isinstance(convolution.pads, str):
        raise NoMatch("its own padding depends on an open size")
    zeros = here.behind(convolution.x, ZeroPadding)
    (top, bottom), (left, right) = zeros.pads
    (a, b), (c, d) = convolution.pads
    total = ((top + a, bottom + b), (left + c, right + d))
    same = same_pads(
        zeros.x.shape[1:3], convolution.size, convolution.strides, convolution.dilation
    )
    require(total == same, f'zeros of {total} are not those of "same"')
    merged = replace(convolution, pads=total)

    def build(x: Tensor) -> Tensor:
        return here.emitter().write(merged.on(x))

    return here.rewrite((zeros.x,), {"same": build}, "no copy of the feature map", always=True)


PATTERNS = (into_same,)
