"""The ways in which a decoder of the zoo doubles a feature map.

One line a way: name -> (x, guide, filters, name) -> x at twice the size with `filters` channels.
The guide is what the network has at the size to come (the encoder's features, or the image); most
ways leave it aside. Interpolation has no weights and cannot change the number of channels, so a 3x3
convolution follows it (resize-convolution; Odena, Dumoulin and Olah, Deconvolution and Checkerboard
Artifacts, Distill 2016).
"""

from collections.abc import Callable
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo._arguments import check_choice

Upsample = str | Callable[[int], Any]


def _convolution(filters: int, name: str) -> Any:
    return keras.layers.Conv2D(
        filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv"
    )


Doubling = Callable[[Any, Any, int, str], Any]  # (x, guide, filters, name) -> x, doubled


def _learned(layer: Callable[[int, str], Any]) -> Doubling:
    """A layer that doubles the size and chooses the channels at once."""
    return lambda x, guide, filters, name: layer(filters, name)(x)


def _resize(layer: Callable[..., Any]) -> Doubling:
    """A resize by 2, and the convolution that chooses the channels."""
    return lambda x, guide, filters, name: _convolution(filters, name)(layer(2, name=name)(x))


UPSAMPLERS: dict[str, Doubling] = {
    "transposed_conv": _learned(lambda f, n: layers.TransposedConv2D(f, 2, 2, name=n)),
    "nearest": _resize(layers.NearestUpSampling2D),
    "bilinear": _resize(layers.BilinearUpSampling2D),
    "bicubic": _resize(layers.BicubicUpSampling2D),
    "pixel_shuffle": _learned(lambda f, n: layers.SubpixelConv2D(f, 2, kernel_size=3, name=n)),
}


def check_upsample(value: Any) -> Upsample:
    """`value` if it is callable or names an upsampler."""
    if callable(value):
        return value
    return check_choice("upsample", value, UPSAMPLERS, " or a callable `filters -> layer`")


def doubled(
    x: keras.KerasTensor, upsample: Upsample, filters: int, name: str, guide: keras.KerasTensor
) -> Any:
    """`x` at twice its height and width, with `filters` channels; `guide` has that size already."""
    if not callable(upsample):
        return UPSAMPLERS[upsample](x, guide, filters, name)
    layer = upsample(filters)
    if not isinstance(layer, keras.Layer):
        raise ValueError(
            "`upsample`: the callable must return a Keras layer. It was called with "
            f"{filters} and returned {layer!r}."
        )
    if not layer.built:
        layer.name = name  # so that a callable that names its layer can be called once a stage
    y = layer(x)
    given = keras.KerasTensor((1, 8, 8, x.shape[-1]), dtype=x.dtype)
    made = tuple(layer.compute_output_spec(given).shape)
    if len(made) != 4 or made[1:3] != (16, 16):
        raise ValueError(
            f"`upsample`: the layer must double height and width. {type(layer).__name__} turns "
            f"{given.shape} into {made}."
        )
    return y
