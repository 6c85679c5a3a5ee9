"""Cropping to the size of another tensor."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._align import crop_end
from ._pair import check_pair

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class CropLike2D(keras.layers.Layer):
    """Crops an image at the bottom and the right to the size of a reference.

    y = x[:h, :w] with the reference's height and width: `1 2 3 0` -> `1 2 3` for 3 columns. Undoes
    PadToMultiple2D. If the sizes are known and equal, the graph gets no operator.

    Input: [x, reference], (N, H, W, C) and (N, h, w, any) with h <= H, w <= W; (N, C, H, W) and
    (N, any, h, w) for "channels_first".
    Output: (N, h, w, C); (N, C, h, w).

    Args:
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError: a bad argument; a number of inputs other than 2; a reference known to be
            larger than x.
    """

    def __init__(self, *, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format_of(data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        x, reference = check_pair(inputs, "inputs", "[x, reference]")
        return crop_end(x, reference, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        x, reference = check_pair(input_shape, "inputs", "[x, reference]")
        arguments.check_rank(x, "x")
        arguments.check_rank(reference, "reference")
        shape = list(x)
        for axis in arguments.spatial_axes(self.data_format):
            have, want = x[axis], reference[axis]
            if have is not None and want is not None and have < want:
                raise ValueError(
                    f"`reference` must not be larger than `x`. Received: x {tuple(x)}, reference "
                    f"{tuple(reference)}. Swap the two, or use SkipFusion2D, which can pad."
                )
            shape[axis] = want
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
