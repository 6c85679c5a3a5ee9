"""ESPCN."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._pretrained import preset_model


def espcn(
    input_shape: Sequence[int | None] = (None, None, 3),
    scale: int = 2,
    *,
    filters: Sequence[int] = (64, 32),
    activation: Any = "tanh",
    residual: bool = False,
    weights: str | None = None,
    name: str = "espcn",
) -> Any:
    """ESPCN: super-resolution; the last convolution makes all pixels of a block at once.

    Figure: all convolutions run at the low resolution, one 5x5 and then 3x3; the last makes
    scale² values for every channel of a pixel, and a pixel shuffle arranges them.

        scale=3   17x17x3 -> 5x5, 64 -> 3x3, 32 -> 3x3, 27 -> shuffle -> 51x51x3

    Input: `image`, (batch, height, width, channels), float32 in [0, 1]. Output: `enlarged`,
    (batch, scale * height, scale * width, channels), of the same range but not clipped to it;
    float32 under a mixed policy too.

    Departures from the paper: the paper enlarges luma alone, this network all channels together;
    the shuffle starts as nearest upsampling (ICNR; Aitken et al. 2017).

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        scale: Factor of height and width, a whole number from 1 up.
        filters: Channels of the convolutions before the last, the first of which is 5x5.
        activation: Activation after each of these: the paper's "tanh", or another argument of
            `keras.layers.Activation`.
        residual: Whether the network computes the difference from the bicubic enlargement, which is
            added at the end, instead of the image (not in the paper). The difference starts at 0.
        weights: None (random), or a preset for RGB photographs: "photos_x2", "photos_x3".
            A preset sets `scale`, `filters`, `activation` and `residual`.
        name: Name of the model.

    Returns:
        A functional `keras.Model`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.

    Reference: Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient
    Sub-Pixel Convolutional Neural Network, CVPR 2016, section 3, https://arxiv.org/abs/1609.05158
    """
    if weights is not None:
        return preset_model(espcn, locals())
    shape = arguments.check_input_shape(input_shape)
    scale = arguments.check_count("scale", scale)
    filters = arguments.check_filters(filters, None, "the first of a 5x5 convolution")
    residual = arguments.check_flag("residual", residual)

    image = frame.image_input(shape)
    x = image
    for stage, width in enumerate(filters, start=1):
        x = keras.layers.Conv2D(
            width,
            5 if stage == 1 else 3,
            padding="same",
            kernel_initializer="he_normal",
            name=f"stage{stage}_conv",
        )(x)
        x = keras.layers.Activation(activation, name=f"stage{stage}_activation")(x)
    start = "zeros" if residual else "icnr"  # so that it begins as bicubic, or as nearest
    x = layers.SubpixelConv2D(shape[2], scale, kernel_size=3, initializer=start, name="subpixel")(x)
    if residual:
        bicubic = layers.BicubicUpSampling2D(scale, name="bicubic")(image)
        x = keras.layers.Add(name="residual")([bicubic, x])
    return frame.finish(image, x, None, name, output="enlarged")
