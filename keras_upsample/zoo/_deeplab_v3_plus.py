"""DeepLabv3+."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, normalize, separable
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge

_RATES = (6, 12, 18)


def deeplab_v3_plus(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "bilinear",
    width: int = 256,
    low_level_width: int = 48,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.1,
    activation: Any = None,
    name: str = "deeplab_v3_plus",
) -> Any:
    """DeepLabv3+: parallel atrous convolutions at several rates, and a decoder with one skip.

    Figure: an encoder whose last stage stays at stride 16, with dilated convolutions instead. Five
    parallel branches (ASPP) read its features: a 1x1 convolution, three 3x3 convolutions at rates
    6, 12 and 18, and the mean over the whole image; a 1x1 convolution to 256 channels joins them.
    The result is enlarged 4 times and joined with the features at stride 4, which are reduced to 48
    channels. Two 3x3 convolutions and a 1x1 convolution make the scores, which are enlarged 4
    times. All 3x3 convolutions are depthwise separable.

        2048 (16) -> 1x1 | rate 6 | 12 | 18 | mean -> 256 (16) -> 256 (4) | 48 (4)
        -> 256 (4) -> 256 (4) -> classes (4) -> classes (1)        channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 16 (they count in the mean), and the
    output cropped back. Output: `logits`, (batch, height, width, classes), or `probabilities` with
    `activation`; float32 under a mixed policy too.

    Departures from the paper: other encoders than the modified Xception; every convolution after
    the removed stride is dilated by 2, without the multi-grid; VGG16 has no stage after that
    stride. The mean is not spread over the image and concatenated: its part of the joining 1x1
    convolution is applied to the single pixel and added, which gives the same sum.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: A name such as "resnet50", "mobilenet_v2" or "efficientnet_b0"
            (`docs/encoders.md` lists all), a preset of keras-hub, or a functional Keras model,
            which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        upsample: Upsampler of both enlargements by 4: "bilinear" (the paper's), or another name or
            a callable as in `unet`. Interpolation takes one step, all others double twice.
        width: Channels of ASPP and of the decoder.
        low_level_width: Channels to which the features at stride 4 are reduced.
        padding: "same", or "torch" for PyTorch's padding in a ResNet encoder (see `linknet`).
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an encoder
            that starts from random weights, so that inference is right after some 50 steps; else
            the values of Keras and the application (0.99 to 0.999), which pretrained encoders need.
            Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44 with 0.9, 0.14
            with the application's momentum (docs/training.md).
        dropout: Dropout rate after ASPP, in [0, 1); the authors' code has 0.1.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Chen, Zhu, Papandreou, Schroff and Adam, Encoder-Decoder with Atrous Separable
    Convolution for Semantic Image Segmentation, ECCV 2018, section 3 and figure 2,
    https://arxiv.org/abs/1802.02611; ASPP with the mean: Chen et al., Rethinking Atrous Convolution
    for Semantic Image Segmentation, 2017, section 3.3, https://arxiv.org/abs/1706.05587
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    upsample = check_upsample(upsample)
    width = arguments.check_count("width", width)
    low_level_width = arguments.check_count("low_level_width", low_level_width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 16)
    features = encode(
        padded,
        encoder,
        encoder_weights,
        atrous=True,
        needs=(4, 8, 16, 32),
        normalization=encoder_normalization,
        trainable=encoder_trainable,
        padding=padding,
    )
    x = _aspp(features[32], width)
    if dropout:
        x = keras.layers.Dropout(dropout, name="decoder_dropout")(x)

    x = enlarge(x, upsample, "decoder_upsample", [features[8], features[4]])
    low_level = convolution(features[4], low_level_width, 1, "decoder_low_level")
    x = keras.layers.Concatenate(name="decoder_join")([x, low_level])
    x = separable(x, width, "decoder_1")
    x = separable(x, width, "decoder_2")

    x = keras.layers.Conv2D(classes, 1, name="head_conv")(x)
    x = enlarge(x, upsample, "head_upsample", [features.get(2, frame.shrunk(padded, 2)), padded])
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _aspp(x: Any, width: int) -> Any:
    """Atrous spatial pyramid pooling."""
    branches = [convolution(x, width, 1, "decoder_aspp_1x1")]
    branches += [separable(x, width, f"decoder_aspp_rate{rate}", rate=rate) for rate in _RATES]
    y = keras.layers.Concatenate(name="decoder_aspp_join")(branches)
    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="decoder_aspp_mean")(x)
    mean = convolution(mean, width, 1, "decoder_aspp_image")  # (N, 1, 1, width)
    parts = [
        keras.layers.Conv2D(
            width,
            1,
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"decoder_aspp_project_{part}",
        )(tensor)
        for part, tensor in (("branches", y), ("image", mean))
    ]
    y = keras.layers.Add(name="decoder_aspp_add")(parts)  # (N, H, W, width)
    return normalize(y, "decoder_aspp_project")
