"""Blocks that several networks of the zoo use."""

from typing import Any

import keras


def convolution(
    x: Any, filters: int, size: int, name: str, *, strides: int = 1, relu: bool = True
) -> Any:
    """A convolution without bias, batch normalization and, unless `relu` is False, ReLU."""
    x = keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return normalize(x, name, relu=relu)


def separable(x: Any, filters: int, name: str, *, rate: int = 1) -> Any:
    """A 3x3 convolution channel by channel, at a dilation `rate`, and a 1x1 convolution."""
    x = keras.layers.DepthwiseConv2D(
        3,
        padding="same",
        dilation_rate=rate,
        use_bias=False,
        depthwise_initializer="he_normal",
        name=f"{name}_depthwise",
    )(x)
    x = normalize(x, f"{name}_depthwise")
    return convolution(x, filters, 1, f"{name}_pointwise")


def normalize(x: Any, name: str, *, relu: bool = True) -> Any:
    """Batch normalization and, unless `relu` is False, ReLU."""
    x = keras.layers.BatchNormalization(name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
