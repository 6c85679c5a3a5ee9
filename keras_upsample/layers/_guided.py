"""What the layers share that enlarge one input by another of the enlarged size."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import to_channels_last
from ._pair import GUIDED, check_pair, guided_shape


class Guided2D(keras.layers.Layer):
    """A layer of [x, guide] whose output has the guide's size and the channels of x.

    Args:
        scale: factor s, the same for rows and columns, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.
    """

    def __init__(self, scale: int, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = arguments.integer(scale, "scale")
        self.data_format = arguments.data_format_of(data_format)

    def channels_last_pair(self, inputs: Any) -> list[Any]:
        """x and the guide, both in the compute dtype and channels last."""
        return [
            to_channels_last(ops.cast(value, self.compute_dtype), self.data_format)
            for value in check_pair(inputs, "inputs", GUIDED)
        ]

    def compute_output_shape(self, input_shape: Any) -> Any:
        return guided_shape(input_shape, self.scale, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "data_format": self.data_format}
