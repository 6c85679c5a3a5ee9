"""Transposed convolution ("deconvolution")."""

from typing import Any, Self

import keras
from keras import ops

from ..initializers import BilinearDeconvolution, TransposedICNR
from ..ops import _arguments as arguments
from ..ops._transposed_conv import exact_crop, output_length, torch_crop, transposed_conv2d

Factor = int | tuple[int, int]
Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class TransposedConv2D(keras.layers.Layer):
    """Upsamples by spreading every pixel over a learned kernel.

    y[o] = b + Σ_i x[i] K[o + begin − s·i], on each axis. `1 2 -> 1 1 2 2` with kernel `1 1`.

    The output is exactly s·n: of the full (n − 1)·s + k pixels, (k − s)//2 are taken off the top
    and the left, the rest off the bottom and the right, which so lose the odd pixel (TensorFlow's
    SAME). With `padding` the geometry is PyTorch's instead, (n − 1)·s + k − 2·padding +
    output_padding; see `from_torch_geometry`.

    Input: (N, H, W, Cin); (N, Cin, H, W) for "channels_first".
    Output: (N, s·H, s·W, filters); (N, filters, s·H, s·W).
    Weights: kernel (kh, kw, filters, Cin), bias (filters,).

    Args:
        filters: output channels, >= 1.
        scale: stride s, or (rows, columns), >= 1.
        kernel_size: k, or (rows, columns), >= scale unless `padding` is given. None: `scale`; for
            the "bilinear" initializer 2·scale − scale mod 2, the smallest that interpolates.
        padding: pixels taken off each side, or (rows, columns), in PyTorch's meaning; None for
            exactly s·n.
        output_padding: pixels added at the bottom and the right, or (rows, columns), less than
            `scale`; only with `padding`.
        use_bias: whether to add b.
        initializer: of the kernel: "bilinear" (starts as bilinear upsampling, channel by channel;
            if the channels differ in number, the shorter diagonal is filled), "icnr" (starts as
            nearest upsampling of a small convolution), or any Keras initializer.
        bias_initializer, kernel_regularizer, bias_regularizer, kernel_constraint: Keras' own.
        activation: Keras activation behind the bias, or None.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; a geometry that leaves no pixel.

    Reference: Dumoulin and Visin, A guide to convolution arithmetic, 2016, section 4; Long et al.,
    Fully convolutional networks, 2015, section 3.3; Aitken et al., 2017, section 3 ("icnr").
    """

    def __init__(
        self,
        filters: int,
        scale: Factor = 2,
        kernel_size: Factor | None = None,
        *,
        padding: Factor | None = None,
        output_padding: Factor | None = None,
        use_bias: bool = True,
        initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        activation: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = arguments.integer(filters, "filters")
        self.scale = arguments.pair(scale, "scale")
        smallest = tuple(2 * s - s % 2 for s in self.scale)  # that interpolates bilinearly
        if kernel_size is None:
            kernel_size = smallest if initializer == "bilinear" else self.scale  # type: ignore[assignment]
        self.kernel_size = arguments.pair(kernel_size, "kernel_size")
        self.padding, self.output_padding = self._padding(padding, output_padding)
        self.crop = self._crop()
        if initializer == "bilinear":
            if any(k < n for k, n in zip(self.kernel_size, smallest, strict=True)):
                raise ValueError(
                    f"`kernel_size` must be at least {smallest} for the 'bilinear' initializer at "
                    f"scale {self.scale}. Received: {self.kernel_size}. Leave it out."
                )
            initializer = BilinearDeconvolution()
        elif initializer == "icnr":
            (top, _), (left, _) = self.crop
            initializer = TransposedICNR(self.scale, (top, left))
        self.use_bias = bool(use_bias)
        self.initializer = keras.initializers.get(initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.activation = keras.activations.get(activation)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    @classmethod
    def from_torch_geometry(
        cls,
        filters: int,
        kernel_size: Factor,
        stride: Factor = 1,
        padding: Factor = 0,
        output_padding: Factor = 0,
        *,
        use_bias: bool = True,
        initializer: Any = "glorot_uniform",
        activation: Any = None,
        data_format: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> Self:
        """Make the layer that computes what PyTorch's ConvTranspose2d of these arguments does.

        Output: (n − 1)·stride + kernel_size − 2·padding + output_padding. PyTorch's weight
        (in, out, kh, kw) becomes the kernel by `weight.transpose(2, 3, 1, 0)`.
        """
        return cls(
            filters,
            stride,
            kernel_size,
            padding=padding,
            output_padding=output_padding,
            use_bias=use_bias,
            initializer=initializer,
            activation=activation,
            data_format=data_format,
            trainable=trainable,
            name=name,
            dtype=dtype,
        )

    def _padding(
        self, padding: Any, output_padding: Any
    ) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
        if padding is None:
            if output_padding is not None:
                raise ValueError(
                    "`output_padding` has a meaning only with `padding`. Received: "
                    f"output_padding={output_padding!r}, padding=None. Add `padding=0`."
                )
            if any(k < s for k, s in zip(self.kernel_size, self.scale, strict=True)):
                raise ValueError(
                    f"`kernel_size` must be at least `scale`, {self.scale}, or some output pixels "
                    f"would see no input. Received: {self.kernel_size}. Enlarge it."
                )
            return None, None
        padding = arguments.pair(padding, "padding", minimum=0)
        if output_padding is None:
            output_padding = 0
        output_padding = arguments.pair(output_padding, "output_padding", minimum=0)
        if any(o >= s for o, s in zip(output_padding, self.scale, strict=True)):
            raise ValueError(
                f"`output_padding` must be smaller than `scale` (the stride), {self.scale}. "
                f"Received: {output_padding}. Make it smaller."
            )
        return padding, output_padding

    def _crop(self) -> tuple[tuple[int, int], tuple[int, int]]:
        if self.padding is None or self.output_padding is None:
            rows, columns = map(exact_crop, self.kernel_size, self.scale)
        else:
            rows, columns = map(torch_crop, self.padding, self.output_padding)
        return rows, columns

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        axis = arguments.channel_axis(self.data_format)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                "`inputs` must have a known number of channels. Received shape "
                f"{tuple(input_shape)}. Name it in the Input, e.g. (None, None, 3)."
            )
        self.input_spec = keras.layers.InputSpec(ndim=4, axes={axis: channels})
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
            )

    def call(self, inputs: Any) -> Any:
        y = transposed_conv2d(
            ops.cast(inputs, self.compute_dtype),
            self.kernel,
            scale=self.scale,
            crop=self.crop,
            bias=self.bias,
            data_format=self.data_format,
        )
        return self.activation(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        axes = arguments.spatial_axes(self.data_format)
        geometry = zip(axes, self.kernel_size, self.scale, self.crop, strict=True)
        for axis, kernel, scale, crop in geometry:
            length = shape[axis]
            shape[axis] = None if length is None else output_length(length, kernel, scale, crop)
        shape[arguments.channel_axis(self.data_format)] = self.filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "use_bias": self.use_bias,
            "initializer": keras.initializers.serialize(self.initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "activation": keras.activations.serialize(self.activation),
            "data_format": self.data_format,
        }
