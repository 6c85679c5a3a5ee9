"""Blocks that several networks of the zoo use."""

from typing import Any

import keras

TORCH_EPSILON = 1e-5
"""PyTorch's epsilon of batch normalization; Keras' is 1e-3."""


def convolution(
    x: Any,
    filters: int,
    size: int,
    name: str,
    *,
    strides: int = 1,
    relu: bool = True,
    padding: str = "same",
) -> Any:
    """A convolution without bias, batch normalization and, unless `relu` is False, ReLU.

    With padding="torch" the window of a strided convolution lies where PyTorch's does: half of it
    over every edge. So it does at a stride of 1 anyway.
    """
    explicit = padding == "torch" and strides > 1 and size > 1
    if explicit:
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = keras.layers.Conv2D(
        filters,
        size,
        strides=strides,
        padding="valid" if explicit else "same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return normalize(x, name, relu=relu, padding=padding)


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


def normalize(x: Any, name: str, *, relu: bool = True, padding: str = "same") -> Any:
    """Batch normalization (with padding="torch" by PyTorch's epsilon) and, maybe, ReLU."""
    options = {"epsilon": TORCH_EPSILON} if padding == "torch" else {}
    x = keras.layers.BatchNormalization(name=f"{name}_bn", **options)(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x
