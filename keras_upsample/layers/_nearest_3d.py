"""Nearest neighbour upsampling of volumes."""

import keras

from ._resize import NearestLengths


@keras.saving.register_keras_serializable(package="keras_upsample")
class NearestUpSampling3D(NearestLengths):
    """Upsamples volumes by copying the nearest voxel.

    On each axis y[i] = x[floor(u(i) + 1/2)] with half_pixel coordinates, x[floor(u(i))] with
    asymmetric, x[round(u(i))], halves away from zero, with align_corners. At a whole scale s the
    first two are x[floor(i/s)]: `1 2 -> 1 1 2 2`.

    Input: (N, D, H, W, C) of any dtype; (N, C, D, H, W) for "channels_first".
    Output: (N, s·D, s·H, s·W, C), or (N, *size, C); integers keep their dtype.

    Args:
        scale: factor, or (depth, rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output voxels, or (depth, rows, columns), instead of `scale`.
        coordinates: where an output voxel lies in the input, as for NearestUpSampling2D.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 5 axes.

    Reference: ONNX operator Resize, mode "nearest".
    """

    rank = 3
