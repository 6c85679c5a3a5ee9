"""Pixel shuffle."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._shuffle import pixel_shuffle, shuffled_channels

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class PixelShuffle2D(keras.layers.Layer):
    """Moves blocks of s² channels into s × s pixels.

    y[s·i + a, s·j + b, c] = x[i, j, (a·s + b)·C + c] for order "dcr", x[i, j, c·s² + a·s + b] for
    "crd". One pixel with channels `1 2 3 4` -> `1 2 / 3 4`.

    Input: (N, H, W, s²·C); (N, s²·C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C); (N, C, s·H, s·W).

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        order: "dcr" (TensorFlow's depth_to_space, ONNX DCR) or "crd" (PyTorch, ONNX CRD).
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; channels that s² does not divide.

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
        return pixel_shuffle(inputs, self.scale, self.order, data_format=self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for axis in arguments.spatial_axes(self.data_format):
            length = shape[axis]
            shape[axis] = None if length is None else length * self.scale
        channels = arguments.channel_axis(self.data_format)
        shape[channels] = shuffled_channels(shape[channels], self.scale)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "order": self.order,
            "data_format": self.data_format,
        }
