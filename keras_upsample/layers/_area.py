"""Area resizing."""

from typing import Any

import keras
from keras import ops

from ..ops._area import resize_area
from ._resize import Factor, Resize


@keras.saving.register_keras_serializable(package="keras_upsample")
class AreaResize2D(Resize):
    """Resizes by the mean over the area of each output pixel.

    y[i] = (n_out/n_in) ∫ x(v) dv from i n_in/n_out to (i + 1) n_in/n_out on each axis, where
    x(v) = x[floor(v)]: `1 2 3 -> 1.33 2.67` for 2 output pixels. A size that divides the input's
    gives block means, `1 3 5 7 -> 2 6`. An integer `scale` gives copies, `1 2 -> 1 1 2 2`, exactly
    as NearestUpSampling2D does. The mean of the image is the same at every ratio.

    Input: (N, H, W, C); (N, C, H, W) for "channels_first".
    Output: (N, s·H, s·W, C), or (N, *size, C), in the layer's compute dtype. Half precision is
    computed in float32 and rounded once.

    Args:
        scale: factor, or (rows, columns) factors, integers >= 1; 2 if `size` is None too.
        size: output pixels, or (rows, columns), instead of `scale`; smaller or larger than the
            input.
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Raises:
        ValueError, TypeError: a bad argument; inputs without 4 axes.

    Reference: `tf.image.resize` with method="area". (PyTorch's "area" and adaptive average pooling
    give partly covered pixels full weight; they agree with this if `size` divides the input's.)
    """

    def __init__(
        self,
        scale: Factor | None = None,
        size: Factor | None = None,
        *,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scale, size, data_format=data_format, **kwargs)

    def call(self, inputs: Any) -> Any:
        return resize_area(
            ops.cast(inputs, self.compute_dtype),
            scale=self.scale,
            size=self.size,
            data_format=self.data_format,
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["coordinates"]  # an area has no other than half-pixel ones
        return config
