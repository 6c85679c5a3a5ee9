"""Joint bilateral upsampling: interpolation that keeps the edges of a guide image."""

from typing import Any

import numpy as np
from keras import ops

from . import _arguments as arguments
from ._backend import (
    at_least,
    computing_type,
    from_channels_last,
    image_tensor,
    part,
    to_channels_last,
)
from ._lacking import PRODUCTS, lacks
from ._reassemble import (
    moved_images,
    repeat_edges,
    rows_of_windows,
    weighted_windows,
    window_rows,
)
from ._shuffle import pixel_unshuffle

# Exponents so far below the largest add nothing to a sum in that dtype (e^-20 = 2e-9, e^-45 =
# 3e-20), and the range of the others is then, in float32, one that 8 bits can hold.
_FARTHEST = {"float32": 20.0, "float64": 45.0}


def joint_bilateral(
    x: Any,
    guide: Any,
    scale: int = 2,
    *,
    radius: int = 2,
    spatial_sigma: float = 0.5,
    range_sigma: float = 0.1,
    data_format: str | None = None,
) -> Any:
    """Upsample by a mean of nearby pixels, weighted by their similarity in a guide image.

    y[p] = sum over q of w(p, q) x[q] / sum over q of w(p, q), with
    w(p, q) = exp(−|u(p) − q|²/(2 σs²)) · exp(−|G[p] − g[q]|²/(2 σr²)).

    u is the half-pixel source coordinate; q runs over the (2r + 1)² pixels around floor(p/s) that
    lie inside the image; G is the guide, which has the output's size; g is its mean over the s x s
    block of each input pixel; |·| is the Euclidean length, over both axes and over the guide's
    channels. An edge in the guide stays sharp: x = `0 1` with the guide `0 0 1 1` -> `0 0 1 1`; a
    constant guide gives a Gaussian.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first".
        guide: floats, (N, s·H, s·W, D), or (N, D, s·H, s·W), any number D of channels.
        scale: factor s, the same for rows and columns, >= 1.
        radius: r, in pixels of `x`, >= 1; the authors' 2.
        spatial_sigma: σs, in pixels of `x`, > 0; the authors' 0.5.
        range_sigma: σr, in the guide's units, > 0; the authors' 0.1 is for images in [0, 1].
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        (N, s·H, s·W, C), or (N, C, s·H, s·W), of `x`'s dtype. The weights are computed in float32
        (in float64 for float64), in a way that keeps their sum above 0 for any σr.

    Raises:
        ValueError, TypeError: a bad argument; a guide of another size.

    Reference: Kopf et al., Joint bilateral upsampling, SIGGRAPH 2007, section 3. (The paper reads
    the guide at single pixels; this function takes the block's mean.)
    """
    scale = arguments.integer(scale, "scale")
    radius = arguments.integer(radius, "radius")
    spatial_sigma = arguments.positive(spatial_sigma, "spatial_sigma")
    range_sigma = arguments.positive(range_sigma, "range_sigma")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    guide = image_tensor(guide, floating=True, name="guide")
    check_guide(tuple(x.shape), tuple(guide.shape), scale, data_format)
    x, guide = (to_channels_last(value, data_format) for value in (x, guide))
    y = upsample_by_guide(x, guide, scale, radius, spatial_sigma**-2 / 2, range_sigma**-2 / 2)
    return from_channels_last(y, data_format)


def check_guide(
    shape: tuple[int | None, ...],
    guide: tuple[int | None, ...],
    scale: int,
    data_format: str,
    name: str = "guide",
    small: str = "the input",
) -> None:
    """Raise where the guide is known not to be `scale` times as large as the input."""
    for axis in arguments.spatial_axes(data_format):
        have, wanted = guide[axis], shape[axis]
        if have is not None and wanted is not None and have != wanted * scale:
            raise ValueError(
                f"`{name}` must be `scale`={scale} times as large as {small}. Received shapes "
                f"{guide} and {shape}. Resize or crop the {name} first."
            )


