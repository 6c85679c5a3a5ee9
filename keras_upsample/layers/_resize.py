"""What the resizing layers share: arguments, shapes and config."""

from typing import Any

import keras

from ..ops import _arguments as arguments
from ..ops._antialias import check_antialias

Factor = int | tuple[int, int]
Shape = tuple[int | None, ...]


class Resize2D(keras.layers.Layer):
    """Base of the resizing layers; see NearestUpSampling2D for the arguments."""

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        coordinates: str = "half_pixel",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if scale is None and size is None:
            scale = 2
        self.scale, self.size = arguments.scale_or_size(scale, size)
        self.coordinates = arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs")
        shape = list(input_shape)
        for k, axis in enumerate(arguments.spatial_axes(self.data_format)):
            length = shape[axis]
            if self.size is not None:
                shape[axis] = self.size[k]
            elif self.scale is not None and length is not None:
                shape[axis] = length * self.scale[k]
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "scale": self.scale,
            "size": self.size,
            "coordinates": self.coordinates,
            "data_format": self.data_format,
        }


class Interpolation2D(Resize2D):
    """Base of the layers that can smooth where they make smaller; see BilinearUpSampling2D."""

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        coordinates: str = "half_pixel",
        border: str = "renormalize",
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, size, coordinates=coordinates, data_format=data_format, **kwargs)
        self.border = arguments.one_of(border, "border", arguments.BORDERS)
        self.antialias = check_antialias(antialias, self.coordinates, self.border)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "border": self.border, "antialias": self.antialias}
