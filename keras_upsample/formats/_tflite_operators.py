"""Operators of TensorFlow that TFLite lacks, traced as equal forms of operators that it has."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .._others import _tensorflow
from ..program._patching import Patch, Place
from ._patches import every, pads_of, patch_places, sliced_patches, spatial


@contextmanager
def replace_lacking_operators() -> Iterator[None]:
    """Inside, 3-D pools, patches, pools with places, 3-D convolutions in groups and products of
    integers are traced so.

    Layers, `keras.ops`, `tf.nn` and `tf.raw_ops` all build their operators through the functions
    that are replaced. Where sizes are open, or in a layout that nobody uses, TensorFlow's own
    operator stays, and the converter refuses it by name.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    gen_math_ops, gen_nn_ops = _tensorflow.gen_math_ops(), _tensorflow.gen_nn_ops()
    forms: Mapping[str, tuple[Any, str, Callable]] = {
        "max_pool3d": (gen_nn_ops, "MaxPool3D", partial(_pool_3d, tf.nn.max_pool2d)),
        "avg_pool3d": (gen_nn_ops, "AvgPool3D", partial(_pool_3d, tf.nn.avg_pool2d)),
        "max_pool_with_argmax": (gen_nn_ops, "MaxPoolWithArgmax", _max_pool_with_argmax),
        "conv3d": (gen_nn_ops, "Conv3D", _grouped_convolution_3d),
        "batch_mat_mul_v3": (gen_math_ops, "BatchMatMulV3", _integer_product),
        "bias_add": (gen_nn_ops, "BiasAdd", _channels_first_bias),
    }
    for name, (module, raw, form) in forms.items():
        yield module, name, _patch.by(form)
        yield tf.raw_ops, raw, _patch.by(form)
    yield from patch_places(_patch, sliced_patches)
    yield _tensorflow.nn_ops(), "convolution_internal", _patch.by(_dilated_convolution_3d)


_patch = Patch(_places)


class _Pooled(NamedTuple):
    """Both results of a pool with places, by TensorFlow's names."""

    output: Any
    argmax: Any


def _pool_3d(
    pool: Callable,
    original: Callable,
    input: Any,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    data_format: str,
    name: str | None,
) -> Any | None:
    """A pool over height and width, then one over depth: windows are products of intervals.

    The mean of means is the mean: all rows of a window hold equally many elements, at a border too,
    where only those inside the volume count.
    """
    import tensorflow as tf

    if data_format == "NCDHW":
        ksize, strides = (_channels_last(values) for values in (ksize, strides))
        x = tf.transpose(input, (0, 2, 3, 4, 1))
    else:
        x = tf.convert_to_tensor(input)
    if not spatial(x, ksize, strides):
        return None
    _, d, h, w, c = x.shape
    x = tf.reshape(x, (-1, h, w, c))  # (N·D, H, W, C)
    x = pool(x, ksize[2:4], strides[2:4], padding)
    h, w = x.shape[1:3]
    x = tf.reshape(x, (-1, d, h * w, c))  # (N, D, H'·W', C)
    x = pool(x, (ksize[1], 1), (strides[1], 1), padding)
    x = tf.reshape(x, (-1, x.shape[1], h, w, c))  # (N, D', H', W', C)
    return tf.transpose(x, (0, 4, 1, 2, 3)) if data_format == "NCDHW" else x


def _channels_last(values: Sequence[int]) -> list[int]:
    return [values[0], *values[2:], values[1]]


