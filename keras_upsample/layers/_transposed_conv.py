"""Transposed convolution ("deconvolution") of images."""

import keras

from ._transposed import TransposedConv


@keras.saving.register_keras_serializable(package="keras_upsample")
class TransposedConv2D(TransposedConv):
    """Upsamples by spreading every pixel over a learned kernel.

    y[o] = b + Σ_i Σ_j x[i] K[j] with o + begin = s·i + d·j, on each axis. `1 2 -> 1 1 2 2` with
    kernel `1 1`.

    The output size is exactly s·n. The full result has (n − 1)·s + r pixels, r = (k − 1)·d + 1.
    Of these, (r − s)//2 are cropped at the top and the left, and the rest, with the odd pixel, at
    the bottom and the right (TensorFlow's SAME). With `padding` the output size is PyTorch's,
    (n − 1)·s + r − 2·padding + output_padding; see `from_torch_geometry`.

    Input: (N, H, W, Cin); (N, Cin, H, W) for "channels_first".
    Output: (N, s·H, s·W, filters); (N, filters, s·H, s·W).
    Weights: kernel (kh, kw, filters/groups, Cin), bias (filters,).

    Args:
        filters: output channels, >= 1.
        scale: stride s, or (rows, columns), >= 1.
        kernel_size: k, or (rows, columns), >= scale unless `padding` is given. None: `scale`; for
            the "bilinear" initializer 2·scale − scale mod 2, the smallest that interpolates.
        padding: pixels cropped at each side, or (rows, columns), as in PyTorch; None for an output
            of exactly s·n.
        output_padding: pixels added at the bottom and the right, or (rows, columns), less than
            `scale` or `dilation_rate`; only with `padding`.
        dilation_rate: d, distance between taps in output pixels, or (rows, columns), >= 1. Without
            `padding`, d and s must have no common factor, so that every output pixel gets input.
        groups: number of channel groups; each group of output channels reads only its own group of
            input channels. Must divide `filters` and Cin; groups = Cin is depthwise.
        use_bias: whether to add b.
        initializer: initializer of the kernel: "bilinear" (starts as bilinear upsampling, channel
            by channel; if the channels differ in number, the shorter diagonal is filled), "icnr"
            (starts as nearest upsampling of a small convolution), or any Keras initializer.
        bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint: as in Keras'
            Conv2DTranspose.
        activation: Keras activation after the bias, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; channels that `groups` does not divide; a geometry
            that leaves no output pixel, or output pixels without input.

    Reference: Dumoulin and Visin, A guide to convolution arithmetic, 2016, section 4; Long et al.,
    Fully convolutional networks, 2015, section 3.3; Aitken et al., 2017, section 3 ("icnr").
    """

    rank = 2
