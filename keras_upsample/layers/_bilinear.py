"""Bilinear upsampling."""

from typing import Any

import keras
from keras import ops

from ..ops._resize import resize_bilinear
from ._resize import Factor, Interpolation2D


@keras.saving.register_keras_serializable(package="keras_upsample")
class BilinearUpSampling2D(Interpolation2D):
    """Upsamples by linear interpolation on each axis.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1], t = u − floor(u), indices clamped to the image:
    `1 2 -> 1 1.25 1.75 2` with half_pixel coordinates, `1 1.33 1.67 2` with align_corners,
    `1 1.5 2 2` with asymmetric.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C), in the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output pixels, or (rows, columns), instead of `scale`; smaller or larger than the
            input.
        coordinates: "half_pixel" (Keras, TensorFlow 2, PyTorch `align_corners=False`),
            "align_corners" (PyTorch `align_corners=True`) or "asymmetric" (TensorFlow 1).
        antialias: whether to smooth an axis that `size` makes smaller, as PIL's `Image.resize` and
            PyTorch's `interpolate(antialias=True)` do: y[i] = Σ_k w((u − k)/r) x[k], divided by the
            sum of the weights, w(d) = max(0, 1 − |d|), r = n_in/n_out. `1 2 3 6 -> 1.71 4.14` for 2
            output pixels, without it `1.5 4.5`. Needs half_pixel coordinates. An axis that grows is
            not affected.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: ONNX operator Resize, mode "linear".
    """

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        coordinates: str = "half_pixel",
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scale,
            size,
            coordinates=coordinates,
            antialias=antialias,
            data_format=data_format,
            **kwargs,
        )

    def call(self, inputs: Any) -> Any:
        return resize_bilinear(
            ops.cast(inputs, self.compute_dtype),
            scale=self.scale,
            size=self.size,
            coordinates=self.coordinates,
            antialias=self.antialias,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["border"]  # a clamped pixel and one that is left out give the same here
        return config
