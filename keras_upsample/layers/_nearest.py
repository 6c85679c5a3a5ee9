"""Nearest neighbour upsampling."""

from typing import Any

import keras

from ..ops._resize import resize_nearest
from ._resize import Resize


@keras.saving.register_keras_serializable(package="keras_upsample")
class NearestUpSampling2D(Resize):
    """Upsamples by copying the nearest pixel.

    y[i] = x[floor(u(i) + 1/2)] with half_pixel coordinates, x[floor(u(i))] with asymmetric,
    x[round(u(i))], halves away from zero, with align_corners. At a whole scale s the first two are
    x[floor(i/s)]: `1 2 -> 1 1 2 2`.

    Input: (N, H, W, C) of any dtype; (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C); integers keep their dtype.

    Args:
        scale: factor, or (rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output pixels, or (rows, columns), instead of `scale`.
        coordinates: where an output pixel i lies in the input: "half_pixel",
            u = (i + 1/2)/s − 1/2; "align_corners", u = i (n_in − 1)/(n_out − 1); "asymmetric",
            u = i/s.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: ONNX operator Resize, mode "nearest".
    """

    def call(self, inputs: Any) -> Any:
        return resize_nearest(
            inputs,
            scale=self.scale,
            size=self.size,
            coordinates=self.coordinates,
            data_format=self.data_format,
        )

    def compute_output_spec(self, inputs: Any) -> keras.KerasTensor:
        # Labels are integers and stay so; Keras would announce the layer's compute dtype.
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype=inputs.dtype)