def _max_pool_with_argmax(
    original: Callable,
    input: Any,
    ksize: Sequence[int],
    strides: Sequence[int],
    padding: str,
    Targmax: Any,  # TensorFlow's name
    include_batch_in_index: bool,
    name: str | None,
) -> Any | None:
    """The pool, and the least place whose value is the maximum, as TensorFlow takes it.

    The place of element (y, x, c) is (y·W + x)·C + c. Inside one window it grows with the row, then
    with the column.
    """
    import tensorflow as tf

    x = tf.convert_to_tensor(input)
    if not spatial(x, ksize, strides) or (include_batch_in_index and x.shape[0] is None):
        return None
    n, h, w, c = x.shape
    y = tf.nn.max_pool2d(x, ksize[1:3], strides[1:3], padding)
    before, after = zip(
        *(pads_of(x.shape[i], ksize[i], strides[i], padding) for i in (1, 2)), strict=True
    )
    pads = [(0, 0), *zip(before, after, strict=True), (0, 0)]
    padded = tf.pad(x, pads, constant_values=x.dtype.min)
    rows, columns = (
        np.arange(y.shape[i]) * strides[i] - before[i - 1] for i in (1, 2)
    )  # first of each window
    start = ((rows[:, None] * w + columns) * c)[..., None] + np.arange(c)  # (h', w', C)
    images = n if include_batch_in_index else 1
    start = start + (np.arange(images) * h * w * c)[:, None, None, None]  # (N or 1, h', w', C)
    places = None
    for a in reversed(range(ksize[1])):
        for b in reversed(range(ksize[2])):
            place = tf.constant(start + (a * w + b) * c, tf.int32)
            if places is None:
                places = place + tf.zeros(tf.shape(y), tf.int32)
                continue
            taken = every(every(padded, 1, a, strides[1], y.shape[1]), 2, b, strides[2], y.shape[2])
            places = tf.where(taken >= y, place, places)
    assert places is not None
    return _Pooled(y, tf.cast(places, Targmax))


def _grouped_convolution_3d(
    original: Callable,
    input: Any,
    filter: Any,
    strides: Sequence[int],
    padding: str,
    data_format: str,
    dilations: Sequence[int],
    name: str | None,
) -> Any | None:
    """A convolution for each group of channels: CONV_3D knows no groups."""
    import tensorflow as tf

    x, kernel = tf.convert_to_tensor(input), tf.convert_to_tensor(filter)
    channels = x.shape[-1]
    if data_format not in (None, "NDHWC") or channels in (None, kernel.shape[3]):
        return None
    groups = channels // kernel.shape[3]
    parts = zip(tf.split(x, groups, axis=4), tf.split(kernel, groups, axis=4), strict=True)
    answers = [
        original(part, own, strides, padding, dilations=list(dilations)) for part, own in parts
    ]
    return tf.concat(answers, axis=4)


def _channels_first_bias(
    original: Callable, value: Any, bias: Any, data_format: str, name: str | None
) -> Any | None:
    """A sum: the converter takes channels-first biases of images alone."""
    import tensorflow as tf

    x = tf.convert_to_tensor(value)
    if data_format != "NCHW" or x.shape.rank in (None, 4):
        return None
    return x + tf.reshape(bias, (-1, *[1] * (x.shape.rank - 2)))


def _dilated_convolution_3d(
    original: Callable,
    input: Any,
    filters: Any,
    strides: Any,
    padding: Any,
    data_format: str | None,
    dilations: Any,
    **others: Any,
) -> Any | None:
    """CONV_3D with dilations, where TensorFlow moves space to batch, for which TFLite has no
    operator of five axes."""
    import tensorflow as tf

    if len(filters.shape) != 5 or len(input.shape) != 5 or data_format not in (None, "NDHWC"):
        return None
    steps, rates = (np.broadcast_to(n or 1, 3).tolist() for n in (strides, dilations))
    if rates == [1, 1, 1]:
        return None
    return tf.nn.conv3d(input, filters, [1, *steps, 1], padding, dilations=[1, *rates, 1])


def _integer_product(
    original: Callable,
    x: Any,
    y: Any,
    Tout: Any,  # TensorFlow's name
    adj_x: bool,
    adj_y: bool,
    grad_x: bool,
    grad_y: bool,
    name: str | None,
) -> Any | None:
    """Sums of products of 8-bit integers, in floats: exact up to 2^24, 1,040 of the largest."""
    import tensorflow as tf

    if not all(tf.convert_to_tensor(part).dtype.is_integer for part in (x, y)):
        return None
    x, y = (tf.cast(part, tf.float32) for part in (x, y))
    return tf.cast(tf.matmul(x, y, adjoint_a=adj_x, adjoint_b=adj_y), Tout)
