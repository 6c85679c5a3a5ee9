"""ResNet-18 and ResNet-34, which `keras.applications` does not have."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo._blocks import convolution

FILTERS = (64, 128, 256, 512)
BLOCKS = {"resnet18": (2, 2, 2, 2), "resnet34": (3, 4, 6, 3)}


def resnet(
    image: keras.KerasTensor,
    filters: Sequence[int] = FILTERS,
    blocks: Sequence[int] = BLOCKS["resnet18"],
    *,
    padding: str = "same",
    prefix: str = "encoder_",
) -> tuple[Any, dict[int, Any]]:
    """The pooled stem at stride 4, and the features by stride (2 of the stem, 4 to 32).

    A 7x7 convolution and a 3x3 max pooling, then four stages of blocks. A block is two 3x3
    convolutions and a shortcut; the first of a stage but the first halves the size, its shortcut by
    a 1x1 convolution. Random weights.

    At an even size, a window of stride 2 that pads by "same" lies one pixel further to the bottom
    right than one of PyTorch, which pads all sides alike.

    Args:
        image: what the network is fed.
        filters: channels of the stages, finest first; the first is the stem's too.
        blocks: number of blocks in each stage.
        padding: "same", or "torch" for PyTorch's, and its epsilon of batch normalization, 1e-5.
        prefix: of the layers' names.

    Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, table 1,
    https://arxiv.org/abs/1512.03385
    """
    stem = f"{prefix}stem"
    features = {2: convolution(image, filters[0], 7, stem, strides=2, padding=padding)}
    x = features[2]
    if padding == "torch":  # zeros, for nothing is below zero behind a ReLU
        x = keras.layers.ZeroPadding2D(1, name=f"{stem}_pool_pad")(x)
    window = "same" if padding == "same" else "valid"
    pooled = x = keras.layers.MaxPooling2D(3, strides=2, padding=window, name=f"{stem}_pool")(x)
    for stage, (width, count) in enumerate(zip(filters, blocks, strict=True), start=1):
        for block in range(1, count + 1):
            strides = 2 if stage > 1 and block == 1 else 1
            name = f"{prefix}stage{stage}_block{block}"
            y = convolution(x, width, 3, f"{name}_1", strides=strides, padding=padding)
            y = convolution(y, width, 3, f"{name}_2", relu=False, padding=padding)
            if strides > 1:
                x = convolution(
                    x, width, 1, f"{name}_shortcut", strides=2, relu=False, padding=padding
                )
            x = keras.layers.Add(name=f"{name}_add")([x, y])
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        features[2 ** (stage + 1)] = x
    return pooled, features


def resnet_model(name: str, channels: int, padding: str) -> Any:
    """The network of an encoder's name, for images of any size."""
    image = keras.Input((None, None, channels), name="image")
    _, features = resnet(image, blocks=BLOCKS[name], padding=padding, prefix="")
    return keras.Model(image, features[32], name=name)
