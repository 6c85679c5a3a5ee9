"""A row of tokens as an image."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._backend import length, reshape
from ._pair import check_pair

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class ReshapeLike2D(keras.layers.Layer):
    """Gives tokens, read row by row, the height and width of a reference.

    y[i, j] = x[i w + j]: `1 2 3 4` -> `1 2` above `3 4` for 2 rows and columns. Undoes the
    `keras.layers.Reshape((-1, C))` in front of attention. Sizes may be open.

    Input: [x, reference], (N, h·w, C) and (N, h, w, any); for "channels_first" (N, C, h·w) and
    (N, any, h, w).
    Output: (N, h, w, C); (N, C, h, w).

    Args:
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError: a bad argument; a number of inputs other than 2; wrong axes; sizes that are
            known and differ.
    """

    def __init__(self, *, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format_of(data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        x, reference = check_pair(inputs, "inputs", "[x, reference]")
        size = [length(reference, axis) for axis in arguments.spatial_axes(self.data_format)]
        batch = x.shape[0] if all(isinstance(n, int) for n in size) else length(x, 0)
        if self.data_format == "channels_first":
            return reshape(x, (batch, x.shape[1], *size))
        return reshape(x, (batch, *size, x.shape[2]))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        x, reference = check_pair(input_shape, "inputs", "[x, reference]")
        arguments.check_rank(x, "x", 1)
        arguments.check_rank(reference, "reference")
        first = self.data_format == "channels_first"
        height, width = (reference[axis] for axis in arguments.spatial_axes(self.data_format))
        tokens, channels = (x[2], x[1]) if first else (x[1], x[2])
        if channels is None:
            raise ValueError(
                f"`x` must have a known number of channels. Received: {tuple(x)}. Give its last "
                "axis a length."
            )
        if None not in (tokens, height, width) and tokens != height * width:
            raise ValueError(
                f"`x` must have {height} x {width} = {height * width} tokens, as many as "
                f"`reference` has pixels. Received: x {tuple(x)}, reference {tuple(reference)}. "
                "Take class tokens off first."
            )
        size = (height, width)
        return (x[0], channels, *size) if first else (x[0], *size, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
