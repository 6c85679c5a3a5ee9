"""Max pooling that also returns the position of each maximum."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._backend import from_channels_last, to_channels_last
from ..ops._max_pool import pool, pooled_length
from ..ops._places import SHARPNESS

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class MaxPoolingWithIndices2D(keras.layers.Layer):
    """Returns the maximum of each window and its position in the window.

    y[i, j, c] = max over a, b in 0..s−1 of x[s·i + a, s·j + b, c], indices[i, j, c] = a·s + b of
    the first such pixel in the order of the rows, as in PyTorch: `1 3 / 2 0 -> 3` and `1`. Rows and
    columns after the last whole window are dropped, as in PyTorch: 5 -> 2 at s = 2.

    PyTorch's indices are positions in the whole plane, (s·i + a)·W + s·j + b; `ops.flat_indices`
    converts to them.

    Where pixels differ by rounding errors only, as in flat parts of a photograph, another runtime
    may return another index.

    Input: (N, H, W, C), H, W >= s; (N, C, H, W) for "channels_first".
    Output: y, (N, H // s, W // s, C), in the layer's compute dtype; indices of this shape, int32.

    Args:
        pool_size: size and stride s of the windows, >= 1.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes or smaller than a window.

    Reference: Badrinarayanan, Kendall and Cipolla, SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation, 2017, section 3, https://arxiv.org/abs/1511.00561
    """

    def __init__(
        self, pool_size: int = 2, *, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.pool_size = arguments.integer(pool_size, "pool_size")
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)
        self.sharpness = SHARPNESS  # for targets without comparisons, see `first_of_largest`

    def build(self, input_shape: Shape) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> tuple[Any, Any]:
        x = to_channels_last(ops.cast(inputs, self.compute_dtype), self.data_format)
        y, indices = pool(x, self.pool_size, self.sharpness)
        return (
            from_channels_last(y, self.data_format),
            from_channels_last(indices, self.data_format),
        )

    def compute_output_shape(self, input_shape: Shape) -> tuple[Shape, Shape]:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for axis in arguments.spatial_axes(self.data_format):
            shape[axis] = pooled_length(shape[axis], self.pool_size)
        return tuple(shape), tuple(shape)

    def compute_output_spec(self, inputs: Any) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        shape, _ = self.compute_output_shape(inputs.shape)
        return (
            keras.KerasTensor(shape, dtype=self.compute_dtype),
            keras.KerasTensor(shape, dtype="int32"),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "data_format": self.data_format,
        }
