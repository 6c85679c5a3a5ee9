"""Layers inside of others: built at once, always channels last."""

from typing import Any

import keras


def convolution(
    outer: keras.layers.Layer,
    name: str,
    channels: int,
    filters: int,
    size: int = 1,
    **options: Any,
) -> Any:
    """A convolution inside `outer`, of the same dtype policy; padding is "same" by default."""
    layer = keras.layers.Conv2D(
        filters,
        size,
        data_format="channels_last",
        dtype=outer.dtype_policy,
        name=name,
        **{"padding": "same", **options},
    )
    layer.build((None, None, None, channels))
    return layer


def depthwise(outer: keras.layers.Layer, name: str, channels: int, size: int) -> Any:
    """A depthwise convolution inside `outer`, same padding, of the same dtype policy."""
    layer = keras.layers.DepthwiseConv2D(
        size, padding="same", data_format="channels_last", dtype=outer.dtype_policy, name=name
    )
    layer.build((None, None, None, channels))
    return layer


def normalization(outer: keras.layers.Layer, name: str, channels: int) -> Any:
    """Layer normalization over the channels inside `outer`, with PyTorch's epsilon."""
    layer = keras.layers.LayerNormalization(
        axis=-1, epsilon=1e-5, dtype=outer.dtype_policy, name=name
    )
    layer.build((None, None, None, channels))
    return layer


def group_normalization(outer: keras.layers.Layer, name: str, channels: int, groups: int) -> Any:
    """Group normalization inside `outer`, with PyTorch's epsilon."""
    layer = keras.layers.GroupNormalization(
        groups, axis=-1, epsilon=1e-5, dtype=outer.dtype_policy, name=name
    )
    layer.build((None, None, None, channels))
    return layer
