"""U-Net++."""

import os
from collections.abc import Sequence
from typing import Any

import keras

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
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, double

_FILTERS = (32, 64, 128, 256, 512)
_FILTERS_BEHIND_ENCODER = (16, 32, 64, 128, 256)


def unet_plus_plus(
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
    deep_supervision: bool = False,
    batch_norm: bool = True,
    batch_norm_momentum: float | None = None,
    dropout: float = 0.0,
    activation: Any = None,
    name: str = "unet_plus_plus",
) -> Any:
    """U-Net++: a U-Net with nodes along its skips; each node reads all earlier ones of its row.

    Figure: node X(i, j) lies at stride 2^i, j steps along the skip, and has two 3x3 convolutions
    with ReLU. The encoder is the column j = 0. Each other node reads all nodes before it in its row
    and the doubled node below it.

        X00 ---- X01 ---- X02 ---- X03 ---- X04 -> logits
           X10 ---- X11 ---- X12 ---- X13            X(i, 0) = H(pool X(i-1, 0))
              X20 ---- X21 ---- X22                  X(i, j) = H([X(i, 0), .., X(i, j-1),
                 X30 ---- X31                                    up X(i+1, j-1)])
                    X40

    With `deep_supervision` each of X01 to X04 has scores of its own. After training, the network
    can be cut to any of these depths; nodes that only deeper ones need are then left out:

        fast = keras.Model(model.input, model.get_layer("logits_2").output)  # X02: three stages

    With `encoder` the column j = 0 has six rows, the features of another network at strides 1 to
    32. X(0, 0), and X(1, 0) if need be, is left out where it has none.

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], of any height and width
    from 1 up: the image is padded with zeros to a multiple of the deepest stride, the output
    cropped back. Output: `logits`, (batch, height, width, classes), or `probabilities` with
    `activation`; with `deep_supervision` a list, `logits_1` to `logits_4`, shallowest first. Train
    each on the same labels; the paper uses the mean of all of them, or one. The output is float32
    under a mixed policy too.

    One departure from the paper: batch normalization (batch_norm=False is the paper's). The paper's
    figure says up-sampling; its 9.04 million parameters are those of 2x2 transposed convolutions.

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
        upsample: As in `unet`: "transposed_conv" (2x2, the paper's), another name, or a callable.
        filters: Channels by row, finest first, of any length from 2; with `encoder` of the five
            rows at strides 1 to 16. None: (32, 64, 128, 256, 512); with `encoder` (16, 32, 64, 128,
            256).
        padding: "same", or "torch" for PyTorch's padding in a ResNet encoder (see `linknet`).
        deep_supervision: Whether every depth gives scores, as above.
        batch_norm: Whether each 3x3 convolution is followed by batch normalization (and has no
            bias). Export folds it into the convolutions.
        batch_norm_momentum: Momentum of all batch normalization, in [0, 1). None: 0.9 with an
            `encoder` that starts from random weights, else that of Keras and the encoder; see
            `unet`.
        dropout: Dropout rate after the deepest stage, in [0, 1).
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Zhou, Siddiquee, Tajbakhsh and Liang, UNet++: A Nested U-Net Architecture for Medical
    Image Segmentation, DLMIA 2018, section 3 and figure 1, https://arxiv.org/abs/1807.10165
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    if encoder is None:
        check_no_encoder(encoder_weights, encoder_normalization, encoder_trainable)
        filters = arguments.check_filters(
            _FILTERS if filters is None else filters, None, "one a row, finest first"
        )
    else:
        check_encoder(encoder, " or None")
        filters = arguments.check_filters(
            _FILTERS_BEHIND_ENCODER if filters is None else filters,
            5,
            "for the rows at strides 1, 2, 4, 8 and 16",
        )
    if padding != "same":
        check_padding(padding, encoder)
    momentum = arguments.check_momentum(batch_norm_momentum)
    deep_supervision = arguments.check_flag("deep_supervision", deep_supervision)
    batch_norm = arguments.check_flag("batch_norm", batch_norm)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_activation(activation)

    def convolutions(x: Any, width: int, node: str) -> Any:
        for i in (1, 2):
            x = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                use_bias=not batch_norm,
                kernel_initializer="he_normal",
                name=f"{node}_conv{i}",
            )(x)
            if batch_norm:
                x = keras.layers.BatchNormalization(name=f"{node}_bn{i}")(x)
            x = keras.layers.ReLU(name=f"{node}_relu{i}")(x)
        return x

    image = frame.image_input(shape)
    depth = len(filters) if encoder is not None else len(filters) - 1
    nodes: dict[tuple[int, int], Any] = {}
    padded = x = frame.pad(image, 2**depth)
    if encoder is not None:
        features = encode(
            padded,
            encoder,
            encoder_weights,
            needs=(4, 8, 16, 32),
            normalization=encoder_normalization,
            trainable=encoder_trainable,
            padding=padding,
        )
        nodes = {(stride.bit_length() - 1, 0): x for stride, x in features.items()}
    for i, width in enumerate(filters if encoder is None else ()):
        if i > 0:
            x = keras.layers.MaxPooling2D(2, name=f"encoder_x{i}0_pool")(x)
        nodes[i, 0] = x = convolutions(x, width, f"encoder_x{i}0")
    if dropout:
        nodes[depth, 0] = keras.layers.Dropout(dropout, name="encoder_dropout")(nodes[depth, 0])
    guides = {i: frame.shrunk(padded, 2**i) for i in range(depth) if (i, 0) not in nodes}
    for j in range(1, depth + 1):
        for i in range(depth + 1 - j):
            node, width = f"decoder_x{i}{j}", filters[i]
            below = nodes.get((i + 1, j - 1))
            if below is None:
                continue  # the encoder has nothing there
            guide = nodes[i, 0] if (i, 0) in nodes else guides[i]
            x = double(below, upsample, width, f"{node}_upsample", guide)
            before = [nodes[i, k] for k in range(j) if (i, k) in nodes]
            if before:
                x = keras.layers.Concatenate(name=f"{node}_join")([*before, x])
            nodes[i, j] = convolutions(x, width, node)

    heads = [j for j in range(1, depth + 1) if (0, j) in nodes] if deep_supervision else [depth]
    outputs = []
    for j in heads:
        suffix = f"_{j}" if deep_supervision else ""
        # Cut before the 1x1 convolution or after it is the same; before, it computes less.
        x = frame.crop(nodes[0, j], image, f"head_crop{suffix}")
        x = keras.layers.Conv2D(classes, 1, name=f"head_conv{suffix}")(x)
        outputs.append(
            frame.name_output(x, activation, f"logits{suffix}", f"probabilities{suffix}")
        )
    model = frame.assemble(image, outputs if deep_supervision else outputs[0], name)
    return with_momentum(model, momentum, random_encoder=starts_random(encoder, encoder_weights))
