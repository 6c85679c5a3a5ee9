"""MA-Net."""

import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, squeeze
from keras_upsample.zoo._encoder_source import Encoder, check_encoder, check_padding, starts_random
from keras_upsample.zoo._encoders import encode
from keras_upsample.zoo._joint_softmax import JointSoftmax
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge

_FILTERS = (16, 32, 64, 128, 256)
_REDUCTION = 16  # of squeeze and excitation


def manet(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    encoder: Encoder = "resnet50",
    encoder_weights: str | os.PathLike[str] | None = None,
    encoder_normalization: Any = None,
    encoder_trainable: bool = True,
    upsample: Upsample = "nearest",
    filters: Sequence[int] = _FILTERS,
    attention_width: int = 64,
    torch_reshape: bool = False,
    padding: str = "same",
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "manet",
) -> Any:
    """MA-Net: a U-Net with attention between positions below, and between channels at every skip.

    Figure: the position-wise attention block (PAB) reads the encoder's last features x (C channels
    at T positions). With 1x1 convolutions a and b to 64 channels and a 3x3 convolution v,

        y = conv3x3(x + S v(x)),    S[i, j] = exp(a(x)_i . b(x)_j) / sum over all k, l of the same

    Each multi-scale fusion attention block (MFAB) takes its input to the skip's channels by a 3x3
    and a 1x1 convolution and doubles the size; squeeze and excitation of both the result and the
    skip give two weights for each channel, whose sum multiplies the result. It is joined with the
    skip, and two 3x3 convolutions follow. The last block has no skip and no attention.

        C5 -> PAB (32) -> 256 + C4 (16) -> 128 + C3 (8) -> 64 + C2 (4) -> 32 + C1 (2) -> 16 (1)
        -> classes (1)                                             channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32 (they take part in the attention),
    and the output cropped back. Output: `logits`, (batch, height, width, classes), or
    `probabilities` with `activation`; float32 under a mixed policy too. S has T x T numbers, T =
    height x width / 1024: 1 MB for 512 x 512, 17 MB for 1024 x 1024.

    The blocks are those of segmentation_models.pytorch, where one softmax goes over all pairs.

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
        upsample: Upsampler of all blocks: "nearest", or another name or a callable as in `unet`.
            The number of channels stays, so no convolution follows interpolation.
        filters: Channels of the decoder's five stages, finest first.
        attention_width: Channels of a and b.
        torch_reshape: Whether S v(x), an array (T, C), is read as (C, height, width), as
            segmentation_models.pytorch does: for weights that were trained there. False puts each
            position where it belongs.
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

    Reference: Fan, Wang, Li and Wang, MA-Net: A Multi-Scale Attention Network for Liver and Tumor
    Segmentation, IEEE Access 8, 2020, figures 1 to 3, https://doi.org/10.1109/ACCESS.2020.3025372
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    check_encoder(encoder)
    check_padding(padding, encoder)
    upsample = check_upsample(upsample)
    filters = arguments.check_filters(filters, 5, "for strides 1, 2, 4, 8 and 16")
    attention_width = arguments.check_count("attention_width", attention_width)
    torch_reshape = arguments.check_flag("torch_reshape", torch_reshape)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    features = encode(
        padded,
        encoder,
        encoder_weights,
        needs=(2, 4, 8, 16, 32),
        normalization=encoder_normalization,
        trainable=encoder_trainable,
        padding=padding,
    )

    x = _position_attention(features[32], attention_width, torch_reshape)
    for stride, width in zip((16, 8, 4, 2), reversed(filters[1:]), strict=True):
        x = _fusion_attention(x, features[stride], width, upsample, f"decoder_stage{stride}")
    x = enlarge(x, upsample, "decoder_stage1_upsample", [padded])
    x = convolution(x, filters[0], 3, "decoder_stage1_1")
    x = convolution(x, filters[0], 3, "decoder_stage1_2")

    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 3, padding="same", name="head_conv")(x)
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))


def _position_attention(x: Any, width: int, torch_reshape: bool) -> Any:
    """PAB: each position gets a mean of all, weighed by how alike two positions are."""

    def tokens(channels: int, size: int, name: str) -> Any:
        y = keras.layers.Conv2D(channels, size, padding="same", name=f"decoder_pab_{name}")(x)
        return keras.layers.Reshape((-1, channels), name=f"decoder_pab_{name}_tokens")(y)

    channels = x.shape[-1]
    a, b = tokens(width, 1, "a"), tokens(width, 1, "b")  # (N, T, width)
    v = tokens(channels, 3, "v")  # (N, T, C)
    alike = keras.layers.Dot(axes=(2, 2), name="decoder_pab_alike")([a, b])  # (N, T, T)
    alike = JointSoftmax(name="decoder_pab_softmax")(alike)
    y = keras.layers.Dot(axes=(2, 1), name="decoder_pab_means")([alike, v])  # (N, T, C)
    if torch_reshape:
        y = keras.layers.Reshape((channels, -1), name="decoder_pab_reshape")(y)
        y = keras.layers.Permute((2, 1), name="decoder_pab_transpose")(y)
    y = layers.ReshapeLike2D(name="decoder_pab_map")([y, x])  # (N, H, W, C)
    y = keras.layers.Add(name="decoder_pab_add")([x, y])
    return keras.layers.Conv2D(channels, 3, padding="same", name="decoder_pab_out")(y)


def _fusion_attention(x: Any, skip: Any, width: int, upsample: Upsample, name: str) -> Any:
    """MFAB: `x` at twice the size, its channels weighed, beside the skip."""
    channels = skip.shape[-1]
    x = convolution(x, x.shape[-1], 3, f"{name}_project1")
    x = convolution(x, channels, 1, f"{name}_project2")
    x = enlarge(x, upsample, f"{name}_upsample", [skip])
    inner = max(channels // _REDUCTION, 1)
    weights = [
        squeeze(tensor, channels, inner, f"{name}_{which}")
        for which, tensor in (("coarse", x), ("skip", skip))
    ]
    weights = keras.layers.Add(name=f"{name}_weights")(weights)
    x = keras.layers.Multiply(name=f"{name}_weigh")([x, weights])
    x = keras.layers.Concatenate(name=f"{name}_join")([x, skip])
    x = convolution(x, width, 3, f"{name}_1")
    return convolution(x, width, 3, f"{name}_2")
