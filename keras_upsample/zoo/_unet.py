"""U-Net."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._encoder_source import (
    Encoder,
    check_encoder,
    check_no_encoder,
    check_padding,
    starts_random,
)
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._pretrained import preset_model
from keras_upsample.zoo._upsamplers import GUIDED, Upsample, check_upsample, double

_FUSIONS = ("concat", "add", "attention", "scse")
_FILTERS = (64, 128, 256, 512, 1024)
_FILTERS_BEHIND_ENCODER = (16, 32, 64, 128, 256)


def unet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder | None = None,
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "transposed_conv",
    fusion: str = "concat",
    filters: Sequence[int] | None = None,
    padding: str = "same",
    batch_norm: bool = True,
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    weights: str | None = None,
    name: str = "unet",
) -> Any:
    """U-Net: an encoder and a decoder joined at every resolution.

    Figure: stages 1 to 5 go down. Each has two 3x3 convolutions with ReLU and, except the last, a
    2x2 max pooling; widths 64, 128, 256, 512, 1024. Stages 4 to 1 go up. Each doubles the size,
    joins the encoder's features of that stage and applies two 3x3 convolutions. A 1x1 convolution
    makes the scores.

        padding="valid"  down 572 568 | 284 280 | 140 136 | 68 64 | 32 28
                         up   388 392 | 196 200 | 100 104 | 52 56

    With `encoder`, stages 1 to 6 are the features of another network at strides 1 to 32, and the
    decoder has five stages. Most networks have no features at stride 1, and some none at stride 2;
    the decoder stages there join nothing.

    `fusion="attention"` is Attention U-Net (Oktay et al., 2018): before a skip is joined, each of
    its pixels is multiplied by a number in (0, 1), computed from the skip and the doubled decoder
    features; the paper computes it at half that size.

    Input: `image`, (batch, height, width, channels), float32 in [0, 1]. With padding="same" any
    height and width from 1 up: the image is padded with zeros to a multiple of the deepest
    stride, the output cropped back. Output: `logits`, (batch, height, width, classes), or
    `probabilities` with `activation`; float32 under a mixed policy too.

    Two departures from the paper, both common: batch normalization (batch_norm=False is the
    paper's) and padding="same".

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: None for the paper's, a name such as "resnet50", "mobilenet_v2" or
            "efficientnet_b0" (`docs/encoders.md` lists all), a preset of keras-hub, or a functional
            Keras model, which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        upsample: "transposed_conv" (2x2, the paper's); "pixel_shuffle" (3x3 convolution and
            shuffle), "pixel_shuffle_blur" (the same and a blur, without checkerboard); "nearest",
            "bilinear", "bicubic", "lanczos", "area" (at a factor of 2 the same as "nearest"),
            "carafe", "dysample", each followed by a 3x3 convolution; "joint_bilateral", "sapa",
            "fade", "freq_fusion" (followed by one too) and "max_unpooling" (SegNet's, between two
            3x3 convolutions), which read the encoder's features at the doubled size, or the image
            if there are none, and need padding="same"; or a callable that takes the number of
            filters and returns a layer that doubles the size.
        fusion: How decoder and skip are joined: "concat" (the paper's), "add", "attention"
            (Attention U-Net), "scse"; see `layers.SkipFusion2D`.
        filters: Channels by stage, finest first, for two stages or more; with `encoder` for the
            decoder's five stages at strides 1 to 16. None: (64, 128, 256, 512, 1024); with
            `encoder` (16, 32, 64, 128, 256).
        padding: "same"; "torch" for PyTorch's padding in a ResNet encoder (see `linknet`); or
            "valid" for the paper's unpadded convolutions (no `encoder`). With "valid", a static
            size must be one that divides evenly at every pooling and crop, i.e. 16k + 12 from 188
            up for five stages. If the size is None, feed such sizes only: others lose border
            pixels.
        batch_norm: Whether each 3x3 convolution is followed by batch normalization (and has no
            bias). Export folds it into the convolutions.
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an
            `encoder` that starts from random weights, so that inference is right after some 50
            steps; else the values of Keras and the application (0.99 to 0.999), which pretrained
            encoders need. Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44
            with 0.9, 0.14 with the application's momentum (docs/training.md).
        dropout: Dropout rate after the deepest stage, in [0, 1). The paper gives no figure.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        weights: None (random), or a preset: "cells" (images of 2 channels, 3 classes), "nuclei" (1
            channel, 2 classes). A preset sets the arguments it was trained with; height and width
            of `input_shape` stay free.
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Ronneberger, Fischer and Brox, U-Net: Convolutional Networks for Biomedical Image
    Segmentation, MICCAI 2015, section 2 and figure 1, https://arxiv.org/abs/1505.04597; Oktay et
    al., Attention U-Net: Learning Where to Look for the Pancreas, MIDL 2018, section 2.2,
    https://arxiv.org/abs/1804.03999
    """
    if weights is not None:
        return preset_model(unet, locals())
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    arguments.check_choice("fusion", fusion, _FUSIONS)
    arguments.check_choice("padding", padding, ("same", "valid", "torch"))
    batch_norm = arguments.check_flag("batch_norm", batch_norm)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    if encoder is not None:
        check_encoder(encoder, " or None")
        filters = arguments.check_filters(
            _FILTERS_BEHIND_ENCODER if filters is None else filters,
            5,
            "for the decoder's stages at strides 1, 2, 4, 8 and 16",
        )
        if padding == "valid":
            raise ValueError(
                "`padding='valid'` is for the paper's own encoder; other networks are padded. "
                f"Received: encoder={encoder!r}. Pass "
                "padding='same' or encoder=None."
            )
    else:
        filters = arguments.check_filters(
            _FILTERS if filters is None else filters, None, "one a stage, finest first"
        )
        check_no_encoder(encoder_weights, encoder_normalization, encoder_trainable)
    if padding == "torch":
        check_padding(padding, encoder)
    window = "valid" if padding == "valid" else "same"
    if padding == "valid":
        if upsample in GUIDED:
            raise ValueError(
                f"`upsample={upsample!r}` reads the encoder's features pixel by pixel, and "
                "padding='valid' makes these larger than the decoder's. Pass padding='same'."
            )
        for axis in (0, 1):
            _check_closes(shape[axis], axis, len(filters))

    def convolutions(x: Any, width: int, stage: str) -> Any:
        for i in (1, 2):
            x = keras.layers.Conv2D(
                width,
                3,
                padding=window,
                use_bias=not batch_norm,
                kernel_initializer="he_normal",
                name=f"{stage}_conv{i}",
            )(x)
            if batch_norm:
                x = keras.layers.BatchNormalization(name=f"{stage}_bn{i}")(x)
            x = keras.layers.ReLU(name=f"{stage}_relu{i}")(x)
        return x

    image = frame.image_input(shape)
    stride = 32 if encoder is not None else 2 ** (len(filters) - 1)
    padded = image if padding == "valid" else frame.pad(image, stride)
    skips: dict[int, Any] = {}  # stride -> features
    if encoder is not None:
        skips = encode(
            padded,
            encoder,
            encoder_weights,
            needs=(4, 8, 16, 32),
            normalization=encoder_normalization,
            trainable=encoder_trainable,
            padding=padding,
        )
        x = skips.pop(32)
        widths = filters
    else:
        x = padded
        widths, deepest = filters[:-1], filters[-1]
        for stage, width in enumerate(widths, start=1):
            x = convolutions(x, width, f"encoder_stage{stage}")
            skips[2 ** (stage - 1)] = x
            x = keras.layers.MaxPooling2D(2, name=f"encoder_stage{stage}_pool")(x)
        x = convolutions(x, deepest, f"encoder_stage{len(filters)}")
    if dropout:
        x = keras.layers.Dropout(dropout, name="encoder_dropout")(x)

    align = "center_crop" if padding == "valid" else None  # padded sizes always meet
    for stage, width in reversed(list(enumerate(widths, start=1))):
        skip = skips.get(2 ** (stage - 1))
        guide = frame.shrunk(padded, 2 ** (stage - 1)) if skip is None else skip
        x = double(x, upsample, width, f"decoder_stage{stage}_upsample", guide)
        if skip is not None:
            fusion_name = f"decoder_stage{stage}_fusion"
            x = layers.SkipFusion2D(fusion, align=align, name=fusion_name)([x, skip])
        x = convolutions(x, width, f"decoder_stage{stage}")

    # Cut before the 1x1 convolution or after it is the same; before, it computes less.
    if padding != "valid":
        x = frame.crop(x, image)
    x = keras.layers.Conv2D(classes, 1, name="head_conv")(x)
    model = frame.finish(image, x, activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _closed(size: int, depth: int) -> int | None:
    """The output's size of the unpadded U-Net with `depth` stages, None if it doesn't close.

    572 -> 388 at depth 5.
    """
    for _ in range(depth - 1):
        size -= 4
        if size < 2 or size % 2:
            return None
        size //= 2
    size -= 4
    for _ in range(depth - 1):
        size = 2 * size - 4
    return size if size >= 1 else None


def _check_closes(size: int | None, axis: int, depth: int) -> None:
    """Raises if a static size doesn't close, with the nearest that do."""
    if size is None or _closed(size, depth):
        return
    below = next((n for n in range(size - 1, 0, -1) if _closed(n, depth)), None)
    above = next(n for n in range(size + 1, size + 400 * 2**depth) if _closed(n, depth))
    nearest = f"{above}, which is the smallest" if below is None else f"{below} and {above}"
    raise ValueError(
        f"`input_shape[{axis}]`: with padding='valid' and {depth} stages, {size} does not close: "
        "a pooling would meet an odd size, or nothing would be left. The nearest sizes that do: "
        f"{nearest}."
    )
