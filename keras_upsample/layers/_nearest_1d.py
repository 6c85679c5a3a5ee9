"""Nearest neighbour upsampling of lines."""

import keras

from ._resize import NearestLengths


@keras.saving.register_keras_serializable(package="keras_upsample")
class NearestUpSampling1D(NearestLengths):
    """Upsamples lines by copying the nearest sample.

    y[i] = x[floor(u(i) + 1/2)] with half_pixel coordinates, x[floor(u(i))] with asymmetric,
    x[round(u(i))], halves away from zero, with align_corners. At a whole scale s the first two are
    x[floor(i/s)]: `1 2 -> 1 1 2 2`.

    Input: (N, L, C) of any dtype; (N, C, L) for "channels_first".
    Output: (N, s·L, C), or (N, size, C); integers keep their dtype.

    Args:
        scale: factor s, an integer >= 1; 2 if `size` is None too.
        size: output samples, instead of `scale`.
        coordinates: where an output sample lies in the input, as for NearestUpSampling2D.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 3 axes.

    Reference: ONNX operator Resize, mode "nearest".
    """

    rank = 1
