"""Caffe's crop with an offset."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_upsample")
class OffsetCrop2D(keras.layers.Layer):
    """Cuts from [x, reference] the window of x that has the reference's size.

    y[:, i, j] = x[:, i + offset, j + offset], as Caffe's Crop layer does along height and width.

    Input: [(batch, height, width, channels), (batch, reference height, reference width, any)].
    Output: (batch, reference height, reference width, channels).

    Args:
        offset: Rows and columns left out at the top and at the left, at least 0.

    Raises:
        ValueError: If a static size of x is smaller than offset and reference's size together.
    """

    def __init__(self, offset: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(offset, int) or offset < 0:
            raise ValueError(f"`offset` must be an integer of at least 0. Received: {offset!r}.")
        self.offset = offset

    def build(self, input_shape: Any) -> None:
        for size, wanted in zip(input_shape[0][1:3], input_shape[1][1:3], strict=True):
            if None not in (size, wanted) and size < self.offset + wanted:
                raise ValueError(
                    f"{self.name}: {size} rows or columns can't give {wanted} behind an `offset` "
                    f"of {self.offset}."
                )

    def call(self, inputs: Any) -> Any:
        x, reference = inputs
        height, width = keras.ops.shape(reference)[1:3]
        o = self.offset
        return x[:, o : o + height, o : o + width]  # (N, h, w, C)

    def compute_output_shape(self, input_shape: Any) -> Any:
        (batch, _, _, channels), (_, height, width, _) = input_shape
        return (batch, height, width, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "offset": self.offset}
