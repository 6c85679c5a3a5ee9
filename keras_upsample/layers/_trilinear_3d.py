"""Trilinear upsampling of volumes."""

import keras

from ._resize import LinearLengths


@keras.saving.register_keras_serializable(package="keras_upsample")
class TrilinearUpSampling3D(LinearLengths):
    """Upsamples volumes by linear interpolation on each axis.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1], t = u − floor(u), indices clamped to the volume:
    on each axis `1 2 -> 1 1.25 1.75 2` with half_pixel coordinates, `1 1.33 1.67 2` with
    align_corners, `1 1.5 2 2` with asymmetric.

    Input: (N, D, H, W, C); (N, C, D, H, W) for "channels_first".
    Output: (N, s·D, s·H, s·W, C), or (N, *size, C), in the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (depth, rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output voxels, or (depth, rows, columns), instead of `scale`; more or fewer than the
            input's.
        coordinates: "half_pixel", "align_corners" or "asymmetric", as for BilinearUpSampling2D.
        antialias: whether to smooth an axis that `size` makes shorter, as for BilinearUpSampling2D.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 5 axes.

    Reference: ONNX operator Resize, mode "linear"; PyTorch's `interpolate`, mode "trilinear".
    """

    rank = 3
