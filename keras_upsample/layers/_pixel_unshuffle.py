"""Pixel unshuffle."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._shuffle import pixel_unshuffle, unshuffled_length

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class PixelUnshuffle2D(keras.layers.Layer):
    """Moves s × s pixels into s² channels; undoes PixelShuffle2D of the same order.

    y[i, j, (a·s + b)·C + c] = x[s·i + a, s·j + b, c] for order "dcr", y[i, j, c·s² + a·s + b] for
    "crd". `1 2 / 3 4` -> one pixel with channels `1 2 3 4`.

    Input: (N, s·H, s·W, C); (N, C, s·H, s·W) for "channels_first".
    Output: (N, H, W, s²·C); (N, s²·C, H, W).

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        order: "dcr" (TensorFlow's space_to_depth) or "crd" (PyTorch's pixel_unshuffle).
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; a height or width that s does not divide.

    Reference: Shi et al., Real-time single image and video super-resolution, 2016, section 3.2.
    """

    def __init__(
        self,
        scale: int = 2,
        order: str = "dcr",
        *,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.scale = arguments.integer(scale, "scale")
        self.order = arguments.one_of(order, "order", arguments.ORDERS)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        return pixel_unshuffle(inputs, self.scale, self.order, data_format=self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for axis in arguments.spatial_axes(self.data_format):
            shape[axis] = unshuffled_length(shape[axis], self.scale)
        axis = arguments.channel_axis(self.data_format)
        channels = shape[axis]
        shape[axis] = None if channels is None else channels * self.scale**2
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "order": self.order,
            "data_format": self.data_format,
        }
