"""Stock layers whose own form does not export well, computed by the equal operation of ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def stock_layers_replaced(model: Any) -> Iterator[None]:
    """Inside, each `keras.layers.UpSampling2D` of the model computes through `keras_upsample.ops`.

    Keras' layer repeats rows and columns for `"nearest"` (chains of Tile and Concat in every
    format), fails to trace the interpolations where height and width are open, and leaves bicubic
    to an operator that TFLite lacks. The call is replaced on the instance and put back afterwards:
    this reaches layers wherever they sit, in subclassed models too.
    """
    import keras

    replaced = []
    try:
        for layer in model._flatten_layers():
            if type(layer) is keras.layers.UpSampling2D:
                object.__setattr__(layer, "call", _call_of(layer))
                replaced.append(layer)
        yield
    finally:
        for layer in replaced:
            object.__delattr__(layer, "call")


def _call_of(layer: Any) -> Any:
    from .. import ops

    original = layer.call
    resize = {"nearest": ops.resize_nearest, "bilinear": ops.resize_bilinear}.get(
        layer.interpolation
    )

    def call(inputs: Any) -> Any:
        if resize is not None:
            return resize(inputs, scale=layer.size, data_format=layer.data_format)
        image = inputs if layer.data_format == "channels_last" else _to_last(inputs)
        if None in tuple(image.shape[1:3]):
            return original(inputs)
        image = _by_matrices(image, layer.size, layer.interpolation)
        return image if layer.data_format == "channels_last" else _to_first(image)

    return call


def _to_last(x: Any) -> Any:
    import keras

    return keras.ops.transpose(x, (0, 2, 3, 1))


def _to_first(x: Any) -> Any:
    import keras

    return keras.ops.transpose(x, (0, 3, 1, 2))


def _by_matrices(x: Any, scale: tuple[int, int], interpolation: str) -> Any:
    """A separable resize, with the matrix of each axis read off the operator itself.

    y = M_h x M_w^T, where column j of M is the operator's answer to the j-th unit vector. This is
    the operator with all its own rounding (TensorFlow's bicubic looks its weights up in a table of
    1,024 steps), in two matrix products that every runtime has.
    """
    import keras

    height, width, channels = (int(n) for n in x.shape[1:])
    rows = _axis_matrix(height, scale[0], interpolation)
    columns = _axis_matrix(width, scale[1], interpolation)
    new_height, new_width = height * scale[0], width * scale[1]
    x = keras.ops.reshape(x, (-1, height, width * channels))
    x = keras.ops.matmul(rows, x)
    x = keras.ops.reshape(x, (-1, width, channels))
    x = keras.ops.matmul(columns, x)
    return keras.ops.reshape(x, (-1, new_height, new_width, channels))


def _axis_matrix(size: int, scale: int, interpolation: str) -> Any:
    import keras
    import numpy as np
    import tensorflow as tf

    units = np.eye(size, dtype="float32")[:, :, None, None]  # (size, size, 1, 1): unit vectors
    with tf.init_scope():  # a constant, whatever is being traced
        answers = keras.ops.image.resize(
            units, (size * scale, 1), interpolation=interpolation, data_format="channels_last"
        )
        return np.asarray(answers)[:, :, 0, 0].T