def upsample_by_guide(
    x: Any, guide: Any, scale: int, radius: int, spatial_precision: Any, range_precision: Any
) -> Any:
    """`joint_bilateral` of channels-last tensors; a precision is 1/(2 σ²), a number or scalar."""
    size = 2 * radius + 1
    kind = computing_type(x)
    farthest = _FARTHEST[kind]
    guide = ops.cast(guide, kind)
    low = ops.average_pool(guide, scale, scale, "valid", data_format="channels_last")
    blocks = pixel_unshuffle(guide, scale, data_format="channels_last")  # (N, H, W, s²·D)
    distances = _distances_by_convolution if lacks(PRODUCTS) else _distances
    distance = distances(blocks, repeat_edges(low, ((radius, radius),) * 2), scale**2, size)
    # A tensor, because PyTorch does not multiply an array by a tensor.
    squares = ops.convert_to_tensor(_squares(scale, radius)[None], dtype=kind)
    exponents = distance * -range_precision - squares * spatial_precision
    # A pixel outside repeats one inside that is nearer, so that the largest is one of the inside.
    exponents = exponents - ops.max(exponents, axis=-1, keepdims=True)
    exponents = at_least(exponents, -farthest)
    exponents = at_least(exponents - farthest * outside(low, size), -farthest)
    weights = ops.softmax(exponents, axis=-1)
    weights = ops.reshape(weights, (-1, scale**2, size**2))  # (N·H·W, s², size²)
    return weighted_windows(x, ops.cast(weights, x.dtype), scale)


def _distances(blocks: Any, low: Any, phases: int, size: int) -> Any:
    """Squared distances of the guide's pixels to their windows of `low`: (1, N·H·W, s², size²).

    At rank 4 with an axis of 1 in front: LiteRT's GPU accelerator adds constants of rank 3 wrongly
    where their first axis is longer.
    """
    channels = low.shape[3]
    blocks = ops.reshape(blocks, (-1, phases, 1, channels))  # (N·H·W, s², 1, D)
    distances = []
    for row in rows_of_windows(low, size):
        difference = blocks - ops.reshape(row, (-1, 1, size, channels))  # (N·H·W, s², size, D)
        squared = ops.sum(difference * difference, axis=3)
        # Each for itself: behind the concatenation TFLite's converter would drop the axis again.
        distances.append(ops.reshape(squared, (1, -1, phases, size)))
    return ops.concatenate(distances, axis=3)


def _distances_by_convolution(blocks: Any, low: Any, phases: int, size: int) -> Any:
    """The same on maps, and the sums over channels by a 1x1 convolution with zeros and ones."""
    channels, taps = low.shape[3], size**2
    squares = []
    for moved in moved_images(low, size, size):
        difference = blocks - ops.concatenate([moved] * phases, axis=3)  # (N, H, W, s²·D)
        squares.append(difference * difference)
    ones = np.zeros((taps, phases, channels, phases, taps))
    for phase, tap in np.ndindex(phases, taps):
        ones[tap, phase, :, phase, tap] = 1
    kernel = ops.convert_to_tensor(ones.reshape(1, 1, -1, phases * taps), dtype=low.dtype)
    squared = ops.concatenate(squares, axis=3)  # (N, H, W, size²·s²·D)
    distance = ops.conv(squared, kernel, data_format="channels_last")  # (N, H, W, s²·size²)
    return ops.reshape(distance, (1, -1, phases, taps))


def outside(low: Any, size: int) -> Any:
    """1 where a pixel of the window is outside the image, else 0: (1, N·H·W, 1, size²)."""
    inside = ops.ones_like(part(low, 3, 0, 1))
    rows = [ops.reshape(row, (1, -1, 1, size)) for row in window_rows(inside, size)]
    return 1 - ops.concatenate(rows, axis=3)


def _squares(scale: int, radius: int) -> np.ndarray:
    """The squared distances from the s² output pixels of a block to a window: (1, s², (2r+1)²)."""
    steps = (np.arange(scale) - (scale - 1) / 2) / scale
    taps = np.arange(-radius, radius + 1)
    axis = (steps[:, None] - taps) ** 2  # (s, 2r+1)
    both = axis[:, None, :, None] + axis[None, :, None, :]  # (s, s, 2r+1, 2r+1)
    return both.reshape(1, scale**2, -1)
