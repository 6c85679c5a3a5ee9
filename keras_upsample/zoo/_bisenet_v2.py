"""BiSeNet V2."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._batch_norm import with_momentum
from keras_upsample.zoo._blocks import convolution, normalize
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge

_EXPANSION = 6  # of gather-and-expansion layers
_BLOCKS = {8: 2, 16: 2, 32: 4}  # gather-and-expansion layers by stride


def bisenet_v2(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    upsample: Upsample = "bilinear",
    detail_filters: Sequence[int] = (64, 64, 128),
    semantic_filters: Sequence[int] = (16, 32, 64, 128),
    head_width: int = 1024,
    batch_norm_momentum: float | None = None,
    dropout: float = 0.1,
    activation: Any = None,
    name: str = "bisenet_v2",
) -> Any:
    """BiSeNet V2: a wide shallow branch for details and a narrow deep one for meaning.

    Figure: the detail branch is eight 3x3 convolutions in three stages that halve the size. The
    semantic branch starts with a stem (a strided 3x3 convolution, then a 1x1 and a strided 3x3
    convolution beside a max pooling, joined by a 3x3 convolution), goes on with
    gather-and-expansion layers (a 3x3 convolution, a depthwise one to six times the channels, a 1x1
    convolution back, and a shortcut) and ends with the mean over the image added to every pixel.
    Bilateral guided aggregation lets each branch gate the other, at both of their strides,

        fine = d1(D) * sigmoid(up4(s1(S))),    coarse = d2(D) * sigmoid(s2(S))

    and a 3x3 convolution of fine + up4(coarse) goes to the head: a 3x3 convolution to 1024
    channels, a 1x1 convolution to the classes, and an enlargement by 8.

        D: 64 (2) -> 64 (4) -> 128 (8)                                | 128 (8) -> 1024 (8)
        S: 16 (4) -> 32 (8) -> 64 (16) -> 128 (32) -> + mean          | -> classes (8) -> (1)
                                                                    channels (stride)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of 32 (they count in the mean), and the
    output cropped back. Output: `logits`, (batch, height, width, classes), or `probabilities` with
    `activation`; float32 under a mixed policy too.

    Departures from the paper: no further heads in training (its booster); where a stride meets an
    even size, convolutions are padded below and to the right only, and means at the border leave
    out what is outside.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output.
        upsample: Upsampler of the aggregation and of the scores: "bilinear" (the paper's), or
            another name or a callable as in `unet`. Interpolation takes one step, all others double
            several times.
        detail_filters: Channels of the detail branch at strides 2, 4 and 8; the last is the width
            of the aggregation.
        semantic_filters: Channels of the semantic branch at strides 4, 8, 16 and 32. The paper's
            are a quarter of the detail branch's.
        head_width: Channels of the head.
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1): the share of the
            running mean and variance that is kept at each training step. None: 0.9, so that
            inference is right after some 50 steps of a network with random weights.
        dropout: Dropout rate before the scores, in [0, 1).
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.

    Reference: Yu, Gao, Wang, Yu, Shen and Sang, BiSeNet V2: Bilateral Network with Guided
    Aggregation for Real-Time Semantic Segmentation, IJCV 2021, figures 3 to 6 and table 1,
    https://arxiv.org/abs/2004.02147
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    detail_filters = arguments.check_filters(detail_filters, 3, "for strides 2, 4 and 8")
    semantic_filters = arguments.check_filters(semantic_filters, 4, "for strides 4, 8, 16 and 32")
    head_width = arguments.check_count("head_width", head_width)
    momentum = arguments.check_momentum(batch_norm_momentum)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    image = frame.image_input(shape)
    padded = frame.pad(image, 32)
    detail = _detail(padded, detail_filters)
    semantic = _semantic(padded, semantic_filters)
    x = _aggregate(detail[8], semantic, upsample)

    x = convolution(x, head_width, 3, "head")
    if dropout:
        x = keras.layers.Dropout(dropout, name="head_dropout")(x)
    x = keras.layers.Conv2D(classes, 1, name="head_scores")(x)
    x = enlarge(x, upsample, "head_upsample", [detail[4], detail[2], padded])
    model = frame.finish(image, frame.crop(x, image), activation, name)
    return with_momentum(model, momentum, random_encoder=True)


def _detail(x: Any, filters: Sequence[int]) -> dict[int, Any]:
    """Eight 3x3 convolutions: the features by stride."""
    features = {}
    for stage, (width, count) in enumerate(zip(filters, (2, 3, 3), strict=True), start=1):
        for i in range(1, count + 1):
            strides = 2 if i == 1 else 1
            x = convolution(x, width, 3, f"encoder_detail{stage}_{i}", strides=strides)
        features[2**stage] = x
    return features


