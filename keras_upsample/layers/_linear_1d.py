"""Linear upsampling of lines."""

import keras

from ._resize import LinearLengths


@keras.saving.register_keras_serializable(package="keras_upsample")
class LinearUpSampling1D(LinearLengths):
    """Upsamples lines by linear interpolation.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1], t = u − floor(u), indices clamped to the line:
    `1 2 -> 1 1.25 1.75 2` with half_pixel coordinates, `1 1.33 1.67 2` with align_corners,
    `1 1.5 2 2` with asymmetric.

    Input: (N, L, C); (N, C, L) for "channels_first".
    Output: (N, s·L, C), or (N, size, C), in the layer's compute dtype. Half precision is computed
    in float32 and rounded once.

    Args:
        scale: factor s, an integer >= 1; 2 if `size` is None too.
        size: output samples, instead of `scale`; more or fewer than the input's.
        coordinates: "half_pixel", "align_corners" or "asymmetric", as for BilinearUpSampling2D.
        antialias: whether to smooth lines that `size` makes shorter, as for BilinearUpSampling2D.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 3 axes.

    Reference: ONNX operator Resize, mode "linear"; PyTorch's `interpolate`, mode "linear".
    """

    rank = 1
