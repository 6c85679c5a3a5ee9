"""Two linear convolutions of which one is 1x1 become one.

Q * (P x + b) + c = (Q P) * x + (Q * b + c) for a 1x1 P, where Q * b is a constant if Q meets no
padding or b is 0; and P (Q * x + c) + b = (P Q) * x + (P c + b) for any Q. Taken only where the
product costs no more multiply-adds than the two.
"""

from dataclasses import replace

import numpy as np

from ...program._graph import Tensor
from ...program._operations import NONE, Convolution, Dense
from .._match import Here, require
from .._rewrite import Rewrite
from . import _resizes

NAME = "merge"


def two_convolutions(here: Here) -> Rewrite:
    """Convolution, or dense layer of a map, -> convolution with no activation in between.

    One of them is 1x1, as a dense layer is.
    """
    second = here.this(Convolution)
    first = _resizes.as_convolution(here.behind(second.x, Convolution, Dense))
    assert first is not None
    require(not (first.depthwise or second.depthwise), "one of the two is depthwise")
    require(first.activation is None, "an activation lies between")
    require(first.pointwise or second.pointwise, "none of the two is 1x1")
    if second.pointwise:
        wide, product = first, "hwio,zyop->hwip"
    else:
        wide, product = second, "zyio,hwop->hwip"
        meets_zeros = second.pads != NONE and first.bias is not None
        require(
            not (meets_zeros and np.any(np.asarray(first.bias))),
            "the bias before does not reach the zeros of the padding",
        )
    before, after = _costs(first, second, wide)
    require(after <= before, f"one convolution has x{after / before:.2f} the multiply-adds")
    a, b = first.exact_kernel, second.exact_kernel
    bias = second.exact_bias
    if first.exact_bias is not None:
        moved = np.einsum("hwio,i->o", b, first.exact_bias)
        bias = moved if bias is None else moved + bias
    merged = replace(wide, kernel=np.einsum(product, a, b), bias=bias, activation=second.activation)

    def build(x: Tensor) -> Tensor:
        return here.emitter().write(merged.on(x))

    gain = f"multiply-adds x{after / before:.2f}"
    return here.rewrite((first.x,), {"one convolution": build}, gain, always=True)


PATTERNS = (two_convolutions,)


def _costs(first: Convolution, second: Convolution, wide: Convolution) -> tuple[int, int]:
    """Multiply-adds a pixel of both, and of one in their place."""
    channels, between = (int(n) for n in first.kernel.shape[2:])
    filters = int(second.kernel.shape[3])
    both = _taps(first) * channels * between + _taps(second) * between * filters
    return both, _taps(wide) * channels * filters


def _taps(convolution: Convolution) -> int:
    return convolution.size[0] * convolution.size[1]
