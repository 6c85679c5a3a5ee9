"""Base class of the transposed convolutions of lines, images and volumes."""

from typing import Any, ClassVar, Self

import keras
from keras import ops

from ..initializers import BilinearDeconvolution, TransposedICNR
from ..ops import _arguments as arguments
from ..ops import _transposed_geometry as geometry
from ..ops._transposed_conv import transposed_conv1d, transposed_conv2d, transposed_conv3d

Factor = int | tuple[int, ...]
Shape = tuple[int | None, ...]

_OPERATIONS = {1: transposed_conv1d, 2: transposed_conv2d, 3: transposed_conv3d}


class TransposedConv(keras.layers.Layer):
    """Base of the transposed convolutions; see TransposedConv2D for the arguments."""

    rank: ClassVar[int]

    def __init__(
        self,
        filters: int,
        scale: Factor = 2,
        kernel_size: Factor | None = None,
        *,
        padding: Factor | None = None,
        output_padding: Factor | None = None,
        dilation_rate: Factor = 1,
        groups: int = 1,
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
        self.groups = arguments.integer(groups, "groups")
        geometry.check_groups(self.filters, None, self.groups)
        self.scale = arguments.each(scale, "scale", self.rank)
        self.dilation_rate = arguments.each(dilation_rate, "dilation_rate", self.rank)
        smallest = tuple(2 * s - s % 2 for s in self.scale)  # that interpolates linearly
        if kernel_size is None:
            kernel_size = smallest if initializer == "bilinear" else self.scale
        self.kernel_size = arguments.each(kernel_size, "kernel_size", self.rank)
        sizes = zip(self.kernel_size, self.dilation_rate, strict=True)
        self._reaches = tuple(geometry.reach(k, d) for k, d in sizes)
        self.padding, self.output_padding = self._padding(padding, output_padding)
        self.crop = self._crop()
        self.use_bias = bool(use_bias)
        self.initializer = keras.initializers.get(self._initializer(initializer, smallest))
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.activation = keras.activations.get(activation)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    @classmethod
    def from_torch_geometry(
        cls,
        filters: int,
        kernel_size: Factor,
        stride: Factor = 1,
        padding: Factor = 0,
        output_padding: Factor = 0,
        *,
        groups: int = 1,
        dilation: Factor = 1,
        use_bias: bool = True,
        initializer: Any = "glorot_uniform",
        activation: Any = None,
        data_format: str | None = None,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
    ) -> Self:
        """Make the layer that computes the same as PyTorch's ConvTranspose with these arguments.

        Output: (n − 1)·stride + (kernel_size − 1)·dilation + 1 − 2·padding + output_padding, as for
        ConvTranspose1d, 2d or 3d. `weight.transpose(2, 3, 1, 0)` turns PyTorch's weight
        (in, out/groups, kh, kw) into the kernel: spatial axes first, then out and in.
        """
        return cls(
            filters,
            stride,
            kernel_size,
            padding=padding,
            output_padding=output_padding,
            dilation_rate=dilation,
            groups=groups,
            use_bias=use_bias,
            initializer=initializer,
            activation=activation,
            data_format=data_format,
            trainable=trainable,
            name=name,
            dtype=dtype,
        )

    def _initializer(self, initializer: Any, smallest: tuple[int, ...]) -> Any:
        if initializer not in ("bilinear", "icnr"):
            return initializer
        if max(self.dilation_rate) > 1:
            raise ValueError(
                f"`initializer={initializer!r}` needs taps side by side. Received: dilation_rate="
                f"{self.dilation_rate}. Leave `dilation_rate` out, or use another initializer."
            )
        if initializer == "icnr":
            begins = tuple(begin for begin, _ in self.crop)
            return TransposedICNR(self.scale, begins, groups=self.groups)
        if any(k < n for k, n in zip(self.kernel_size, smallest, strict=True)):
            raise ValueError(
                f"`kernel_size` must be at least {smallest} for the 'bilinear' initializer at "
                f"scale {self.scale}. Received: {self.kernel_size}. Leave it out."
            )
        return BilinearDeconvolution(groups=self.groups)

    def _padding(
        self, padding: Any, output_padding: Any
    ) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
        if padding is None:
            if output_padding is not None:
                raise ValueError(
                    "`output_padding` has a meaning only with `padding`. Received: "
                    f"output_padding={output_padding!r}, padding=None. Add `padding=0`."
                )
            self._check_every_output_is_reached()
            return None, None
        padding = arguments.each(padding, "padding", self.rank, minimum=0)
        if output_padding is None:
            output_padding = 0
        output_padding = arguments.each(output_padding, "output_padding", self.rank, minimum=0)
        steps = zip(output_padding, self.scale, self.dilation_rate, strict=True)
        if any(o >= max(s, d) for o, s, d in steps):
            plain = max(self.dilation_rate) == 1
            bounds = f"`scale` (the stride), {self.scale}"
            if not plain:
                bounds += f", or than `dilation_rate`, {self.dilation_rate}"
            raise ValueError(
                f"`output_padding` must be smaller than {bounds}. "
                f"Received: {output_padding}. Make it smaller."
            )
        return padding, output_padding

    def _check_every_output_is_reached(self) -> None:
        if any(r < s for r, s in zip(self._reaches, self.scale, strict=True)):
            raise ValueError(
                f"`kernel_size` must be at least `scale`, {self.scale}, or some output pixels "
                f"would see no input. Received: {self.kernel_size}. Enlarge it."
            )
        axes = zip(self.kernel_size, self.scale, self.dilation_rate, strict=True)
        if any(geometry.phases_seen(k, s, d) < s for k, s, d in axes):
            raise ValueError(
                f"Some output pixels would see no input: `kernel_size` {self.kernel_size} at "
                f"`dilation_rate` {self.dilation_rate} skips them at `scale` {self.scale}. Use a "
                "`dilation_rate` that shares no factor with `scale` and a kernel of at least "
                "`scale` taps, or state the geometry by `padding`."
            )

    def _crop(self) -> tuple[tuple[int, int], ...]:
        if self.padding is None or self.output_padding is None:
            return tuple(map(geometry.exact_crop, self._reaches, self.scale))
        return tuple(map(geometry.torch_crop, self.padding, self.output_padding))

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)
        axis = arguments.channel_axis(self.data_format, self.rank)
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                "`inputs` must have a known number of channels. Received shape "
                f"{tuple(input_shape)}. Name it in the Input, e.g. (None, None, 3)."
            )
        geometry.check_groups(None, channels, self.groups)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2, axes={axis: channels})
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, self.filters // self.groups, channels),
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
        operation: Any = _OPERATIONS[self.rank]
        y = operation(
            ops.cast(inputs, self.compute_dtype),
            self.kernel,
            scale=self.scale,
            dilation=self.dilation_rate,
            groups=self.groups,
            crop=self.crop,
            bias=self.bias,
            data_format=self.data_format,
        )
        return self.activation(y)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs", self.rank)
        shape = list(input_shape)
        axes = arguments.axes_of(self.data_format, self.rank)
        for axis, reach, s, crop in zip(axes, self._reaches, self.scale, self.crop, strict=True):
            length = shape[axis]
            shape[axis] = None if length is None else geometry.output_length(length, reach, s, crop)
        shape[arguments.channel_axis(self.data_format, self.rank)] = self.filters
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "scale": self.scale,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "output_padding": self.output_padding,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "use_bias": self.use_bias,
            "initializer": keras.initializers.serialize(self.initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "activation": keras.activations.serialize(self.activation),
            "data_format": self.data_format,
        }
