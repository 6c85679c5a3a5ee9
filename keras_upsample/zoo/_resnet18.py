"""ResNet-18, which `keras.applications` does not have."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo._blocks import convolution


def resnet18(image: keras.KerasTensor, filters: Sequence[int]) -> tuple[Any, dict[int, Any]]:
    """The pooled stem at stride 4, and the features by stride (2 of the stem, 4 to 32).

    A 7x7 convolution and a 3x3 max pooling, then four stages of two blocks. A block is two 3x3
    convolutions and a shortcut; the first of a stage but the first halves the size, its shortcut by
    a 1x1 convolution. Random weights, images in [0, 1].

    Reference: He et al., Deep Residual Learning for Image Recognition, CVPR 2016, table 1,
    https://arxiv.org/abs/1512.03385
    """
    features = {2: convolution(image, filters[0], 7, "encoder_stem", strides=2)}
    pool = keras.layers.MaxPooling2D(3, strides=2, padding="same", name="encoder_stem_pool")
    stem = x = pool(features[2])
    for stage, width in enumerate(filters, start=1):
        for block in (1, 2):
            strides = 2 if stage > 1 and block == 1 else 1
            name = f"encoder_stage{stage}_block{block}"
            y = convolution(x, width, 3, f"{name}_1", strides=strides)
            y = convolution(y, width, 3, f"{name}_2", relu=False)
            if strides > 1:
                x = convolution(x, width, 1, f"{name}_shortcut", strides=2, relu=False)
            x = keras.layers.Add(name=f"{name}_add")([x, y])
            x = keras.layers.ReLU(name=f"{name}_relu")(x)
        features[2 ** (stage + 1)] = x
    return stem, features
