"""Dense Prediction Transformer."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, normalize
from keras_upsample.zoo._upsamplers import Upsample, check_coordinates, check_upsample, enlarge
from keras_upsample.zoo._vit import PATCH, VITS, vit

_READOUTS = ("project", "add", "ignore")


def dpt(
    input_shape: Sequence[int | None] = (384, 384, 3),
    classes: int = 2,
    *,
    encoder: str = "vit_base",
    readout: str = "project",
    upsample: Upsample = "bilinear",
    coordinates: str = "half_pixel",
    filters: Sequence[int] = (256, 512, 1024, 1024),
    width: int = 256,
    batch_norm_momentum: float | None = None,
    dropout: float = 0.1,
    activation: Any = None,
    name: str = "dpt",
) -> Any:
    """DPT: the tokens of a vision transformer, put together as maps at four scales and fused.

    Figure: a ViT with patches of 16 x 16 pixels gives its tokens after a quarter, half, three
    quarters and all of its blocks. Each becomes a map: the class token is read out into every other
    token (joined with it and taken back to its channels by a dense layer and GELU); the tokens are
    put at their places; a 1x1 convolution and a transposed or strided one bring the four maps to
    strides 4, 8, 16 and 32, and a 3x3 convolution to 256 channels. From coarse to fine, a fusion
    block adds a map, after a residual unit, to what comes from below; another residual unit, a
    doubling and a 1x1 convolution follow. The head is a 3x3 convolution, a 1x1 convolution to the
    classes and a doubling.

        block 12 -> 1024 (32) -> 256 (32) -> 256 (16)
        block  9 -> 1024 (16) -> 256 (16) ->     +     -> 256 (8)
        block  6 ->  512 (8)  -> 256 (8)  ->               +      -> 256 (4)
        block  3 ->  256 (4)  -> 256 (4)  ->                          +      -> 256 (2)
        -> classes (2) -> classes (1)                               channels (stride)

    A residual unit is x + BN(conv3x3(ReLU(BN(conv3x3(ReLU(x)))))).

    Input: `image`, (batch, height, width, channels), float32 in [0, 1]. Height and width are fixed,
    because the ViT learns a vector for each position; any from 1 up will do: the image is padded
    with zeros to a multiple of 32, and the output cropped back. Output: `logits`, (batch, height,
    width, classes), or `probabilities` with `activation`; float32 under a mixed policy too.

    Departures from the paper: the coarsest fusion block has its first residual unit too, as in
    segmentation_models.pytorch. The class token is not joined with every token: its part of the
    dense layer is applied to it once and added, which gives the same sum. No auxiliary loss.

    Args:
        input_shape: (height, width, channels) without the batch, all known.
        classes: Number of classes, i.e. channels of the output.
        encoder: "vit_base" (the paper's DPT-Base), "vit_tiny", "vit_small" or "vit_large", each
            with random weights.
        readout: What becomes of the class token: "project" (the paper's), "add" or "ignore".
        upsample: Upsampler of the fusion blocks and of the scores: "bilinear" (the paper's), or
            another name or a callable as in `unet`.
        coordinates: Of bilinear interpolation: "half_pixel", or "align_corners" as in the authors'
            code and in segmentation_models.pytorch, for weights that were trained there.
        filters: Channels of the maps at strides 4, 8, 16 and 32, before they are made equal.
        width: Channels of the fusion blocks and of the head.
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9, so that
            inference is right after some 50 steps of a network with random weights.
        dropout: Dropout rate before the scores, in [0, 1); the authors' code has 0.1.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.

    Reference: Ranftl, Bochkovskiy and Koltun, Vision Transformers for Dense Prediction, ICCV 2021,
    section 3 and figure 1, https://arxiv.org/abs/2103.13413
    """
    shape = arguments.check_input_shape(input_shape)
    if None in shape:
        raise ValueError(
            "`input_shape` must have a known height and width, because the transformer learns a "
            f"vector for each position. Received: {shape}. Pass, say, (384, 384, {shape[2]}), and "
            "predict larger images in tiles."
        )
    classes = arguments.check_count("classes", classes)
    arguments.check_choice("encoder", encoder, VITS)
    arguments.check_choice("readout", readout, _READOUTS)
    upsample = check_upsample(upsample)
    coordinates = check_coordinates(coordinates, upsample)
    filters = arguments.check_filters(filters, 4, "for strides 4, 8, 16 and 32")
    width = arguments.check_count("width", width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    maps = {}
    for stride, channels, tokens in zip((4, 8, 16, 32), filters, vit(padded, encoder), strict=True):
        stage = f"decoder_map{stride}"
        x = _read_out(tokens, readout, f"{stage}_readout")
        rows, columns = (size // PATCH for size in padded.shape[1:3])
        x = keras.layers.Reshape((rows, columns, x.shape[-1]), name=stage)(x)
        x = keras.layers.Conv2D(channels, 1, name=f"{stage}_project")(x)
        x = _to_stride(x, channels, stride, f"{stage}_resample")
        maps[stride] = keras.layers.Conv2D(
            width,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{stage}_conv",
        )(x)

    guides = {32: maps[16], 16: maps[8], 8: maps[4], 4: frame.shrunk(padded, 2)}
    x = None
    for stride in (32, 16, 8, 4):
        stage = f"decoder_fuse{stride}"
        y = _residual(maps[stride], f"{stage}_unit1")
        x = y if x is None else keras.layers.Add(name=f"{stage}_add")([y, x])
        x = _residual(x, f"{stage}_unit2")
        x = enlarge(x, upsample, f"{stage}_upsample", [guides[stride]], coordinates)
        x = keras.layers.Conv2D(width, 1, name=f"{stage}_project")(x)

    x = convolution(x, width, 3, "head")
    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="head_scores")(x)
    x = enlarge(x, upsample, "head_upsample", [padded], coordinates)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=True)


def _read_out(tokens: Any, readout: str, name: str) -> Any:
    """(N, 1 + T, C) -> (N, T, C): what is left of the class token in all others."""
    channels = tokens.shape[-1]
    others = keras.layers.Cropping1D((1, 0), name=f"{name}_tokens")(tokens)
    if readout == "ignore":
        return others
    first = keras.layers.Cropping1D((0, tokens.shape[1] - 1), name=f"{name}_class")(tokens)
    if readout == "add":
        return keras.layers.Add(name=f"{name}_add")([others, first])
    # W [x, c] = W_x x + W_c c, the latter (N, 1, C).
    others = keras.layers.Dense(channels, name=f"{name}_project_tokens")(others)
    first = keras.layers.Dense(channels, use_bias=False, name=f"{name}_project_class")(first)
    x = keras.layers.Add(name=f"{name}_add")([others, first])
    return keras.layers.Activation("gelu", name=f"{name}_gelu")(x)


def _to_stride(x: Any, channels: int, stride: int, name: str) -> Any:
    """A map at the patches' stride 16, brought to another."""
    if stride == PATCH:
        return x
    if stride < PATCH:
        factor = PATCH // stride
        return layers.TransposedConv2D(channels, factor, factor, name=name)(x)
    x = keras.layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
    return keras.layers.Conv2D(channels, 3, strides=stride // PATCH, name=name)(x)


def _residual(x: Any, name: str) -> Any:
    """Two 3x3 convolutions, each after ReLU and before batch normalization, added to `x`."""
    y = x
    for i in (1, 2):
        y = keras.layers.ReLU(name=f"{name}_relu{i}")(y)
        y = keras.layers.Conv2D(
            x.shape[-1],
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_conv{i}",
        )(y)
        y = normalize(y, f"{name}_{i}", relu=False)
    return keras.layers.Add(name=f"{name}_add")([x, y])
