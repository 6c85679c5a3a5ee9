"""Area resizing: the mean over the part of the image that an output pixel covers."""

from typing import Any

from keras import ops

from . import _arguments as arguments
from . import _sampling as sampling
from ._backend import Size, computing_type, from_channels_last, image_tensor, to_channels_last
from ._forms import forms_for
from ._matrix_forms import by_computed_matrices
from ._resample import Factor, resample
from ._resize import resize_nearest


def resize_area(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    data_format: str | None = None,
) -> Any:
    """Resize by the mean over the area of each output pixel: `1 2 3 -> 1.33 2.67` for 2 pixels.

    y[i] = (n_out/n_in) ∫ x(v) dv from i n_in/n_out to (i + 1) n_in/n_out on each axis, where
    x(v) = x[floor(v)]. The weights are computed from integer overlaps, exactly at every ratio. A
    size that divides the input's gives block means (average pooling); an integer `scale` gives
    copies, as `resize_nearest` does.

    Args:
        x: floats, (N, H, W, C), or (N, C, H, W) for "channels_first".
        scale: factor, or (rows, columns) factors, whole and >= 1.
        size: output pixels, or (rows, columns); exactly one of `scale` and `size`.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The resized images, of `x`'s dtype. Half precision is computed in float32 and rounded once.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.

    Reference: `tf.image.resize` with method="area". (PyTorch's "area" and adaptive average pooling
    give partly covered pixels full weight; they agree with this if `size` divides the input's.)
    """
    factors, target = arguments.scale_or_size(scale, size)
    data_format = arguments.data_format_of(data_format)
    x = image_tensor(x, floating=True)
    if target is None:
        return resize_nearest(x, scale=factors, data_format=data_format)
    lengths = [x.shape[axis] for axis in arguments.spatial_axes(data_format)]
    if None in lengths:
        return by_computed_matrices(x, target, _shares, data_format)
    whole = all(n % m == 0 for n, m in zip(lengths, target, strict=True))
    if whole and tuple(lengths) != target and forms_for("area")[0] == "operator":
        return mean_of_blocks(x, (lengths[0] // target[0], lengths[1] // target[1]), data_format)
    return resample(
        x, "area", None, target, "half_pixel", data_format, sampling.area_taps, native=False
    )


def mean_of_blocks(x: Any, blocks: tuple[int, int], data_format: str) -> Any:
    """Return the means of blocks that tile the image."""
    dtype = x.dtype
    x = ops.cast(to_channels_last(x, data_format), computing_type(x))
    y = ops.average_pool(x, blocks, blocks, "valid", data_format="channels_last")
    return ops.cast(from_channels_last(y, data_format), dtype)


def overlaps(n_in: Size, n_out: int) -> Any:
    """Return how far input pixel k lies in output pixel i, (n_out, n_in), whole numbers.

    In units of 1/n_out of an input pixel, at a size that the graph alone knows.
    """
    n_in = ops.cast(n_in, "int64")
    i = ops.expand_dims(ops.arange(n_out, dtype="int64"), 1)
    k = ops.expand_dims(ops.arange(n_in, dtype="int64"), 0)
    begin = ops.maximum(i * n_in, k * n_out)
    end = ops.minimum((i + 1) * n_in, (k + 1) * n_out)
    return ops.maximum(end - begin, 0)


def _shares(n_in: Size, n_out: int, dtype: str) -> Any:
    """Return the matrix (n_out, n_in) of `area_taps`."""
    return ops.cast(overlaps(n_in, n_out), dtype) / ops.cast(n_in, dtype)
