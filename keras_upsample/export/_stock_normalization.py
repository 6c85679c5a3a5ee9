"""Group normalisation in a form that keeps its digits on large images."""

from typing import Any


def group_normalization(layer: Any) -> Any:
    """The `call` of a `keras.layers.GroupNormalization`, for images with the channels last.

    y = (x - m) / sqrt(v + epsilon) * gamma + beta, m and v the mean and variance over height, width
    and the channels of one group. Keras takes v = mean(x^2) - m^2, the difference of two sums over
    all pixels; LiteRT and ONNX Runtime add these up one by one in float32, so that the error grows
    with the number of pixels. Here v = mean((x - m)^2), and every mean is one of rows, then of the
    rows' means, then of the group's channels, which are all equally many. No tensor has more than
    four axes.
    """
    import tensorflow as tf

    original = layer.call

    def call(inputs: Any) -> Any:
        rank = len(inputs.shape)
        if rank != 4 or layer.axis not in (-1, 3) or inputs.shape[3] is None:
            return original(inputs)
        channels = int(inputs.shape[3])
        groups = channels if layer.groups == -1 else layer.groups

        def mean(x: Any) -> Any:
            x = tf.reduce_mean(x, axis=2, keepdims=True)  # (N, H, 1, C)
            x = tf.reduce_mean(x, axis=1, keepdims=True)  # (N, 1, 1, C)
            x = tf.reshape(x, (-1, 1, groups, channels // groups))
            x = tf.reduce_mean(x, axis=3, keepdims=True)  # (N, 1, G, 1)
            x = x * tf.ones((1, 1, 1, channels // groups), x.dtype)
            return tf.reshape(x, (-1, 1, 1, channels))  # (N, 1, 1, C)

        centred = inputs - mean(inputs)
        y = centred * tf.math.rsqrt(mean(tf.square(centred)) + layer.epsilon)
        if layer.scale:
            y = y * layer.gamma
        return y + layer.beta if layer.center else y

    return call
