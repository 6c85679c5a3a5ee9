"""SegNet."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._applications import copy_vgg16, expected, preprocess
from keras_upsample.zoo._blocks import normalize
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge
from keras_upsample.zoo._weights import application, check_weights

_VGG16 = (64, 128, 256, 512, 512)
_CONVOLUTIONS = (2, 2, 3, 3, 3)


def segnet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder_weights: str | os.PathLike[str] | None = None,
    upsample: Upsample = "max_unpooling",
    filters: Sequence[int] = _VGG16,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "segnet",
) -> Any:
    """SegNet: pooling keeps the positions of the maxima, and the decoder unpools to them.

    Figure: the 13 convolutions of VGG16 in five blocks, each convolution 3x3 with batch
    normalization and ReLU, each block ending in a 2x2 max pooling that keeps the positions. The
    decoder is the encoder's mirror image: unpooling to the positions of the matching block, with
    zeros elsewhere, then as many convolutions as that block has. There is no other connection from
    encoder to decoder. The last of the 26 convolutions, also 3x3, makes the scores.

        encoder  64 64 | 128 128 | 256 256 256 | 512 512 512 | 512 512 512
        decoder  512 512 512 | 512 512 256 | 256 256 128 | 128 64 | 64 classes

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32, the output cropped back. Output:
    `logits`, (batch, height, width, classes), or `probabilities` with `activation`; float32 under a
    mixed policy too.

    One departure from the paper: images are normalized as for VGG16, by the means of ImageNet, not
    by local contrast.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder_weights: VGG16's convolutions: None (random), "imagenet" (downloaded by Keras), or
            the path of a weights file of `keras.applications.VGG16(include_top=False)`. Batch
            normalization starts as the identity.
        upsample: "max_unpooling" (the paper's); or another name or a callable as in `unet`: then
            encoder and decoder are not connected, except by upsamplers that read a guide.
        filters: Channels of the five blocks, finest first.
        dropout: Dropout rate after the encoder, in [0, 1). The paper has none.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Badrinarayanan, Kendall and Cipolla, SegNet: A Deep Convolutional Encoder-Decoder
    Architecture for Image Segmentation, 2015, section 3 and figure 2,
    https://arxiv.org/abs/1511.00561
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    filters = arguments.check_filters(filters, 5, "for VGG16's blocks")
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)
    check_weights(encoder_weights, shape[2])
    if encoder_weights is not None and filters != _VGG16:
        raise ValueError(
            f"`encoder_weights` are for `filters` of {_VGG16}. Received: {filters}. Leave one out."
        )

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    expects = expected("vgg16")
    x = preprocess(padded, expects)
    vgg16 = []
    passed = []  # by block: the positions of its maxima, or what an upsampler may read
    for block, (width, count) in enumerate(zip(filters, _CONVOLUTIONS, strict=True), start=1):
        for i in range(1, count + 1):
            vgg16.append(_convolution(width, f"encoder_block{block}_conv{i}"))
            x = normalize(vgg16[-1](x), f"encoder_block{block}_{i}")
        pool = f"encoder_block{block}_pool"
        if upsample == "max_unpooling":
            x, indices = layers.MaxPoolingWithIndices2D(2, name=pool)(x)
            passed.append(indices)
        else:
            passed.append(x)
            x = keras.layers.MaxPooling2D(2, name=pool)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="encoder_dropout")(x)

    for block in (5, 4, 3, 2, 1):
        up = f"decoder_block{block}_upsample"
        if upsample == "max_unpooling":
            x = layers.MaxUnpooling2D(2, name=up)([x, passed[block - 1]])
        else:
            x = enlarge(x, upsample, up, [passed[block - 1]])
        width, count = filters[block - 1], _CONVOLUTIONS[block - 1]
        for i in range(count, 0, -1):
            if i == 1:
                if block == 1:
                    break  # the scores are the last convolution
                width = filters[block - 2]
            x = _convolution(width, f"decoder_block{block}_conv{i}")(x)
            x = normalize(x, f"decoder_block{block}_{i}")
    x = keras.layers.Conv2D(classes, 3, padding="same", name="head_conv")(x)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    if encoder_weights is not None:
        source = application("VGG16", encoder_weights, shape[2])
        copy_vgg16(source, vgg16, expects)
    return model


def _convolution(width: int, name: str) -> Any:
    return keras.layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal", name=name)
