"""Sub-pixel convolution."""

from typing import Any

import keras
from keras import ops

from ..initializers import ICNR
from ..ops import _arguments as arguments
from ..ops._backend import add_bias, from_channels_last, to_channels_last
from ..ops._blur import checkerboard_blur
from ..ops._shuffle import pixel_shuffle

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class SubpixelConv2D(keras.layers.Layer):
    """Upsamples by a convolution to filters · s² channels and a pixel shuffle.

    y = shuffle(K * x + b). With a 1x1 kernel `a b c d`: one pixel `1` -> `a b / c d`. The "icnr"
    initializer makes a = b = c = d, so that the layer starts as a convolution followed by nearest
    upsampling.

    Training makes these weights differ again. With `blur` each period of s pixels is averaged after
    the shuffle (`ops.checkerboard_blur`), so that no weights can turn a constant into a
    checkerboard. The layer then starts as a convolution followed by bilinear upsampling.

    Input: (N, H, W, Cin); (N, Cin, H, W) for "channels_first".
    Output: (N, s·H, s·W, filters); (N, filters, s·H, s·W).
    Weights: kernel (kh, kw, Cin, filters · s²), bias (filters · s²,).

    Args:
        filters: output channels, >= 1.
        scale: factor s, the same for rows and columns, >= 1.
        kernel_size: k, or (rows, columns), at the low resolution; zero padding keeps the size.
        order: "dcr" or "crd", the shuffle's order of channels.
        blur: whether to average over each period of s pixels after the shuffle.
        use_bias: whether to add b.
        initializer: initializer of the kernel: "icnr" (based on He's normal) or any of Keras'.
        bias_initializer, kernel_regularizer, bias_regularizer: as in Keras' Conv2D.
        activation: Keras activation at the end, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: Shi et al., Real-time single image and video super-resolution, 2016, section 3;
    Aitken et al., Checkerboard artifact free sub-pixel convolution, 2017, section 3 ("icnr");
    Sugawara et al., Super-resolution using convolutional neural networks without any checkerboard
    artifacts, 2018, section 3 (`blur`).
    """

    def __init__(
        self,
        filters: int,
        scale: int = 2,
        kernel_size: int | tuple[int, int] = 3,
        *,
        order: str = "dcr",
        blur: bool = False,
        use_bias: bool = True,
        initializer: Any = "icnr",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activation: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = arguments.integer(filters, "filters")
        self.scale = arguments.integer(scale, "scale")
        self.kernel_size = arguments.pair(kernel_size, "kernel_size")
        self.order = arguments.one_of(order, "order", arguments.ORDERS)
        self.blur = bool(blur)
        self.use_bias = bool(use_bias)
        if initializer == "icnr":
            initializer = ICNR(self.scale, order=self.order)
        self.initializer = keras.initializers.get(initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.activation = keras.activations.get(activation)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")
        axis = arguments.channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                "`inputs` must have a known number of channels. Received shape "
                f"{tuple(input_shape)}. Name it in the Input, e.g. (None, None, 3)."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={axis: channels})
        outputs = self.filters * self.scale**2
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, outputs),
            initializer=self.initializer,
            regularizer=self.kernel_regularizer,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(outputs,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def call(self, inputs: Any) -> Any:
        x = to_channels_last(ops.cast(inputs, self.compute_dtype), self.data_format)
        y = ops.conv(x, self.kernel, padding="same", data_format="channels_last")  # (N, H, W, s²·F)
        if self.bias is not None:
            y = add_bias(y, self.bias, "channels_last")
        y = pixel_shuffle(y, self.scale, self.order, data_format="channels_last")
        if self.blur:
            y = checkerboard_blur(y, self.scale, data_format="channels_last")
        # Behind the shuffle, because an activation may mix channels, as a softmax does.
        return self.activation(from_channels_last(y, self.data_format))  # (N, s·H, s·W, F)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for axis in arguments.spatial_axes(self.data_format):
            length = shape[axis]
            shape[axis] = None if length is None else length * self.scale
        shape[arguments.channel_axis(self.data_format)] = self.filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "order": self.order,
            "blur": self.blur,
            "use_bias": self.use_bias,
            "initializer": keras.initializers.serialize(self.initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "activation": keras.activations.serialize(self.activation),
            "data_format": self.data_format,
        }
