"""float64 forms of operators for which TensorFlow has no float64 kernel."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from .._others import _tensorflow
from ..program._patching import Patch, Place


@contextmanager
def double_operators() -> Iterator[None]:
    """Inside, dilated transposed convolutions, 3-D pools and resizes are traced in float64.

    The forms are none that a file is made with, so that a fault in those does not hide here.
    """
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    gen_image_ops, gen_nn_ops = _tensorflow.gen_image_ops(), _tensorflow.gen_nn_ops()
    forms: Sequence[tuple[Any, str, str, Callable]] = (
        (gen_nn_ops, "conv2d_backprop_input", "Conv2DBackpropInput", _convolution_transpose),
        (gen_nn_ops, "conv3d_backprop_input_v2", "Conv3DBackpropInputV2", _convolution_transpose),
        (gen_nn_ops, "max_pool3d", "MaxPool3D", partial(_pool, tf.maximum)),
        (gen_nn_ops, "avg_pool3d", "AvgPool3D", partial(_pool, tf.add)),
        (gen_image_ops, "resize_bilinear", "ResizeBilinear", _resize),
        (gen_image_ops, "resize_bicubic", "ResizeBicubic", _resize),
        (gen_image_ops, "resize_area", "ResizeArea", _resize),
        (gen_image_ops, "scale_and_translate", "ScaleAndTranslate", _resize),
    )
    for module, name, raw, form in forms:
        yield module, name, _patch.by(form)
        yield tf.raw_ops, raw, _patch.by(form)


_patch = Patch(_places)


def _convolution_transpose(original: Callable, **given: Any) -> Any | None:
    """A dilated kernel is a larger one with zeros in between, whose convolution has a kernel."""
    import tensorflow as tf

    kernel = tf.convert_to_tensor(given["filter"])
    rank = len(kernel.shape) - 2
    axes = range(rank + 2)
    first = given["data_format"].startswith("NC")
    rates = [int(n) for n in (given["dilations"] or [1] * (rank + 2))]
    rates = rates[2:] if first else rates[1:-1]
    if kernel.dtype != tf.float64 or all(rate == 1 for rate in rates):
        return None
    for axis, rate in enumerate(rates):
        size = kernel.shape[axis]
        shape = kernel.shape.as_list()
        kernel = tf.expand_dims(kernel, axis + 1)
        pads = [(0, rate - 1 if k == axis + 1 else 0) for k in range(len(axes) + 1)]
        shape[axis] = size * rate
        kernel = tf.reshape(tf.pad(kernel, pads), shape)
        kernel = kernel[(slice(None),) * axis + (slice((size - 1) * rate + 1),)]
    return original(**{**given, "filter": kernel, "dilations": [1] * (rank + 2)})


def _pool(combine: Callable, original: Callable, **given: Any) -> Any | None:
    """The largest or the mean element of every window, tap by tap; only what is inside counts."""
    import tensorflow as tf

    x = tf.convert_to_tensor(given["input"])
    padding = given["padding"]
    padding = padding.decode() if isinstance(padding, bytes) else padding
    if x.dtype != tf.float64 or given["data_format"] != "NDHWC" or None in x.shape[1:-1]:
        return None
    windows, strides = (list(given[key])[1:-1] for key in ("ksize", "strides"))
    pads = []
    for size, window, stride in zip(x.shape[1:-1], windows, strides, strict=True):
        count = -(-size // stride) if padding == "SAME" else (size - window) // stride + 1
        missing = max((count - 1) * stride + window - size, 0)
        pads.append((missing // 2, missing - missing // 2, count))
    is_max = combine is tf.maximum
    around = [(0, 0), *((before, after) for before, after, _ in pads), (0, 0)]

    def windowed(y: Any, outside: float) -> Any:
        y = tf.pad(y, around, constant_values=outside)
        result = None
        for taps in itertools.product(*map(range, windows)):
            place = [
                slice(tap, tap + (count - 1) * stride + 1, stride)
                for tap, stride, (_, _, count) in zip(taps, strides, pads, strict=True)
            ]
            part = y[(slice(None), *place)]
            result = part if result is None else combine(result, part)
        return result

    if is_max:
        return windowed(x, x.dtype.min)
    return windowed(x, 0.0) / windowed(tf.ones_like(x), 0.0)


def _resize(original: Callable, **given: Any) -> Any | None:
    """The operator's own weights, a matrix for each axis, and the sums in float64.

    The weights are the operator's outputs for unit vectors. Half-pixel bilinear weights are
    computed, because the operator rounds them.
    """
    import tensorflow as tf

    from ..formats._graph_values import value_of

    x = tf.convert_to_tensor(given["images"])
    size = value_of(given["size"])
    if x.dtype != tf.float64 or x.shape.rank != 4 or None in x.shape[1:3] or size is None:
        return None
    options = {k: v for k, v in given.items() if k not in ("images", "size", "name")}
    matrices = []
    for axis in (0, 1):
        own = dict(options)
        for key, other in (("scale", 1), ("translation", 0)):
            if key in options:
                vector = value_of(options[key])
                if vector is None:
                    return None
                own[key] = np.array([vector[axis], other], "float32")
        matrices.append(_weights(original, int(x.shape[1 + axis]), int(size[axis]), own))
    return tf.einsum("ai,bj,nijc->nabc", *(tf.constant(m, tf.float64) for m in matrices), x)


def _weights(original: Callable, n_in: int, n_out: int, options: dict[str, Any]) -> np.ndarray:
    """(n_out, n_in) of one axis."""
    import tensorflow as tf

    if options.get("half_pixel_centers") and original.__name__ == "resize_bilinear":
        u = np.clip((np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5, 0, n_in - 1)
        below = np.minimum(np.floor(u).astype(int), max(n_in - 2, 0))
        matrix = np.zeros((n_out, n_in))
        rows = np.arange(n_out)
        matrix[rows, below] = 1 - (u - below)
        matrix[rows, np.minimum(below + 1, n_in - 1)] += u - below
        return matrix
    with tf.init_scope():  # run now, outside of the graph that is traced
        units = np.eye(n_in, dtype="float32")[:, :, None, None]
        return np.asarray(original(units, [n_out, 1], **options))[:, :, 0, 0].T
