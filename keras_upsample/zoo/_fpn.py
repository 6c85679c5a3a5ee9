"""Semantic segmentation on a feature pyramid network."""

import math
import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge

_GROUPS = 32  # of group normalization, as in the paper's GN nets


def fpn(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "nearest",
    head_upsample: Upsample = "bilinear",
    pyramid_width: int = 256,
    head_width: int = 128,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "fpn",
) -> Any:
    """FPN: a pyramid of features with equal channels at every scale, whose levels are added up.

    Figure: 1x1 convolutions turn the encoder's features at strides 4 to 32 into four maps of 256
    channels. From coarse to fine each is doubled and added to the next, and a 3x3 convolution makes
    the pyramid P2 to P5. Each level is brought to stride 4 in steps: a 3x3 convolution to 128
    channels, group normalization, ReLU and bilinear doubling (P2: one step, without doubling). The
    levels are added; a 1x1 convolution and a bilinear enlargement by 4 make the scores.

        C5 -> P5 (32) -> 16 -> 8 -> 4 |
        C4 -> P4 (16) ->  8 -> 4      |+ -> classes (4) -> classes (1)
        C3 -> P3 (8)  ->  4           |
        C2 -> P2 (4)  ->  4           |

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32 (they count in group
    normalization), and the output cropped back. Output: `logits`, (batch, height, width, classes),
    or `probabilities` with `activation`; float32 under a mixed policy too.

    Two departures from the papers: the encoder's batch normalization is trained, not frozen, and
    where 32 does not divide `head_width` there are fewer groups.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        encoder: A name such as "resnet50" (the paper's), "mobilenet_v2" or "efficientnet_b0"
            (`docs/encoders.md` lists all), a preset of keras-hub, or a functional Keras model,
            which is only read.
        encoder_weights: For a name: None (random), "imagenet" (downloaded by Keras), "preset" for a
            preset of keras-hub, or the path of a weights file of the application without its top.
        encoder_normalization: For a model: how it expects its images, in the words of
            `predict`: "full_range" ([0, 1]), "imagenet", "minus_one_to_one", "0_to_255", (mean,
            std), or a `metadata.Scaling`. None: what its metadata or its first layers say.
        encoder_trainable: False freezes the encoder, its batch normalization included.
        upsample: Upsampler of the pyramid: "nearest" (the paper's), or another name or a callable
            as in `unet`. The number of channels stays, so no convolution follows interpolation.
        head_upsample: Upsampler of the steps to stride 4 and of the scores: "bilinear" (the
            paper's) or another. Interpolation enlarges the scores in one step, all others in two.
        pyramid_width: Channels of the pyramid.
        head_width: Channels of the steps to stride 4.
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

    Reference: Kirillov, Girshick, He and Dollár, Panoptic Feature Pyramid Networks, CVPR 2019,
    section 3.1 and figure 3, https://arxiv.org/abs/1901.02446; Lin et al., Feature Pyramid Networks
    for Object Detection, CVPR 2017, section 3, https://arxiv.org/abs/1612.03144
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    upsample = check_upsample(upsample)
    head_upsample = check_upsample(head_upsample, "head_upsample")
    pyramid_width = arguments.check_count("pyramid_width", pyramid_width)
    head_width = arguments.check_count("head_width", head_width)
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

    laterals = {}  # level -> the encoder's features, 256 channels; stride 2^level
    for level in (2, 3, 4, 5):
        layer = keras.layers.Conv2D(pyramid_width, 1, name=f"decoder_c{level}_lateral")
        laterals[level] = layer(features[2**level])

    x = laterals[5]
    pyramid = {}
    for level in (5, 4, 3, 2):
        if level < 5:
            x = enlarge(x, upsample, f"decoder_c{level}_upsample", [laterals[level]])
            x = keras.layers.Add(name=f"decoder_c{level}_add")([x, laterals[level]])
        pyramid[level] = keras.layers.Conv2D(
            pyramid_width, 3, padding="same", name=f"decoder_p{level}_conv"
        )(x)

    branches = []
    for level, x in pyramid.items():
        for step in range(1, max(level - 2, 1) + 1):
            step_name = f"decoder_p{level}_step{step}"
            x = _convolution(x, head_width, step_name)
            if level > 2:
                finer = laterals[level - step]
                x = enlarge(x, head_upsample, f"{step_name}_upsample", [finer])
        branches.append(x)
    x = keras.layers.Add(name="decoder_sum")(branches)

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="head_conv")(x)
    x = enlarge(
        x, head_upsample, "head_upsample", [features.get(2, frame.shrunk(padded, 2)), padded]
    )
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _convolution(x: Any, width: int, name: str) -> Any:
    x = keras.layers.Conv2D(
        width,
        3,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    groups = math.gcd(_GROUPS, width)
    x = keras.layers.GroupNormalization(groups, name=f"{name}_gn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)
