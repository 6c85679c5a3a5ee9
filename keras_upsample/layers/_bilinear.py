"""Bilinear upsampling."""

from typing import Any

import keras
from keras import ops

from ..ops._resize import resize_bilinear
from ._resize import Resize2D


@keras.saving.register_keras_serializable(package="keras_upsample")
class BilinearUpSampling2D(Resize2D):
    """Upsamples by linear interpolation on each axis.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1], t = u − floor(u), indices clamped to the image:
    `1 2 -> 1 1.25 1.75 2` with half_pixel coordinates, `1 1.33 1.67 2` with align_corners,
    `1 1.5 2 2` with asymmetric.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C), of the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (rows, columns) factors, whole and >= 1; 2 if neither is given.
        size: output pixels, or (rows, columns), instead of `scale`. Without antialiasing.
        coordinates: "half_pixel" (Keras, TensorFlow 2, PyTorch `align_corners=False`),
            "align_corners" (PyTorch `align_corners=True`) or "asymmetric" (TensorFlow 1).
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: ONNX operator Resize, mode "linear".
    """

    def call(self, inputs: Any) -> Any:
        return resize_bilinear(
            ops.cast(inputs, self.compute_dtype),
            scale=self.scale,
            size=self.size,
            coordinates=self.coordinates,
            data_format=self.data_format,
        )