def _semantic(x: Any, filters: Sequence[int]) -> dict[int, Any]:
    """Stem, gather-and-expansion layers, context: the features by stride."""
    stem = "encoder_stem"
    x = convolution(x, filters[0], 3, f"{stem}_1", strides=2)
    y = convolution(x, max(filters[0] // 2, 1), 1, f"{stem}_2")
    y = convolution(y, filters[0], 3, f"{stem}_3", strides=2)
    pooled = keras.layers.MaxPooling2D(3, strides=2, padding="same", name=f"{stem}_pool")(x)
    x = keras.layers.Concatenate(name=f"{stem}_join")([y, pooled])
    x = convolution(x, filters[0], 3, f"{stem}_4")

    features = {4: x}
    for (stride, count), width in zip(_BLOCKS.items(), filters[1:], strict=True):
        for i in range(1, count + 1):
            x = _gather_and_expand(x, width, 2 if i == 1 else 1, f"encoder_semantic{stride}_{i}")
        features[stride] = x

    mean = keras.layers.GlobalAveragePooling2D(keepdims=True, name="encoder_context_mean")(x)
    mean = normalize(mean, "encoder_context_mean", relu=False)
    mean = convolution(mean, x.shape[-1], 1, "encoder_context_image")  # (N, 1, 1, C)
    x = keras.layers.Add(name="encoder_context_add")([x, mean])
    features[32] = convolution(x, x.shape[-1], 3, "encoder_context")
    return features


def _gather_and_expand(x: Any, width: int, strides: int, name: str) -> Any:
    """A 3x3 convolution, expanded channel by channel and projected, beside a shortcut."""
    channels = x.shape[-1]
    y = convolution(x, channels, 3, f"{name}_gather")
    if strides == 1:
        y = _depthwise(y, f"{name}_expand", multiplier=_EXPANSION, relu=True)
    else:
        y = _depthwise(y, f"{name}_expand", multiplier=_EXPANSION, strides=strides)
        y = _depthwise(y, f"{name}_between", relu=True)
        x = _depthwise(x, f"{name}_shortcut1", strides=strides)
        x = convolution(x, width, 1, f"{name}_shortcut2", relu=False)
    y = convolution(y, width, 1, f"{name}_project", relu=False)
    x = keras.layers.Add(name=f"{name}_add")([x, y])
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def _aggregate(detail: Any, semantic: dict[int, Any], upsample: Upsample) -> Any:
    """Bilateral guided aggregation: each branch gates the other at stride 8 and at stride 32."""
    width, deep, guides = detail.shape[-1], semantic[32], [semantic[16], semantic[8]]

    def pointwise(x: Any, name: str) -> Any:
        return keras.layers.Conv2D(
            width, 1, use_bias=False, kernel_initializer="he_normal", name=f"{name}_conv"
        )(x)

    def sigmoid(x: Any, name: str) -> Any:
        return keras.layers.Activation("sigmoid", name=f"{name}_sigmoid")(x)

    d1 = pointwise(_depthwise(detail, "decoder_detail1"), "decoder_detail1")
    d2 = convolution(detail, width, 3, "decoder_detail2", strides=2, relu=False)
    d2 = keras.layers.AveragePooling2D(3, 2, padding="same", name="decoder_detail2_pool")(d2)
    s1 = convolution(deep, width, 3, "decoder_semantic1", relu=False)
    s1 = enlarge(s1, upsample, "decoder_semantic1_upsample", guides)
    s2 = pointwise(_depthwise(deep, "decoder_semantic2"), "decoder_semantic2")

    fine = keras.layers.Multiply(name="decoder_fine")([d1, sigmoid(s1, "decoder_semantic1")])
    coarse = keras.layers.Multiply(name="decoder_coarse")([d2, sigmoid(s2, "decoder_semantic2")])
    coarse = enlarge(coarse, upsample, "decoder_coarse_upsample", guides)
    x = keras.layers.Add(name="decoder_add")([fine, coarse])
    return convolution(x, width, 3, "decoder_fuse", relu=False)


def _depthwise(
    x: Any, name: str, *, multiplier: int = 1, strides: int = 1, relu: bool = False
) -> Any:
    """A 3x3 convolution channel by channel, batch normalization and, with `relu`, ReLU."""
    x = keras.layers.DepthwiseConv2D(
        3,
        strides=strides,
        padding="same",
        depth_multiplier=multiplier,
        use_bias=False,
        depthwise_initializer="he_normal",
        name=f"{name}_depthwise",
    )(x)
    return normalize(x, f"{name}_depthwise", relu=relu)
