"""CARAFE: content-aware reassembly of features."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import add_bias, from_channels_last, to_channels_last
from ..ops._reassemble import weighted_windows
from ._scaled import Shape, known_channels, scaled_shape


@keras.saving.register_keras_serializable(package="keras_upsample")
class CARAFE2D(keras.layers.Layer):
    """Upsamples with kernels predicted from the content, one kernel for each output pixel.

    y[s·i + a, s·j + b] = sum over m, n of w[i, j, a, b, m, n] · x[i + m − k//2, j + n − k//2],
    w = softmax over the k² taps of E * (P x), with a 1x1 convolution P to few channels and a
    convolution E to s²·k². Each kernel is positive and sums to 1. With the initial weights, each
    output is close to the mean of its window: `3 9 3 -> 4 4 5 5 4 4` on an axis at k = 3.

    Pixels outside the image count as zeros, and kernels are not renormalized there, as in the
    authors' code: a constant image stays constant only k//2 input pixels away from the border.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C); the channels are not mixed.
    Weights: compress_kernel (1, 1, C, compressed), compress_bias, encode_kernel
    (encoder_kernel, encoder_kernel, compressed, s²·k²), encode_bias; output channel
    (a·s + b)·k² + m·k + n of E is tap (m, n) for the output pixel (a, b) of a block (the authors'
    PyTorch code has (m·k + n)·s² + a·s + b).

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        kernel_size: size k of the reassembly kernels, odd.
        encoder_kernel: size of E's kernel, odd; the paper advises k − 2.
        compressed: number of channels between P and E, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes, or with unknown channels.

    Reference: Wang et al., CARAFE: Content-Aware ReAssembly of FEatures, ICCV 2019, section 3,
    https://arxiv.org/abs/1905.02188
    """

    def __init__(
        self,
        scale: int = 2,
        kernel_size: int = 5,
        *,
        encoder_kernel: int = 3,
        compressed: int = 64,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = arguments.integer(scale, "scale")
        self.kernel_size = arguments.odd(kernel_size, "kernel_size")
        self.encoder_kernel = arguments.odd(encoder_kernel, "encoder_kernel")
        self.compressed = arguments.integer(compressed, "compressed")
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")
        channels = known_channels(input_shape, self.data_format)
        axes = {arguments.channel_axis(self.data_format): channels}
        self.input_spec = keras.layers.InputSpec(ndim=4, axes=axes)
        taps = self.scale**2 * self.kernel_size**2
        self.compress_kernel = self.add_weight(
            name="compress_kernel",
            shape=(1, 1, channels, self.compressed),
            initializer="glorot_uniform",
        )
        self.compress_bias = self.add_weight(
            name="compress_bias", shape=(self.compressed,), initializer="zeros"
        )
        self.encode_kernel = self.add_weight(
            name="encode_kernel",
            shape=(self.encoder_kernel, self.encoder_kernel, self.compressed, taps),
            initializer=keras.initializers.RandomNormal(stddev=0.001),
        )
        self.encode_bias = self.add_weight(name="encode_bias", shape=(taps,), initializer="zeros")

    def call(self, inputs: Any) -> Any:
        x = to_channels_last(ops.cast(inputs, self.compute_dtype), self.data_format)
        weights = self._kernels(x)
        return from_channels_last(weighted_windows(x, weights, self.scale), self.data_format)

    def _kernels(self, x: Any) -> Any:
        """Predict the kernels: (N·H·W, s², k²)."""
        kernel = (self.compress_kernel, self.encode_kernel)
        bias = (self.compress_bias, self.encode_bias)
        for w, b in zip(kernel, bias, strict=True):
            x = ops.conv(x, w, padding="same", data_format="channels_last")
            x = add_bias(x, b, "channels_last")  # (N, H, W, compressed), then (N, H, W, s²·k²)
        return ops.softmax(ops.reshape(x, (-1, self.scale**2, self.kernel_size**2)), axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return scaled_shape(input_shape, self.scale, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "encoder_kernel": self.encoder_kernel,
            "compressed": self.compressed,
            "data_format": self.data_format,
        }
