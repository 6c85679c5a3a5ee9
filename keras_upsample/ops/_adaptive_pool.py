"""Adaptive average pooling: means over windows that cover the image, whatever its size."""

from typing import Any

from keras import ops

from . import _arguments as arguments
from . import _sampling as sampling
from ._area import mean_of_blocks, overlaps
from ._backend import image_tensor
from ._forms import forms_for
from ._matrix_forms import by_computed_matrices
from ._resample import Factor, resample


def adaptive_average_pool(x: Any, *, size: Factor, data_format: str | None = None) -> Any:
    """Mean over windows of whole pixels, as many as `size` says: `1 2 3 -> 1.5 2.5` for 2.

    y[i] is the mean of x[floor(i n_in/n_out)] up to, not including, x[ceil((i + 1) n_in/n_out)] on
    each axis. These are the pixels that output pixel i covers at least in part, all with one
    weight; `resize_area` weighs by the part. Both agree if `size` divides the input's.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first".
        size: output pixels, or (rows, columns); also more than the input has.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The means, of `x`'s dtype. Half precision is computed in float32 and rounded once.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.

    Reference: `torch.nn.AdaptiveAvgPool2d`.
    """
    target = arguments.pair(size, "size")
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    lengths = [x.shape[axis] for axis in arguments.spatial_axes(data_format)]
    if None in lengths:
        return by_computed_matrices(x, target, _windows, data_format)
    whole = all(n % m == 0 for n, m in zip(lengths, target, strict=True))
    if whole and tuple(lengths) != target and forms_for("area")[0] == "operator":
        return mean_of_blocks(x, (lengths[0] // target[0], lengths[1] // target[1]), data_format)
    return resample(
        x, "area", None, target, "half_pixel", data_format, sampling.window_taps, native=False
    )


def _windows(n_in: Any, n_out: int, dtype: str) -> Any:
    """Return the matrix (n_out, n_in) of `window_taps`, at a size that the graph alone knows."""
    inside = ops.cast(overlaps(n_in, n_out) > 0, dtype)
    return inside / ops.sum(inside, axis=1, keepdims=True)
