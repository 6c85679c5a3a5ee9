"""Pyramid Attention Network."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._upsamplers import Upsample, check_coordinates, check_upsample, enlarge


def pan(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    output_stride: int = 16,
    upsample: Upsample = "bilinear",
    coordinates: str = "half_pixel",
    width: int = 32,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "pan",
) -> Any:
    """PAN: attention over a pyramid of the coarsest features, and skips weighed by coarser ones.

    Figure: feature pyramid attention (FPA) reads the encoder's last features. A 1x1 convolution is
    multiplied, pixel by pixel, with a map that three levels of pooling and 7x7, 5x5 and 3x3
    convolutions make, from coarse to fine; the mean over the image, by a 1x1 convolution, is added.
    Each global attention upsample (GAU) doubles what comes from below and adds the encoder's
    features, after a 3x3 convolution, times one weight for each channel, which the mean of the
    coarser features gives. A 3x3 convolution and an enlargement by 4 make the scores.

        C5 -> FPA -> 32 (16) -> + C4 (16) -> + C3 (8) -> + C2 (4) -> classes (4) -> classes (1)
                                                                    channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 16, and to 128 pixels at least, which
    are 8 at stride 16 and one after three poolings (twice as many with output_stride=32; zeros
    count in the means). The output is cropped back. Output: `logits`, (batch, height, width,
    classes), or `probabilities` with `activation`; float32 under a mixed policy too.

    Departures from the paper, as in segmentation_models.pytorch: the pyramid's maps have one
    channel, the weights of GAU come from a sigmoid, and convolutions have 32 channels. Convolutions
    in front of batch normalization have no bias, which would change nothing.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: A name such as "resnet50", "resnet18", "mobilenet_v2" or "efficientnet_b0"
            (`docs/encoders.md` lists all), a preset of keras-hub, or a functional Keras model,
            which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        output_stride: 16 (the paper's: the encoder's last stage is dilated instead of strided) or
            32 (the encoder as it is).
        upsample: Upsampler in GAU and of the scores: "bilinear" (the paper's), or another name or a
            callable as in `unet`. Interpolation enlarges the scores in one step, all others in two.
            The pyramid is always interpolated.
        coordinates: Of bilinear interpolation: "half_pixel", or "align_corners" as in
            segmentation_models.pytorch, for weights that were trained there.
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

    Reference: Li, Xiong, An and Wang, Pyramid Attention Network for Semantic Segmentation, BMVC
    2018, figures 2 to 4, https://arxiv.org/abs/1805.10180
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    output_stride = arguments.check_one_of("output_stride", output_stride, (16, 32))
    upsample = check_upsample(upsample)
    coordinates = check_coordinates(coordinates, upsample)
    width = arguments.check_count("width", width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, output_stride, at_least=8 * output_stride)
    features = encode(
        padded,
        encoder,
        encoder_weights,
        atrous=output_stride == 16,
        needs=(4, 8, 16, 32),
        normalization=encoder_normalization,
        trainable=encoder_trainable,
        padding=padding,
    )

    x = _pyramid_attention(features[32], width, coordinates)
    for stride in (16, 8, 4):
        skip, stage = features[stride], f"decoder_gau{stride}"
        weights = keras.layers.GlobalAveragePooling2D(keepdims=True, name=f"{stage}_mean")(x)
        weights = convolution(weights, width, 1, f"{stage}_weights", relu=False)
        weights = keras.layers.Activation("sigmoid", name=f"{stage}_sigmoid")(weights)
        skip = convolution(skip, width, 3, f"{stage}_skip")
        skip = keras.layers.Multiply(name=f"{stage}_weigh")([skip, weights])
        if stride < output_stride:
            x = enlarge(x, upsample, f"{stage}_upsample", [features[stride]], coordinates)
        x = keras.layers.Add(name=f"{stage}_add")([x, skip])

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 3, padding="same", name="head_conv")(x)
    half = features.get(2, frame.shrunk(padded, 2))
    x = enlarge(x, upsample, "head_upsample", [half, padded], coordinates)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _pyramid_attention(x: Any, width: int, coordinates: str) -> Any:
    """FPA: what a pixel, the pyramid around it and the whole image say."""
    levels = []  # the pyramid going down, one channel each
    down = x
    for level, size in ((1, 7), (2, 5), (3, 3)):
        name = f"decoder_fpa_down{level}"
        down = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(down)
        down = convolution(down, 1, size, name)
        levels.append(down)

    y = convolution(levels[2], 1, 3, "decoder_fpa_level3")
    for level, size in ((2, 5), (1, 7)):
        finer = levels[level - 1]
        y = _resize(y, finer, f"decoder_fpa_up{level}", coordinates)
        finer = convolution(finer, 1, size, f"decoder_fpa_level{level}")
        y = keras.layers.Add(name=f"decoder_fpa_add{level}")([y, finer])
    attention = _resize(y, x, "decoder_fpa_up0", coordinates)  # (N, H, W, 1)

    middle = convolution(x, width, 1, "decoder_fpa_middle")
    attended = keras.layers.Multiply(name="decoder_fpa_attend")([middle, attention])
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="decoder_fpa_mean")(x)
    mean = convolution(mean, width, 1, "decoder_fpa_image")  # (N, 1, 1, width)
    return keras.layers.Add(name="decoder_fpa_add_image")([attended, mean])


def _resize(x: Any, reference: Any, name: str, coordinates: str) -> Any:
    """Not a doubling: a pooled map of an odd size has lost a row or a column."""
    return layers.ResizeLike2D(coordinates=coordinates, name=name)([x, reference])
