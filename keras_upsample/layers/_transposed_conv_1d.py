"""Transposed convolution of lines, such as signals."""

import keras

from ._transposed import TransposedConv


@keras.saving.register_keras_serializable(package="keras_upsample")
class TransposedConv1D(TransposedConv):
    """Upsamples by spreading every sample over a learned kernel.

    y[o] = b + Σ_i Σ_j x[i] K[j] with o + begin = s·i + d·j. `1 2 -> 1 1 2 2` with kernel `1 1`. The
    output length is exactly s·L, or PyTorch's with `padding`. The arguments are those of
    TransposedConv2D, with an int (or a tuple of one) in place of each pair.

    Input: (N, L, Cin); (N, Cin, L) for "channels_first".
    Output: (N, s·L, filters); (N, filters, s·L).
    Weights: kernel (k, filters/groups, Cin), bias (filters,).

    Raises:
        ValueError, TypeError: as TransposedConv2D; inputs without 3 axes.

    Reference: PyTorch's ConvTranspose1d; Dumoulin and Visin, A guide to convolution arithmetic,
    2016, section 4.
    """

    rank = 1
