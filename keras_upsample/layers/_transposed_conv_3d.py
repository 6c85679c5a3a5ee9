"""Transposed convolution of volumes."""

import keras

from ._transposed import TransposedConv


@keras.saving.register_keras_serializable(package="keras_upsample")
class TransposedConv3D(TransposedConv):
    """Upsamples by spreading every voxel over a learned kernel.

    y[o] = b + Σ_i Σ_j x[i] K[j] with o + begin = s·i + d·j, on each axis. `1 2 -> 1 1 2 2` with
    kernel `1 1`. The output size is exactly s·n, or PyTorch's with `padding`. The arguments are
    those of TransposedConv2D, with three ints (depth, rows, columns) in place of each pair.

    Input: (N, D, H, W, Cin); (N, Cin, D, H, W) for "channels_first".
    Output: (N, s·D, s·H, s·W, filters); (N, filters, s·D, s·H, s·W).
    Weights: kernel (kd, kh, kw, filters/groups, Cin), bias (filters,).

    Raises:
        ValueError, TypeError: as TransposedConv2D; inputs without 5 axes.

    Reference: PyTorch's ConvTranspose3d; Çiçek et al., 3D U-Net, 2016, section 2.
    """

    rank = 3
