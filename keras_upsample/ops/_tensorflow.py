"""TensorFlow's own operators, taken only where they compute exactly what is asked for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from .._others import _tensorflow as private
from . import _sampling as sampling
from ._arguments import spatial_axes
from ._channel_order import from_channels_last, to_channels_last

Pair = tuple[int, int]

_FLAGS = {  # coordinates -> (align_corners, half_pixel_centers)
    "half_pixel": (False, True),
    "align_corners": (True, False),
    "asymmetric": (False, False),
}
_BICUBIC_TABLE = 1024  # ResizeBicubic rounds offsets to this fraction of a pixel


def gather(x: tf.Tensor, indices: Any, axis: int) -> tf.Tensor:
    """Take `indices` along `axis`."""
    if isinstance(indices, np.ndarray):
        indices = indices.astype("int32")
    return tf.gather(x, indices, axis=axis)


def assert_in_graph(condition: tf.Tensor, x: tf.Tensor, text: str, values: tf.Tensor) -> tf.Tensor:
    """Return `x`, computed only after the graph found `condition` true; else it raises `text`."""
    with tf.control_dependencies([tf.debugging.Assert(condition, [text, values], summarize=10)]):
        return tf.identity(x)


def part(x: tf.Tensor, axis: int, indices: range) -> tf.Tensor:
    """Cut a piece out of one axis of a tensor of known shape."""
    begin, size = [0] * len(x.shape), x.shape.as_list()
    begin[axis], size[axis] = indices.start, len(indices)
    return tf.slice(x, begin, size)


def in_xla() -> bool:
    """Say whether a graph is being traced for XLA (jit_compile=True)."""
    return not tf.executing_eagerly() and private.graph_is_for_xla()


def resize(
    x: tf.Tensor,
    interpolation: str,
    factors: Pair | None,
    target: Pair | None,
    coordinates: str,
    data_format: str,
) -> tf.Tensor | None:
    """Resize by TensorFlow's operator, or return None where it would compute something else."""
    axes = spatial_axes(data_format)
    n_in = [x.shape[axis] for axis in axes]
    if not _coincides(interpolation, x.dtype, n_in, factors, target, coordinates):
        return None
    n_out = [_length(n, k, factors, target) for k, n in enumerate(n_in)]
    dtype = x.dtype
    x = to_channels_last(x, data_format)
    if None not in n_out:
        size = tf.constant(n_out, "int32")
    else:
        # `size` always makes the output known, so that factors are what is left.
        size = tf.shape(x)[1:3] * tf.constant(factors, "int32")
    align_corners, half_pixel = _FLAGS[coordinates]
    if interpolation == "nearest":
        if factors is not None and coordinates == "asymmetric":
            # Equal at whole factors, and the float32 index is then half a step from any edge.
            half_pixel = True
        y = tf.raw_ops.ResizeNearestNeighbor(
            images=x, size=size, align_corners=align_corners, half_pixel_centers=half_pixel
        )
    else:
        name = {"bilinear": "ResizeBilinear", "bicubic": "ResizeBicubic"}[interpolation]
        if dtype != tf.float32:
            x = tf.cast(x, tf.float32)
        y = getattr(tf.raw_ops, name)(
            images=x, size=size, align_corners=align_corners, half_pixel_centers=half_pixel
        )
        if dtype != tf.float32:
            y = tf.cast(y, dtype)
    y.set_shape((x.shape[0], *n_out, x.shape[3]))
    return from_channels_last(y, data_format)


def _length(n: int | None, k: int, factors: Pair | None, target: Pair | None) -> int | None:
    if factors is None:
        return target[k] if target is not None else None
    return None if n is None else n * factors[k]


def _coincides(
    interpolation: str,
    dtype: tf.DType,
    n_in: list[int | None],
    factors: Pair | None,
    target: Pair | None,
    coordinates: str,
) -> bool:
    lengths = [(n, _length(n, k, factors, target)) for k, n in enumerate(n_in)]
    if interpolation == "nearest":
        if in_xla():
            return False  # XLA has no kernel for its gradient
        if factors is not None and coordinates != "align_corners":
            return True
        return all(_nearest_index_is_exact(n, m, coordinates) for n, m in lengths)
    if dtype == tf.float64:
        return False  # the operators return float32
    if interpolation == "bicubic":
        return not in_xla() and _dyadic(lengths, factors, coordinates)
    # XLA's bilinear operator takes a wrong neighbour at some sizes (9 -> 27 pixels, for one),
    # because it rounds the coordinate; where coordinates are exact in binary it can't.
    return not in_xla() or _dyadic(lengths, factors, coordinates)


def _dyadic(
    lengths: list[tuple[int | None, int | None]], factors: Pair | None, coordinates: str
) -> bool:
    """Say whether all offsets are multiples of 1/1024 of a pixel, so exact in every step."""
    for k, (n, m) in enumerate(lengths):
        if n is None or m is None:
            power_of_two = factors is not None and factors[k] & (factors[k] - 1) == 0
            if not power_of_two or factors is None or factors[k] > _BICUBIC_TABLE // 2:
                return False
            if coordinates == "align_corners":
                return False
        else:
            numerator, denominator = sampling.source_ratio(n, m, coordinates)
            if np.any(numerator * _BICUBIC_TABLE % denominator):
                return False
    return True


def _nearest_index_is_exact(n: int | None, m: int | None, coordinates: str) -> bool:
    """Say whether the operator's float32 index equals the exact one, by computing it as it does."""
    if n is None or m is None:
        return False
    one = np.float32(1)
    i = np.arange(m, dtype=np.float32)
    if coordinates == "align_corners":
        step = np.float32(n - 1) / np.float32(m - 1) if m > 1 else np.float32(n) / one
        index = np.floor(i * step + np.float32(0.5))
    else:
        step = np.float32(n) / np.float32(m)
        offset = np.float32(0.5 if coordinates == "half_pixel" else 0)
        index = np.floor((i + offset) * step)
    index = np.clip(index, 0, n - 1)
    return bool(np.all(index == sampling.nearest_indices(n, m, coordinates)))


def bias_add(x: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Add a vector to the channels, channels last."""
    return tf.nn.bias_add(x, tf.convert_to_tensor(bias))


def depth_to_space(x: tf.Tensor, scale: int) -> tf.Tensor:
    """Shuffle blocks of channels (order "dcr") into space, channels last."""
    return tf.nn.depth_to_space(x, scale)


def space_to_depth(x: tf.Tensor, scale: int) -> tf.Tensor:
    """Undo `depth_to_space`."""
    return tf.nn.space_to_depth(x, scale)


def pad(x: tf.Tensor, pads: Any, shape: list[int | None]) -> tf.Tensor:
    """Pad zeros, by amounts that the graph may compute; `shape` is what is known of the result."""
    y = tf.pad(x, pads)
    y.set_shape(shape)
    return y


def conv_transpose(
    x: tf.Tensor, kernel: tf.Tensor, strides: Sequence[int], lengths: Sequence[Any], padding: str
) -> tf.Tensor:
    """Transposed convolution of images or volumes, channels last, to the given lengths."""
    batch = x.shape[0] if x.shape[0] is not None else tf.shape(x)[0]
    shape = (batch, *lengths, kernel.shape[-2])
    convolve = tf.nn.conv2d_transpose if len(lengths) == 2 else tf.nn.conv3d_transpose
    y = convolve(
        x,
        kernel,
        shape if all(isinstance(s, int) for s in shape) else tf.stack(shape),
        strides=tuple(strides),
        padding=padding,
    )
    y.set_shape([size if isinstance(size, int) else None for size in shape])
    return y
