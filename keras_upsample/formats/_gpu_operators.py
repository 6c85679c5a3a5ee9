"""Operators that LiteRT's GPU accelerator computes wrongly (docs/atlas.md), as equal forms."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._others import _tensorflow
from ..ops._lacking import BATCH_SHUFFLES, NARROW_GROUPS, PADDED_TRANSPOSED, lacks
from ..program._patching import Patch, Place


@contextmanager
def replace_wrong_operators() -> Iterator[None]:
    """Inside, convolutions in narrow groups, padded transposed ones and shuffles of several images
    are traced so, for targets that lack them."""
    with _patch.entered():
        yield


def _places() -> Iterator[Place]:
    import tensorflow as tf

    arrays, networks = _tensorflow.gen_array_ops(), _tensorflow.gen_nn_ops()
    for module, name, raw, form in (
        (networks, "conv2d", "Conv2D", _dense_convolution),
        (networks, "conv2d_backprop_input", "Conv2DBackpropInput", _cropped_transposed_convolution),
        (arrays, "depth_to_space", "DepthToSpace", _shuffle_as_one_image),
        (arrays, "space_to_depth", "SpaceToDepth", _shuffle_as_one_image),
    ):
        yield module, name, _patch.by(form)
        yield tf.raw_ops, raw, _patch.by(form)


_patch = Patch(_places)


def _dense_convolution(
    original: Callable, input: Any, filter: Any, data_format: str, **others: Any
) -> Any | None:
    """A convolution in groups as one of one group, whose kernel is zero between the groups."""
    import tensorflow as tf

    x, kernel = tf.convert_to_tensor(input), tf.convert_to_tensor(filter)
    channels, filters = x.shape[-1], kernel.shape[-1]
    if not lacks(NARROW_GROUPS) or data_format != "NHWC" or channels is None:
        return None
    groups = channels // kernel.shape[2]
    if groups == 1 or (kernel.shape[2] % 4 == 0 and filters // groups % 4 == 0):
        return None
    inside = np.kron(np.eye(groups), np.ones((kernel.shape[2], filters // groups)))
    whole = tf.tile(kernel, (1, 1, groups, 1)) * tf.constant(inside, kernel.dtype)
    return original(input=x, filter=whole, data_format=data_format, **others)


def _cropped_transposed_convolution(
    original: Callable,
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    strides: Sequence[int],
    padding: str,
    data_format: str,
    **others: Any,
) -> Any | None:
    """ "SAME" by "VALID": of the (n - 1) s + k pixels those that SAME keeps."""
    import tensorflow as tf

    sizes, x = tf.get_static_value(input_sizes), tf.convert_to_tensor(out_backprop)
    known = sizes is not None and None not in tuple(x.shape[1:3])
    if not (lacks(PADDED_TRANSPOSED) and padding == "SAME" and data_format == "NHWC" and known):
        return None
    kernel = tf.convert_to_tensor(filter)
    whole, begins = list(sizes), [0, 0, 0, 0]
    for axis in (1, 2):
        full = (x.shape[axis] - 1) * strides[axis] + kernel.shape[axis - 1]
        whole[axis] = max(full, sizes[axis])
        begins[axis] = max(full - sizes[axis], 0) // 2
    y = original(
        input_sizes=whole,
        filter=kernel,
        out_backprop=x,
        strides=strides,
        padding="VALID",
        data_format=data_format,
        **others,
    )
    return y if list(sizes) == whole else tf.slice(y, begins, [-1, *sizes[1:3], -1])


def _shuffle_as_one_image(
    original: Callable, input: Any, block_size: int, data_format: str, name: str | None
) -> Any | None:
    """Several images as a tall one: no block of pixels lies in two of them."""
    import tensorflow as tf

    x = tf.convert_to_tensor(input)
    batch = x.shape[0]
    if not lacks(BATCH_SHUFFLES) or data_format != "NHWC" or None in tuple(x.shape) or batch == 1:
        return None
    tall = tf.reshape(x, (1, batch * x.shape[1], *x.shape[2:]))
    y = original(tall, block_size, data_format, name)
    return tf.reshape(y, (batch, y.shape[1] // batch, *y.shape[2:]))
