"""Padding for networks whose convolutions have none, and the crop that belongs to it."""

from typing import Any

import keras

from keras_upsample.ops._backend import length
from keras_upsample.ops._reassemble import repeat_edges

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class BorderPadding2D(keras.layers.Layer):
    """Repeats the border of an image, up to a multiple of a number.

    n' = ceil(n / m) m + 2 p pixels, p of them before the image; every new pixel equals its nearest
    one: `1 2 3 -> 1 1 2 3 3 3` for p = 1, m = 2.

    Input: (N, H, W, C). Output: (N, H', W', C).

    Args:
        pixels: p, on every side, >= 0.
        multiple: m, >= 1.
    """

    def __init__(self, pixels: int, multiple: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pixels, self.multiple = pixels, multiple

    def build(self, input_shape: Shape) -> None:
        """No weights."""

    def call(self, inputs: Any) -> Any:
        sizes = inputs.shape[1:3]
        open_ = self.multiple > 1 and None in sizes
        ends = [self.multiple - 1 if open_ else -int(n or 0) % self.multiple for n in sizes]
        first, second = ((self.pixels, self.pixels + end) for end in ends)
        padded = repeat_edges(inputs, (first, second))
        if not open_:
            return padded
        # An open size has m - 1 pixels more than any remainder needs.
        height, width = (
            -(-length(inputs, axis) // self.multiple) * self.multiple + 2 * self.pixels
            for axis in (1, 2)
        )
        return padded[:, :height, :width]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        n, *sizes, channels = input_shape
        grown = (
            None if size is None else -(-size // self.multiple) * self.multiple + 2 * self.pixels
            for size in sizes
        )
        return (n, *grown, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pixels": self.pixels, "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="keras_upsample")
class CropToScale2D(keras.layers.Layer):
    """The part of an enlarged image that belongs to the image without its padding.

    y = x[:, :s h, :s w] for [x, image], the image of h x w pixels.

    Args:
        scale: s, >= 1.
    """

    def __init__(self, scale: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = scale

    def build(self, input_shape: Any) -> None:
        """No weights."""

    def call(self, inputs: Any) -> Any:
        x, image = inputs
        height, width = (length(image, axis) * self.scale for axis in (1, 2))
        return x[:, :height, :width]

    def compute_output_shape(self, input_shape: Any) -> Any:
        (n, _, _, channels), (_, *sizes, _) = input_shape
        return (n, *(None if size is None else size * self.scale for size in sizes), channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}
