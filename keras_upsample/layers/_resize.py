"""Base classes of the resizing layers: arguments, shapes and config."""

from typing import Any, ClassVar

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._antialias import check_antialias
from ..ops._lengths import check_interpolation, lengths_of, resize1d, resize3d

Factor = int | tuple[int, int]
Lengths = int | tuple[int, ...]
Shape = tuple[int | None, ...]


class Resize(keras.layers.Layer):
    """Base of the resizing layers; see NearestUpSampling2D for the arguments."""

    rank: ClassVar[int] = 2

    def __init__(
        self,
        scale: Lengths | None = None,
        size: Lengths | None = None,
        *,
        coordinates: str = "half_pixel",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if scale is None and size is None:
            scale = 2
        self.scale, self.size = lengths_of(scale, size, self.rank)
        self.coordinates = arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
        self.data_format = arguments.data_format_of(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=self.rank + 2)

    def build(self, input_shape: Shape) -> None:
        arguments.check_rank(input_shape, "inputs", self.rank)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        arguments.check_rank(input_shape, "inputs", self.rank)
        shape = list(input_shape)
        for k, axis in enumerate(arguments.axes_of(self.data_format, self.rank)):
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


class Interpolation2D(Resize):
    """Base of the layers that can antialias; see BilinearUpSampling2D."""

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


_OPERATIONS = {1: resize1d, 3: resize3d}


class LengthsResize(Resize):
    """Base of the resizing layers of lines and volumes."""

    interpolation: ClassVar[str]

    def call(self, inputs: Any) -> Any:
        return self._resized(inputs)

    def _resized(self, x: Any, **options: Any) -> Any:
        return _OPERATIONS[self.rank](
            x,
            scale=self.scale,
            size=self.size,
            interpolation=self.interpolation,
            coordinates=self.coordinates,
            data_format=self.data_format,
            **options,
        )


class NearestLengths(LengthsResize):
    """Base of NearestUpSampling1D and 3D."""

    interpolation = "nearest"

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        # Labels are integers and stay so; Keras would announce the layer's compute dtype.
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)


class LinearLengths(LengthsResize):
    """Base of LinearUpSampling1D and TrilinearUpSampling3D."""

    interpolation = "linear"

    def __init__(
        self,
        scale: Lengths | None = None,
        size: Lengths | None = None,
        *,
        coordinates: str = "half_pixel",
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, size, coordinates=coordinates, data_format=data_format, **kwargs)
        check_interpolation("linear", self.coordinates, antialias)
        self.antialias = bool(antialias)

    def call(self, inputs: Any) -> Any:
        return self._resized(ops.cast(inputs, self.compute_dtype), antialias=self.antialias)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "antialias": self.antialias}
