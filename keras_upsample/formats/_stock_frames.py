"""`TimeDistributed`: all frames in one call."""

from typing import Any

from .._others._keras import takes_training


def time_distributed(layer: Any) -> Any:
    """The `call` of a `keras.layers.TimeDistributed`: frames are images of a larger batch.

    y[n, t] = f(x[n, t]). Keras calls f for one frame after another where their number is known, and
    in a vectorised loop where it is open, whose form converters can't follow. At inference f
    treats the images of a batch alike, so that (N, T, ...) -> (N T, ...) does the same.
    """
    import tensorflow as tf

    original = layer.call

    def call(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is not None or inputs.shape.rank is None or inputs.shape.rank < 3:
            return original(inputs, training=training, mask=mask)
        known, dynamic = inputs.shape.as_list(), tf.shape(inputs)
        sizes = [dynamic[k] if n is None else n for k, n in enumerate(known)]
        y = tf.reshape(inputs, [-1, *sizes[2:]])
        frames = None if None in known[:2] else known[0] * known[1]
        y.set_shape((frames, *known[2:]))
        options = {"training": training} if takes_training(layer.layer) else {}
        y = layer.layer.call(y, **options)
        after, dynamic = y.shape.as_list(), tf.shape(y)
        rest = [dynamic[k] if n is None else n for k, n in enumerate(after[1:], 1)]
        # One size that is open stays -1, and no shape is computed for it.
        first = [-1, sizes[1]] if known[0] is None else [known[0], sizes[1]]
        y = tf.reshape(y, [*first, *rest])
        y.set_shape((*known[:2], *after[1:]))
        return y

    return call
