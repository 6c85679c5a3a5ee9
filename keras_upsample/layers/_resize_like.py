"""Resizing to the size of another tensor."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._resize_like import INTERPOLATIONS, resize_like
from ._pair import check_pair

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="keras_upsample")
class ResizeLike2D(keras.layers.Layer):
    """Resizes an image to the height and width of a reference.

    As BilinearUpSampling2D or NearestUpSampling2D with the reference's size: `1 2 -> 1 1.25 1.75 2`
    for 4 columns. The reference's size may be open: the graph then computes the weights.

    Input: [x, reference], (N, H, W, C) and (N, h, w, any); (N, C, H, W) and (N, any, h, w) for
    "channels_first".
    Output: (N, h, w, C); (N, C, h, w); in the layer's compute dtype.

    Args:
        interpolation: "bilinear" or "nearest".
        coordinates: "half_pixel", "align_corners" or "asymmetric", as in BilinearUpSampling2D.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError: a bad argument; a number of inputs other than 2; inputs without 4 axes.

    Reference: PyTorch's `interpolate(x, size=reference.shape[2:])`.
    """

    def __init__(
        self,
        interpolation: str = "bilinear",
        *,
        coordinates: str = "half_pixel",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.interpolation = arguments.one_of(interpolation, "interpolation", INTERPOLATIONS)
        self.coordinates = arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
        self.data_format = arguments.data_format_of(data_format)

    def build(self, input_shape: Any) -> None:
        self.compute_output_shape(input_shape)

    def call(self, inputs: Any) -> Any:
        x, reference = check_pair(inputs, "inputs", "[x, reference]")
        return resize_like(
            ops.cast(x, self.compute_dtype),
            reference,
            interpolation=self.interpolation,
            coordinates=self.coordinates,
            data_format=self.data_format,
        )

    def compute_output_shape(self, input_shape: Any) -> Shape:
        x, reference = check_pair(input_shape, "inputs", "[x, reference]")
        arguments.check_rank(x, "x")
        arguments.check_rank(reference, "reference")
        shape = list(x)
        for axis in arguments.spatial_axes(self.data_format):
            shape[axis] = reference[axis]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "interpolation": self.interpolation,
            "coordinates": self.coordinates,
            "data_format": self.data_format,
        }
