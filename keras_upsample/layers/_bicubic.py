"""Bicubic upsampling."""

from typing import Any

import keras
from keras import ops

from ..ops import _arguments as arguments
from ..ops._resize import resize_bicubic
from ._resize import Factor, Interpolation2D


@keras.saving.register_keras_serializable(package="keras_upsample")
class BicubicUpSampling2D(Interpolation2D):
    """Upsamples by Keys' cubic convolution on each axis.

    y[i] = Σ_k w(u − k) x[k] over four neighbours, with w(d) = (a + 2)d³ − (a + 3)d² + 1 for
    |d| <= 1 and a|d|³ − 5a d² + 8a|d| − 4a for 1 < |d| < 2. `0 1 -> -0.09 0.21 0.79 1.09`.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C), in the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output pixels, or (rows, columns), instead of `scale`; smaller or larger than the
            input.
        coordinates: "half_pixel", "align_corners" or "asymmetric".
        coefficient: a: -0.5 (TensorFlow, Keras, PIL) or -0.75 (PyTorch, OpenCV).
        border: "renormalize" drops taps outside the image and divides by the sum of the others
            (TensorFlow, PIL), "clamp" repeats the border pixel (PyTorch, OpenCV).
        antialias: whether to smooth an axis that `size` makes smaller, as PIL's `Image.resize` and
            PyTorch's `interpolate(antialias=True)` do: y[i] = Σ_k w((u − k)/r) x[k], divided by the
            sum of the weights, r = n_in/n_out. Needs half_pixel coordinates and "renormalize". An
            axis that grows is not affected.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: Keys, Cubic convolution interpolation for digital image processing, 1981, III.
    """

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        coordinates: str = "half_pixel",
        coefficient: float = -0.5,
        border: str = "renormalize",
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scale,
            size,
            coordinates=coordinates,
            border=border,
            antialias=antialias,
            data_format=data_format,
            **kwargs,
        )
        self.coefficient = arguments.finite(coefficient, "coefficient")

    def call(self, inputs: Any) -> Any:
        return resize_bicubic(
            ops.cast(inputs, self.compute_dtype),
            scale=self.scale,
            size=self.size,
            coordinates=self.coordinates,
            coefficient=self.coefficient,
            border=self.border,
            antialias=self.antialias,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "coefficient": self.coefficient}
