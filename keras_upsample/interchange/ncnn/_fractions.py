"""Resizes by p/q for open sizes: p² filters of strides q, and a pixel shuffle."""

import math
from fractions import Fraction
from typing import Any

import numpy as np

from ...program._operations import Shuffle
from .._layers import Pad2D
from ._param import NcnnError, Number
from ._place import Place
from ._value import Value

_COEFFICIENT = -0.75


def fraction_of(scale: Number) -> Fraction:
    """The number as p/q with a small q, as 0.75 is meant.

    Raises:
        NcnnError: there is none.
    """
    found = Fraction(scale).limit_denominator(16)
    if found <= 0 or abs(float(found) - scale) > 1e-6 or found > 64:
        raise NcnnError(f"a resize by {scale}; fractions p/q with q up to 16 are read")
    return found


def resized_by_fraction(p: Place, x: Value, scale: Fraction, *, cubic: bool) -> Any:
    """The tensor of a resize by p/q, half-pixel coordinates, the border repeated.

    y[p k + r] = Σ_j w(u_r - j) x[q k + j] with u_r = (r + 1/2) q/p - 1/2: the weights depend on r
    alone. So the p² phases are filters of one convolution of strides q, shuffled into place. Rows
    and columns must be multiples of q.
    """
    import keras

    rows, begin = phases(scale, cubic=cubic)
    end = rows.shape[1] - begin - scale.denominator
    pads = ((begin, end), (begin, end))
    padded = p.call(Pad2D(pads, "edge", name=f"{p.name}_pad"), x.tensor)
    count, reach = rows.shape
    kernel = np.einsum("ra,sb->abrs", rows, rows).reshape(reach, reach, 1, count * count)
    layer: Any = keras.layers.DepthwiseConv2D(
        reach,
        strides=scale.denominator,
        depth_multiplier=count * count,
        use_bias=False,
        data_format="channels_last",
        trainable=False,
        name=f"{p.name}_phases",
    )
    y = p.call(layer, padded)
    layer.kernel.assign(np.tile(kernel, (1, 1, x.channels, 1)))
    return p.write(Shuffle(y, count, "crd"))


def phases(scale: Fraction, *, cubic: bool) -> tuple[np.ndarray, int]:
    """The weights (p, taps) of the phases, and how many taps lie before the block of q pixels."""
    centres = [(r + Fraction(1, 2)) / scale - Fraction(1, 2) for r in range(scale.numerator)]
    before, behind = (1, 2) if cubic else (0, 1)
    first = min(math.floor(u) for u in centres) - before
    last = max(math.floor(u) for u in centres) + behind
    first, last = min(first, 0), max(last, scale.denominator - 1)
    weight = _keys if cubic else lambda d: max(1 - abs(d), 0.0)
    rows = [[weight(float(u - j)) for j in range(first, last + 1)] for u in centres]
    return np.array(rows, "float32"), -first


def _keys(d: float) -> float:
    a, d = _COEFFICIENT, abs(d)
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0
