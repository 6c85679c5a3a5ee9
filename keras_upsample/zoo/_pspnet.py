"""PSPNet."""

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

_STRIDES = (4, 8, 16, 32)


def pspnet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    stride: int = 8,
    upsample: Upsample = "bilinear",
    coordinates: str = "half_pixel",
    width: int = 512,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.1,
    activation: Any = None,
    name: str = "pspnet",
) -> Any:
    """PSPNet: means over 1, 2x2, 3x3 and 6x6 regions of the image beside the features of a pixel.

    Figure: the encoder's features, C channels at stride 8, are averaged over the bins of four
    grids. A 1x1 convolution reduces each grid to C/4 channels, bilinear interpolation brings it
    back to the size of the features, and all are joined with these. A 1x1 convolution to 512
    channels, a 3x3 convolution to the classes and an enlargement by 8 follow.

        C (8) -> 1x1 | 2x2 | 3x3 | 6x6 -> 4 x C/4 (8) | C (8) -> 512 (8) -> classes (8)
        -> classes (1)                                             channels (stride)

    A grid's bin i of k covers the pixels floor(i n/k) to ceil((i + 1) n/k) of n.

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of the stride, and to 32 pixels at least
    (they count in the means), and the output cropped back. Output: `logits`, (batch, height, width,
    classes), or `probabilities` with `activation`; float32 under a mixed policy too.

    Departures from the paper, all as in segmentation_models.pytorch: the encoder is cut at stride
    8, where the paper's keeps its last stages at that stride by dilation; the convolution after the
    join is 1x1 and the last one 3x3, where the authors' are 3x3 and 1x1; the single bin has a bias
    instead of batch normalization, which one value of one image would turn into zero. There is no
    auxiliary loss.

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
        stride: Stride of the features that are pooled: 4, 8, 16 or 32. The encoder ends there.
        upsample: Upsampler of the scores: "bilinear", or another name or a callable as in `unet`.
            Interpolation takes one step, all others double several times.
        coordinates: Of bilinear interpolation: "half_pixel", or "align_corners" as in the authors'
            code and in segmentation_models.pytorch, for weights that were trained there.
        width: Channels after the join.
        padding: "same", or "torch" for PyTorch's padding in a ResNet encoder (see `linknet`).
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9 with an encoder
            that starts from random weights, so that inference is right after some 50 steps; else
            the values of Keras and the application (0.99 to 0.999), which pretrained encoders need.
            Test mean IoU of a U-Net on a random MobileNetV2 after 120 steps: 0.44 with 0.9, 0.14
            with the application's momentum (docs/training.md).
        dropout: Dropout rate before the scores, in [0, 1); the authors' code has 0.1.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Zhao, Shi, Qi, Wang and Jia, Pyramid Scene Parsing Network, CVPR 2017, section 3.2
    and figure 3, https://arxiv.org/abs/1612.01105
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    stride = arguments.check_one_of("stride", stride, _STRIDES)
    upsample = check_upsample(upsample)
    coordinates = check_coordinates(coordinates, upsample)
    width = arguments.check_count("width", width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, stride, at_least=32)  # what all stages of the encoders can take
    features = encode(
        padded,
        encoder,
        encoder_weights,
        needs=(stride,),
        normalization=encoder_normalization,
        trainable=encoder_trainable,
        padding=padding,
    )
    x = features[stride]

    pyramid = pyramid_pooling(x, max(x.shape[-1] // 4, 1), coordinates, normalize_single=False)
    x = keras.layers.Concatenate(name="decoder_join")([*pyramid, x])
    x = convolution(x, width, 1, "decoder_fuse")

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 3, padding="same", name="head_conv")(x)
    finer = [features.get(s, frame.shrunk(padded, s)) for s in (16, 8, 4, 2) if s < stride]
    x = enlarge(x, upsample, "head_upsample", [*finer, padded], coordinates)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))
