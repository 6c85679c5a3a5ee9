"""LinkNet."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, normalize
from keras_upsample.zoo._encoder_source import (
    Encoder,
    check_encoder,
    check_no_encoder,
    check_padding,
    starts_random,
)
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._resnet import FILTERS, resnet
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, double

_HEAD_WIDTH = 32


def linknet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder | None = None,
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "transposed_conv",
    filters: Sequence[int] | None = None,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "linknet",
) -> Any:
    """LinkNet: the input of each encoder block is added to the output of its decoder block.

    Figure: ResNet-18, i.e. a stem (7x7 convolution, 3x3 max pooling) and four blocks. Each decoder
    block, from m channels to n, is a 1x1 convolution to m/4, a 3x3 transposed convolution that
    doubles the size, and a 1x1 convolution to n; the input of the matching encoder block is added
    to its result. The last decoder block, which matches block 1, keeps the size. The head doubles
    twice, with a 3x3 convolution to 32 channels in between.

        512 (32) -> 256 (16) + block 3 -> 128 (8) + block 2 -> 64 (4) + block 1 -> 64 (4) + stem
        -> 32 (2) -> 32 (2) -> classes (1)                                channels (stride)

    With `encoder` the features of another network at strides 16, 8, 4 and 2 are
    added, the last decoder block doubles too, and the head doubles once.

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32, the output cropped back. Output:
    `logits`, (batch, height, width, classes), or `probabilities` with `activation`; float32 under a
    mixed policy too.

    With padding="same", the default, windows of stride 2 lie one pixel further to the bottom right
    than in the authors' net, and the odd pixel of a 3x3 transposed convolution is cut at the bottom
    and the right, not at the top and the left; every format computes this without a crop.
    padding="torch" is as in the authors' net.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: None for the paper's ResNet-18, a name such as "resnet50", "mobilenet_v2" or
            "efficientnet_b0" (`docs/encoders.md` lists all), a preset of keras-hub, or a functional
            Keras model, which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        upsample: "transposed_conv" (3x3, the last 2x2, the paper's), or another name or a callable
            as in `unet`.
        filters: Channels of ResNet-18's four stages, finest first; None for (64, 128, 256, 512).
            Only without `encoder`.
        padding: "same", or "torch", so that weights of PyTorch fit: the windows of strided
            convolutions and poolings of a ResNet lie as PyTorch's do, the odd pixel of a 3x3
            transposed convolution is cut at the top and the left, and the epsilon of batch
            normalization is 1e-5.
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an
            `encoder` that starts from random weights, so that inference is right after some 50
            steps; else the values of Keras and the application (0.99 to 0.999), which pretrained
            encoders need. Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44
            with 0.9, 0.14 with the application's momentum (docs/training.md).
        dropout: Dropout rate after the encoder, in [0, 1). The paper has none.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Chaurasia and Culurciello, LinkNet: Exploiting Encoder Representations for Efficient
    Semantic Segmentation, VCIP 2017, figures 1 and 2, https://arxiv.org/abs/1707.03718
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)
    if encoder is None:
        filters = arguments.check_filters(
            FILTERS if filters is None else filters, 4, "for ResNet-18's stages"
        )
        check_no_encoder(encoder_weights, encoder_normalization, encoder_trainable)
    else:
        check_encoder(encoder, " or None")
        if filters is not None:
            raise ValueError(
                "`filters` are those of ResNet-18; with an `encoder` the decoder follows its "
                f"channels. Received: encoder={encoder!r}, filters={filters!r}. Leave one out."
            )

    check_padding(padding, "resnet18" if encoder is None else encoder)

    def bigger(x: Any, width: int, layer: str, guide: Any, size: int = 3) -> Any:
        if upsample == "transposed_conv":
            cut = 1 if padding == "torch" and size == 3 else None
            return layers.TransposedConv2D(
                width, 2, size, padding=cut, output_padding=cut, name=layer
            )(x)
        return double(x, upsample, width, layer, guide)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    if encoder is None:
        stem, features = resnet(padded, filters or FILTERS, padding=padding)
        skips = [features[16], features[8], features[4], stem]
    else:
        features = encode(
            padded,
            encoder,
            encoder_weights,
            normalization=encoder_normalization,
            trainable=encoder_trainable,
            padding=padding,
        )
        skips = [features[16], features[8], features[4], features[2]]
    x = features[32]
    if dropout:
        x = keras.layers.Dropout(dropout, name="encoder_dropout")(x)

    for block, skip in zip((4, 3, 2, 1), skips, strict=True):
        stage = f"decoder_block{block}"
        inner = max(x.shape[-1] // 4, 1)
        x = convolution(x, inner, 1, f"{stage}_reduce", padding=padding)
        if encoder is None and block == 1:
            x = convolution(x, inner, 3, f"{stage}_keep", padding=padding)
        else:
            x = normalize(
                bigger(x, inner, f"{stage}_upsample", skip), f"{stage}_upsample", padding=padding
            )
        x = convolution(x, skip.shape[-1], 1, f"{stage}_expand", padding=padding)
        x = keras.layers.Add(name=f"{stage}_add")([x, skip])

    if encoder is None:
        x = bigger(x, _HEAD_WIDTH, "head_upsample1", features[2])
        x = normalize(x, "head_upsample1", padding=padding)
    x = convolution(x, _HEAD_WIDTH, 3, "head_between", padding=padding)
    x = bigger(x, classes, "head_upsample2", padded, size=2)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))
