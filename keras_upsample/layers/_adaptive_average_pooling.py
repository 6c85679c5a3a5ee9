"""Adaptive average pooling."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._adaptive_pool import adaptive_average_pool

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class AdaptiveAveragePooling2D(keras.layers.Layer):
    """Means over windows of whole pixels, a fixed number of them at every input size.

    y[i] is the mean of x[floor(i n_in/n_out)] up to, not including, x[ceil((i + 1) n_in/n_out)] on
    each axis: `1 2 3 -> 1.5 2.5` for 2 output pixels, `1 2 -> 1 1.5 2` for 3. AreaResize2D weighs
    partly covered pixels by the part instead; both agree if `size` divides the input's.

    At a known size this is an average pooling, or two products with constant matrices where `size`
    does not divide; at an open size the graph computes the matrices.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, *size, C), in the layer's compute dtype. Half precision is computed in float32 and
    rounded once.

    Args:
        size: output pixels, or (rows, columns); also more than the input has.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: `torch.nn.AdaptiveAvgPool2d`; the pyramid of Zhao et al., Pyramid Scene Parsing
    Network, CVPR 2017. (Keras has a layer of this name since 3.13; ours also takes open sizes, and
    computes by operators that every exported format has.)
    """

    def __init__(
        self, size: int | tuple[int, int], *, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = arguments.pair(size, "size")
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")

    def call(self, inputs: Any) -> Any:
        x = ops.cast(inputs, self.compute_dtype)
        return adaptive_average_pool(x, size=self.size, data_format=self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for axis, n in zip(arguments.spatial_axes(self.data_format), self.size, strict=True):
            shape[axis] = n
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
