"""What FreqFusion computes beside convolutions: windowed kernels, similarity of neighbours."""

import itertools
from typing import Any

import numpy as np
from keras import ops

from ._backend import at_least, is_half, part
from ._shuffle import pixel_unshuffle


def windowed_kernels(logits: Any, scale: int) -> Any:
    """Kernels of the output pixels, of logits (N, s·H, s·W, k²): (N·H·W, s², k²).

    w[t] = h[t] e^z[t] / sum over t of h[t] e^z[t], with Hamming's window h over rows times columns;
    that is the softmax of z + log h. The middle of 5 has 1, the corners have 0.0064.
    """
    taps = logits.shape[3]
    line = np.hamming(round(taps**0.5))
    window = np.log(np.outer(line, line)).reshape(1, 1, 1, -1)
    logits = logits + ops.convert_to_tensor(window, dtype=logits.dtype)
    blocks = pixel_unshuffle(logits, scale, data_format="channels_last")  # (N, H, W, s²·k²)
    return ops.softmax(ops.reshape(blocks, (-1, scale**2, taps)), axis=-1)


def neighbour_cosines(x: Any, step: int = 2) -> Any:
    """Cosines between each pixel and its 8 neighbours at a distance, zero outside: (N, H, W, 8).

    They are ordered by rows: above left, above, above right, left, right, ...; -1 to 1 each.
    """
    squares = sum_of_channels(x * x)
    # The squares of half-precision values may be 0.
    least = 1e-6 if is_half(x) else 1e-16
    unit = x * ops.rsqrt(at_least(squares, least))  # (N, H, W, C)
    around = ops.pad(unit, ((0, 0), (step, step), (step, step), (0, 0)))
    ends = [(shift, shift - 2 * step or None) for shift in (0, step, 2 * step)]
    cosines = []
    for number, (rows, columns) in enumerate(itertools.product(ends, ends)):
        if number != 4:  # the pixel itself
            moved = part(part(around, 1, *rows), 2, *columns)
            cosines.append(sum_of_channels(unit * moved))
    return ops.concatenate(cosines, axis=3)


def sum_of_channels(x: Any) -> Any:
    """(N, H, W, 1), by a convolution: accelerators lack SUM over channels, or have it wrong.

    LiteRT 2.3 on a GPU returns other values for the SUM of eight products with shifted images,
    concatenated.
    """
    ones = ops.ones((1, 1, x.shape[3], 1), dtype=x.dtype)
    return ops.conv(x, ones, data_format="channels_last")
