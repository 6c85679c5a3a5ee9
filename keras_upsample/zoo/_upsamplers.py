"""The ways in which a decoder of the zoo doubles a feature map.

One line each: name -> (x, guide, filters, name) -> x at twice the size with `filters` channels.
The guide is the encoder's features at the doubled size, or the image; most upsamplers ignore it.
Upsamplers without weights can't change the number of channels, so a 3x3 convolution follows them
(resize-convolution; Odena, Dumoulin and Olah, Deconvolution and Checkerboard Artifacts, Distill
2016), except with filters=None, which keeps the channels.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo._arguments import check_choice

Upsample = str | Callable[[int], Any]


def _widen(x: Any, filters: int | None, name: str) -> Any:
    """`x` with `filters` channels; None: as it is."""
    if filters is None:
        return x
    return keras.layers.Conv2D(
        filters, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)


def _unpool(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """Unpooling by where the guide has its maxima, between two 3x3 convolutions.

    The encoder pools that very guide, so that these are the positions that SegNet remembers.
    """
    channels, kept = guide.shape[-1], x.shape[-1]
    x = keras.layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="he_normal", name=f"{name}_project"
    )(x)
    _, indices = layers.MaxPoolingWithIndices2D(2, name=f"{name}_indices")(guide)
    x = layers.MaxUnpooling2D(2, name=name)([x, indices])
    return _widen(x, filters or kept, name)  # its zeros want a convolution in any case


_GUIDE_CHANNELS = 8

Doubling = Callable[[Any, Any, int | None, str], Any]  # (x, guide, filters, name) -> x, doubled


def _by_layer(layer: Callable[[int, str], Any]) -> Doubling:
    """A layer that doubles the size and chooses the channels at once."""
    return lambda x, guide, filters, name: layer(filters or x.shape[-1], name)(x)


def _resize(layer: Callable[..., Any]) -> Doubling:
    """A resize by 2, and the convolution that chooses the channels."""
    return lambda x, guide, filters, name: _widen(layer(2, name=name)(x), filters, name)


def _dysample(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """DySample in the authors' four groups, or as many as the channels allow."""
    layer = layers.DySample2D(2, groups=math.gcd(4, x.shape[-1]), name=name)
    return _widen(layer(x), filters, name)


def _joint_bilateral(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """Joint bilateral upsampling with learned sigmas and a learned projection of the guide.

    Distances between features of many channels would make every weight 0 or 1, so that a 1x1
    convolution makes few of them (the guide is projected as in FeatUp; Fu et al., 2024).
    """
    seen = keras.layers.Conv2D(_GUIDE_CHANNELS, 1, name=f"{name}_guide")(guide)
    layer = layers.JointBilateralUpSampling2D(2, range_sigma=1.0, learnable=True, name=name)
    return _widen(layer([x, seen]), filters, name)


def _sapa(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """SAPA-G, the variant that scores best in its paper."""
    layer = layers.SAPA2D(2, similarity="gated", name=name)
    return _widen(layer([x, guide]), filters, name)


def _fade(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """FADE as published, with a gate."""
    return _widen(layers.FADE2D(2, name=name)([x, guide]), filters, name)


def _freq_fusion(x: Any, guide: Any, filters: int | None, name: str) -> Any:
    """FreqFusion's two results, joined by a 3x3 convolution."""
    layer = layers.FreqFusion2D(2, groups=math.gcd(4, x.shape[-1]), name=name)
    both = keras.layers.Concatenate(name=f"{name}_join")(layer([x, guide]))
    return _widen(both, filters or x.shape[-1], name)


# Interpolations: no weights, any whole factor.
RESIZES: dict[str, Callable[..., Any]] = {
    "nearest": layers.NearestUpSampling2D,
    "bilinear": layers.BilinearUpSampling2D,
    "bicubic": layers.BicubicUpSampling2D,
    "lanczos": layers.LanczosUpSampling2D,
    "area": layers.AreaResize2D,
}

UPSAMPLERS: dict[str, Doubling] = {
    "transposed_conv": _by_layer(lambda f, n: layers.TransposedConv2D(f, 2, 2, name=n)),
    **{name: _resize(layer) for name, layer in RESIZES.items()},
    "pixel_shuffle": _by_layer(lambda f, n: layers.SubpixelConv2D(f, 2, kernel_size=3, name=n)),
    "pixel_shuffle_blur": _by_layer(
        lambda f, n: layers.SubpixelConv2D(f, 2, kernel_size=3, blur=True, name=n)
    ),
    "carafe": _resize(layers.CARAFE2D),
    "dysample": _dysample,
    "joint_bilateral": _joint_bilateral,
    "sapa": _sapa,
    "fade": _fade,
    "freq_fusion": _freq_fusion,
    "max_unpooling": _unpool,
}

COORDINATES = ("half_pixel", "align_corners")

GUIDED = ("joint_bilateral", "sapa", "fade", "freq_fusion", "max_unpooling")
"""Those that read the guide, which must have the size to come to the pixel."""


def check_upsample(value: Any, argument: str = "upsample") -> Upsample:
    """`value` if it is callable or names an upsampler."""
    if callable(value):
        return value
    return check_choice(argument, value, UPSAMPLERS, " or a callable `filters -> layer`")


def check_coordinates(value: Any, *upsamples: Any) -> str:
    """`value` if it is a convention of bilinear enlargement, which one of `upsamples` then is."""
    check_choice("coordinates", value, COORDINATES)
    if value != "half_pixel" and "bilinear" not in upsamples:
        raise ValueError(
            f"`coordinates={value!r}` is a convention of bilinear enlargement, which "
            f"`upsample={upsamples[0]!r}` is not. Pass upsample='bilinear', or leave "
            "`coordinates` out."
        )
    return str(value)


def double(
    x: keras.KerasTensor,
    upsample: Upsample,
    filters: int | None,
    name: str,
    guide: keras.KerasTensor,
) -> Any:
    """`x` at twice its height and width, which `guide` has already, with `filters` channels.

    None for the channels of `x`; interpolation then needs no convolution.
    """
    if not callable(upsample):
        return UPSAMPLERS[upsample](x, guide, filters, name)
    filters = filters or x.shape[-1]
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


def enlarge(
    x: keras.KerasTensor,
    upsample: Upsample,
    name: str,
    guides: Sequence[keras.KerasTensor],
    coordinates: str = "half_pixel",
) -> Any:
    """`x` at the size of the last of `guides`, each twice as large as the one before.

    The channels stay. Interpolation takes one step, everything else doubles once a guide;
    `coordinates` are those of "bilinear".
    """
    if isinstance(upsample, str) and upsample in RESIZES:
        options = {"coordinates": coordinates} if upsample == "bilinear" else {}
        return RESIZES[upsample](2 ** len(guides), name=name, **options)(x)
    for i, guide in enumerate(guides, start=1):
        step = name if len(guides) == 1 else f"{name}_x{2**i}"
        x = double(x, upsample, None, step, guide)
    return x
