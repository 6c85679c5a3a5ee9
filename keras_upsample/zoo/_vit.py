"""Vision transformer (ViT)."""

import dataclasses
from typing import Any

import keras
from keras import ops

from keras_upsample.zoo._applications import Expected, preprocess

PATCH = 16
_EXPANSION = 4  # of the feed-forward network


@dataclasses.dataclass(frozen=True)
class ViT:
    """One size."""

    width: int
    blocks: int
    heads: int


VITS = {
    "vit_tiny": ViT(192, 12, 3),
    "vit_small": ViT(384, 12, 6),
    "vit_base": ViT(768, 12, 12),
    "vit_large": ViT(1024, 24, 16),
}


@keras.saving.register_keras_serializable(package="keras_upsample")
class ClassTokenAndPositions(keras.layers.Layer):
    """Puts a learned token in front of all others and adds a learned vector for each position.

    y = [c, x_1, ..., x_T] + p, (N, T, C) -> (N, T + 1, C). Computed as [0, x_1, ...] plus the
    constant [c + p_0, p_1, ...], so that nothing is repeated for each image.
    """

    def build(self, input_shape: Any) -> None:
        _, tokens, channels = input_shape
        if tokens is None:
            raise ValueError(
                f"The number of tokens must be known. Received: {tuple(input_shape)}. Give the "
                "image a fixed size."
            )
        small = keras.initializers.TruncatedNormal(stddev=0.02)
        self.token = self.add_weight((1, 1, channels), name="token", initializer=small)
        self.positions = self.add_weight(
            (1, tokens + 1, channels), name="positions", initializer=small
        )

    def call(self, inputs: Any) -> Any:
        token = ops.cast(self.token, self.compute_dtype)
        positions = ops.cast(self.positions, self.compute_dtype)
        constant = ops.concatenate([token + positions[:, :1], positions[:, 1:]], axis=1)
        return ops.pad(inputs, [[0, 0], [1, 0], [0, 0]]) + constant

    def compute_output_shape(self, input_shape: Any) -> Any:
        batch, tokens, channels = input_shape
        return (batch, None if tokens is None else tokens + 1, channels)


def vit(image: keras.KerasTensor, name: str) -> list[Any]:
    """`image` through the transformer `name`: tokens after four blocks, evenly spaced.

    Figure: a 16x16 convolution of stride 16 makes one token of each patch. A class token is put in
    front, positions are added, and blocks of two parts follow. With n() for normalization over
    channels,

        y = x + attention(n(x)),    z = y + W2 gelu(W1 n(y))

    Height and width must be known, and multiples of 16. Random weights. Each of the four results is
    (N, 1 + height/16 · width/16, channels), not normalized.

    Reference: Dosovitskiy et al., An Image is Worth 16x16 Words: Transformers for Image Recognition
    at Scale, ICLR 2021, section 3.1 and figure 1, https://arxiv.org/abs/2010.11929
    """
    size = VITS[name]
    x = preprocess(image, Expected((2.0,), (-1.0,)))
    x = keras.layers.Conv2D(size.width, PATCH, strides=PATCH, name="encoder_patches")(x)
    x = keras.layers.Reshape((-1, size.width), name="encoder_tokens")(x)
    x = ClassTokenAndPositions(name="encoder_positions")(x)
    outputs = []
    for block in range(1, size.blocks + 1):
        here = f"encoder_block{block}"
        y = _normalize(x, f"{here}_norm1")
        attention = keras.layers.MultiHeadAttention(
            size.heads, size.width // size.heads, name=f"{here}_attention"
        )
        x = keras.layers.Add(name=f"{here}_add1")([x, attention(y, y)])
        y = _normalize(x, f"{here}_norm2")
        y = keras.layers.Dense(_EXPANSION * size.width, activation="gelu", name=f"{here}_widen")(y)
        y = keras.layers.Dense(size.width, name=f"{here}_narrow")(y)
        x = keras.layers.Add(name=f"{here}_add2")([x, y])
        outputs.append(x)
    return [outputs[size.blocks * quarter // 4 - 1] for quarter in (1, 2, 3, 4)]


def _normalize(x: Any, name: str) -> Any:
    return keras.layers.LayerNormalization(epsilon=1e-6, name=name)(x)
