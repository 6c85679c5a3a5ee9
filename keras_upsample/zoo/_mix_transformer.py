"""Mix Transformer (MiT), the encoder of SegFormer."""

import dataclasses
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.metadata import IMAGENET
from keras_upsample.zoo._applications import Expected, preprocess


@dataclasses.dataclass(frozen=True)
class Mix:
    """One size, by stage: channels, blocks; heads and reductions are the same for all."""

    widths: tuple[int, int, int, int]
    blocks: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)


_WIDE = (64, 128, 320, 512)
MIXES = {
    "mit_b0": Mix((32, 64, 160, 256), (2, 2, 2, 2)),
    "mit_b1": Mix(_WIDE, (2, 2, 2, 2)),
    "mit_b2": Mix(_WIDE, (3, 4, 6, 3)),
    "mit_b3": Mix(_WIDE, (3, 4, 18, 3)),
    "mit_b4": Mix(_WIDE, (3, 8, 27, 3)),
    "mit_b5": Mix(_WIDE, (3, 6, 40, 3)),
}
_EXPANSION = 4  # of the feed-forward network


def mix_transformer(image: keras.KerasTensor, name: str) -> dict[int, Any]:
    """`image` through the transformer `name`: its features by stride, 4 to 32. Random weights.

    Each of four stages makes overlapping patches, by a 7x7 convolution of stride 4 or a 3x3 one of
    stride 2, and has blocks of two parts. With n() for normalization over channels,

        y = x + attention(n(x), r(n(x))),    z = y + W2 gelu(depthwise3x3(W1 n(y)))

    where r, a convolution of size and stride 8, 4, 2 and (none) 1, leaves one key for each 32 x 32
    pixels of the image. There are no positions to learn: the zeros around the depthwise convolution
    tell them. The paper drops whole branches in training; this does not.

    Height and width must be multiples of 32.

    Reference: Xie et al., SegFormer: Simple and Efficient Design for Semantic Segmentation with
    Transformers, NeurIPS 2021, section 3.1 and table 6, https://arxiv.org/abs/2105.15203
    """
    mix = MIXES[name]
    features = {}
    x = preprocess(image, Expected(IMAGENET.scale, IMAGENET.offset))
    for stage, width in enumerate(mix.widths):
        prefix = f"encoder_stage{stage + 1}"
        size, stride = (7, 4) if stage == 0 else (3, 2)
        x = keras.layers.ZeroPadding2D(size // 2, name=f"{prefix}_pad")(x)
        x = keras.layers.Conv2D(width, size, strides=stride, name=f"{prefix}_patches")(x)
        x = _normalize(x, f"{prefix}_patches_norm", 1e-5)
        for block in range(mix.blocks[stage]):
            here = f"{prefix}_block{block + 1}"
            x = _attend(x, mix.heads[stage], mix.reductions[stage], here)
            x = _feed_forward(x, here)
        x = _normalize(x, f"{prefix}_norm")
        features[2 ** (stage + 2)] = x
    return features


def _normalize(x: Any, name: str, epsilon: float = 1e-6) -> Any:
    return keras.layers.LayerNormalization(epsilon=epsilon, name=name)(x)


def _attend(x: Any, heads: int, reduction: int, name: str) -> Any:
    """Every position looks at a coarser map of all."""
    width = x.shape[-1]
    seen = y = _normalize(x, f"{name}_norm1")
    if reduction > 1:
        seen = keras.layers.Conv2D(width, reduction, strides=reduction, name=f"{name}_reduce")(y)
        seen = _normalize(seen, f"{name}_reduce_norm", 1e-5)
    queries = keras.layers.Reshape((-1, width), name=f"{name}_queries")(y)  # (N, H·W, C)
    keys = keras.layers.Reshape((-1, width), name=f"{name}_keys")(seen)  # (N, H·W/r², C)
    attention = keras.layers.MultiHeadAttention(heads, width // heads, name=f"{name}_attention")
    y = layers.ReshapeLike2D(name=f"{name}_map")([attention(queries, keys), x])
    return keras.layers.Add(name=f"{name}_add1")([x, y])


def _feed_forward(x: Any, name: str) -> Any:
    """Two 1x1 convolutions with a 3x3 one, channel by channel, between them."""
    width = x.shape[-1]
    y = _normalize(x, f"{name}_norm2")
    y = keras.layers.Conv2D(_EXPANSION * width, 1, name=f"{name}_widen")(y)
    y = keras.layers.DepthwiseConv2D(3, padding="same", name=f"{name}_depthwise")(y)
    y = keras.layers.Activation("gelu", name=f"{name}_gelu")(y)
    y = keras.layers.Conv2D(width, 1, name=f"{name}_narrow")(y)
    return keras.layers.Add(name=f"{name}_add2")([x, y])
