"""Lanczos upsampling."""

from typing import Any

import keras
from keras import ops

from ..ops._lanczos import lobes_of, resize_lanczos
from ._resize import Factor, Interpolation2D


@keras.saving.register_keras_serializable(package="keras_upsample")
class LanczosUpSampling2D(Interpolation2D):
    """Upsamples by Lanczos' windowed sinc on each axis.

    y[i] = Σ_k w(u − k) x[k] / Σ_k w(u − k) over the 2a neighbours of u, with
    w(d) = sinc(d) sinc(d/a) and sinc(d) = sin(πd)/(πd). `0 1 -> -0.18 0.23 0.77 1.18` at a = 3.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C), in the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output pixels, or (rows, columns), instead of `scale`; smaller or larger than the
            input.
        coordinates: "half_pixel", "align_corners" or "asymmetric".
        lobes: a: 2, 3 (TensorFlow's "lanczos3", PIL) or 4 (OpenCV).
        border: "renormalize" drops taps outside the image (TensorFlow, PIL), "clamp" repeats the
            border pixel; the weights sum to 1 in both cases.
        antialias: whether to smooth an axis that `size` makes smaller, as PIL's `Image.resize` does
            (with a = 3): y[i] = Σ_k w((u − k)/r) x[k], divided by the sum of the weights,
            r = n_in/n_out. Needs half_pixel coordinates and "renormalize". An axis that grows is
            not affected.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: Duchon, Lanczos filtering in one and two dimensions, 1979; Turkowski, Filters for
    common resampling tasks, 1990.
    """

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        coordinates: str = "half_pixel",
        lobes: int = 3,
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
        self.lobes = lobes_of(lobes)

    def call(self, inputs: Any) -> Any:
        return resize_lanczos(
            ops.cast(inputs, self.compute_dtype),
            scale=self.scale,
            size=self.size,
            coordinates=self.coordinates,
            lobes=self.lobes,
            border=self.border,
            antialias=self.antialias,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "lobes": self.lobes}
