"""Blocks that several networks of the zoo use."""

from typing import Any

import keras

from keras_upsample import layers

BINS = (1, 2, 3, 6)
"""Rows, and columns, of the grids of pyramid pooling."""

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


def pyramid_pooling(
    x: Any, width: int, coordinates: str = "half_pixel", *, normalize_single: bool = True
) -> list[Any]:
    """Means of `x` over the bins of four grids, `width` channels each, at the size of `x`.

    Reference: Zhao et al., Pyramid Scene Parsing Network, CVPR 2017, section 3.2,
    https://arxiv.org/abs/1612.01105

    Args:
        x: The coarsest features.
        width: Channels of each grid.
        coordinates: Convention of the bilinear interpolation.
        normalize_single: Whether the grid of one bin has batch normalization; else it has a bias.
    """
    pyramid = []
    for bins in BINS:
        name = f"decoder_bins{bins}"
        y = layers.AdaptiveAveragePooling2D(bins, name=f"{name}_pool")(x)  # (N, bins, bins, C)
        if bins > 1 or normalize_single:
            y = convolution(y, width, 1, name)
        else:
            y = keras.layers.Conv2D(
                width, 1, activation="relu", kernel_initializer="he_normal", name=f"{name}_conv"
            )(y)
        like = layers.ResizeLike2D(coordinates=coordinates, name=f"{name}_resize")
        pyramid.append(like([y, x]))  # (N, H, W, width)
    return pyramid


def squeeze(x: Any, filters: int, inner: int, name: str) -> Any:
    """The weights of squeeze and excitation: one in (0, 1) for each of `filters` channels.

    The mean over the image, a 1x1 convolution to `inner` channels, ReLU, a 1x1 convolution and a
    sigmoid.

    Reference: Hu, Shen and Sun, Squeeze-and-Excitation Networks, CVPR 2018, figure 2,
    https://arxiv.org/abs/1709.01507
    """
    x = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_mean")(x)
    x = keras.layers.Conv2D(inner, 1, activation="relu", name=f"{name}_squeeze")(x)
    return keras.layers.Conv2D(filters, 1, activation="sigmoid", name=f"{name}_excite")(x)
