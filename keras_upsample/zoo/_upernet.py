"""UPerNet."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, pyramid_pooling
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._upsamplers import Upsample, check_coordinates, check_upsample, enlarge


def upernet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "bilinear",
    coordinates: str = "half_pixel",
    width: int = 256,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "upernet",
) -> Any:
    """UPerNet: a feature pyramid whose coarsest level sees the means over grids of the image.

    Figure: the encoder's features at strides 4 to 32 are normalized over their channels. Pyramid
    pooling reads the coarsest: means over 1, 2x2, 3x3 and 6x6 bins, 256 channels each, are joined
    with it and merged by a 3x3 convolution. From coarse to fine the result is doubled and added to
    a 1x1 convolution of the next features; a 3x3 convolution follows at each level. All levels are
    brought to stride 4, joined and merged by a 3x3 convolution; a 1x1 convolution and an
    enlargement by 4 make the scores.

        C5 -> pooling -> P5 (32) -> 4 |
        C4 ->    +    -> P4 (16) -> 4 |
        C3 ->    +    -> P3 (8)  -> 4 | 256 (4) -> classes (4) -> classes (1)
        C2 ->    +    -> P2 (4)       |                        channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32 (they count in the means), and the
    output cropped back. Output: `logits`, (batch, height, width, classes), or `probabilities` with
    `activation`; float32 under a mixed policy too.

    Departures from the paper: this is the part for parsing scenes, without the heads for textures,
    materials and parts; the normalization over channels is that of segmentation_models.pytorch.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: A name such as "resnet50" (the paper's), "resnet18" or "mobilenet_v2"
            (`docs/encoders.md` lists all), a preset of keras-hub, or a functional Keras model,
            which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        upsample: Upsampler between and of the levels, and of the scores: "bilinear" (the paper's),
            or another name or a callable as in `unet`. Interpolation takes one step, all others
            double several times.
        coordinates: Of the scores' bilinear interpolation: "half_pixel", or "align_corners" as in
            segmentation_models.pytorch, for weights that were trained there. Inside of the decoder
            it is "half_pixel" there too.
        width: Channels of the decoder.
        padding: "same", or "torch" for PyTorch's padding in a ResNet encoder (see `linknet`).
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an encoder
            that starts from random weights, so that inference is right after some 50 steps; else
            the values of Keras and the application (0.99 to 0.999), which pretrained encoders need.
            Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44 with 0.9, 0.14
            with the application's momentum (docs/training.md).
        dropout: Dropout rate before the scores, in [0, 1). The paper has none.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Xiao, Liu, Zhou, Jiang and Sun, Unified Perceptual Parsing for Scene Understanding,
    ECCV 2018, section 3.1 and figure 4, https://arxiv.org/abs/1807.10221
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    upsample = check_upsample(upsample)
    coordinates = check_coordinates(coordinates, upsample)
    width = arguments.check_count("width", width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    features = encode(
        padded,
        encoder,
        encoder_weights,
        needs=(4, 8, 16, 32),
        normalization=encoder_normalization,
        trainable=encoder_trainable,
        padding=padding,
    )
    normal = {
        stride: keras.layers.LayerNormalization(epsilon=1e-6, name=f"decoder_norm{stride}")(
            features[stride]
        )
        for stride in (4, 8, 16, 32)
    }

    x = keras.layers.Concatenate(name="decoder_bins_join")(
        [normal[32], *pyramid_pooling(normal[32], width)]
    )
    x = convolution(x, width, 3, "decoder_bins_fuse")

    levels = {32: x}
    for stride in (16, 8, 4):
        stage = f"decoder_level{stride}"
        lateral = convolution(normal[stride], width, 1, f"{stage}_lateral")
        x = enlarge(x, upsample, f"{stage}_upsample", [features[stride]])
        x = keras.layers.Add(name=f"{stage}_add")([x, lateral])
        levels[stride] = convolution(x, width, 3, stage)

    fine = []
    for stride in (4, 8, 16, 32):
        guides = [features[s] for s in (16, 8, 4) if s < stride]
        x = levels[stride]
        fine.append(enlarge(x, upsample, f"decoder_fine{stride}", guides) if guides else x)
    x = keras.layers.Concatenate(name="decoder_join")(fine)
    x = convolution(x, width, 3, "decoder_fuse")

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="head_conv")(x)
    half = features.get(2, frame.shrunk(padded, 2))
    x = enlarge(x, upsample, "head_upsample", [half, padded], coordinates)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))
