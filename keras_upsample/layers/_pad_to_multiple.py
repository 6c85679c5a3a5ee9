"""Padding to a multiple of a network's stride."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._align import pad_to_multiple, padded_length

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class PadToMultiple2D(keras.layers.Layer):
    """Pads zeros at the bottom and at the right until height and width are multiples of a number.

    n' = ceil(max(n, a) / m) · m. `1 2 3 -> 1 2 3 0` for m = 4. If the sizes are known and need
    nothing, the graph gets no operator.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, H', W', C); (N, C, H', W').

    Args:
        multiple: m, or (rows, columns), >= 1; usually the network's stride.
        at_least: a, or (rows, columns), >= 1; for networks that need some pixels at their coarsest
            stride.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.
    """

    def __init__(
        self,
        multiple: int | tuple[int, int],
        *,
        at_least: int | tuple[int, int] = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.multiple = arguments.pair(multiple, "multiple")
        self.at_least = arguments.pair(at_least, "at_least")
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")

    def call(self, inputs: Any) -> Any:
        return pad_to_multiple(inputs, self.multiple, self.data_format, self.at_least)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        axes = arguments.spatial_axes(self.data_format)
        for axis, multiple, least in zip(axes, self.multiple, self.at_least, strict=True):
            shape[axis] = padded_length(shape[axis], multiple, least)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "at_least": self.at_least,
            "data_format": self.data_format,
        }
