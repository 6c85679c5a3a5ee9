"""A transposed convolution with fixed bilinear weights is a resize of each channel by itself.

Its kernel is w(i) w(j) on the diagonal of the channels, w(i) = 1 - |i - c| / f with f = ceil(k / 2)
and c the middle of k = 2 s - s mod 2 taps, so that y[o] = sum_i x[i] w(o + begin - s i) by row and
by column: at most two neighbours an axis, with weights that add up to 1. That is the bilinear
resize with half-pixel centres of x in a frame of zeros, for outside of x the transposed convolution
sees zeros. `_frame` says which part of the resized image it is.
"""

import math

import numpy as np

from ...program._graph import Tensor
from ...program._operations import Crop, Pads, Resize, Transposed, ZeroPadding
from .._match import Here, require
from .._rewrite import Rewrite, block

NAME = "deconvolution"


def as_resize(here: Here) -> Rewrite:
    """A transposed convolution whose weights are bilinear and keep every channel to itself."""
    view = here.this(Transposed)
    require(view.activation is None, "an activation follows")
    require(max(view.scale) > 1 and _is_bilinear(view), "its weights are not bilinear")
    require(view.bias is None or not np.any(np.asarray(view.bias)), "it has a bias")
    pads, crop = _frame(view)
    require(
        min(n for pair in crop for n in pair) >= 0, "it makes pixels outside of the resized image"
    )

    def resize(x: Tensor) -> Tensor:
        emit = here.emitter()
        x = emit.write(ZeroPadding(x, pads), "_pad")
        x = emit.write(Resize(x, "bilinear", view.scale))
        return emit.write(Crop(x, crop), "_crop")

    channels = int(view.kernel.shape[3])
    rows, columns = view.kernel.shape[:2]
    height, width = view.x.shape[1:3]
    return here.rewrite(
        (view.x,),
        {"resize": resize},
        f"{channels} channels by themselves, not {channels}x{channels}",
        block=block(
            f"bilinear deconvolution {rows}x{columns}/{view.scale[0]} of {{}} at {{}}x{{}}",
            channels,
            height,
            width,
        ),
        always=channels > 1,
    )


PATTERNS = (as_resize,)


def _is_bilinear(view: Transposed) -> bool:
    kernel = np.asarray(view.kernel)
    rows, columns, filters, channels = kernel.shape
    if filters != channels:
        return False
    tents = []
    for k, s in zip((rows, columns), view.scale, strict=True):
        if k != 2 * s - s % 2:
            return False  # another kernel of this shape doesn't interpolate
        tents.append(_tent(k))
    expected = np.zeros(kernel.shape)
    diagonal = np.arange(channels)
    expected[:, :, diagonal, diagonal] = np.multiply.outer(*tents)[:, :, None]
    return bool(np.allclose(kernel, expected, rtol=0, atol=1e-6))


def _tent(k: int) -> np.ndarray:
    factor = math.ceil(k / 2)
    centre = factor - 1 if k % 2 else factor - 0.5
    return 1 - np.abs(np.arange(k) - centre) / factor


def _frame(view: Transposed) -> tuple[Pads, Pads]:
    """((pads of x), (crop of the resized image)): x is framed with a pixel of zeros.

    Resized pixel o of x alone has u(o) = (o + 1/2) / s - 1/2. The transposed convolution's o has
    x[i] at weight 1 where o + begin - s i = c, so u(o) = (o + begin - c) / s, and the two agree
    where o_resized = o + begin - c + (s - 1) / 2, a whole number for k = 2 s - s % 2. The frame
    adds s pixels in front of the resized image.
    """
    crops = []
    for k, s, (begin, end) in zip(view.kernel.shape[:2], view.scale, view.crop, strict=True):
        k = int(k)
        centre = (k - 1) / 2
        shift = round(begin - centre + (s - 1) / 2)
        first = s + shift
        # of s (n + 2) pixels, (n - 1) s + k - begin - end are wanted
        crops.append((first, 3 * s - k + begin + end - first))
    return ((1, 1), (1, 1)), (crops[0], crops[1])
