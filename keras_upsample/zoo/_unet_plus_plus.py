"""U-Net++."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, double


def unet_plus_plus(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 2,
    *,
    upsample: Upsample = "transposed_conv",
    filters: Sequence[int] = (32, 64, 128, 256, 512),
    deep_supervision: bool = False,
    batch_norm: bool = True,
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
        upsample: As in `unet`: "transposed_conv" (2x2, the paper's), another name, or a callable.
        filters: Channels by row, finest first, of any length from 2.
        deep_supervision: Whether every depth gives scores, as above.
        batch_norm: Whether each 3x3 convolution is followed by batch normalization (and has no
            bias). Export folds it into the convolutions.
        dropout: Dropout rate after the deepest stage, in [0, 1).
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.

    Reference: Zhou, Siddiquee, Tajbakhsh and Liang, UNet++: A Nested U-Net Architecture for Medical
    Image Segmentation, DLMIA 2018, section 3 and figure 1, https://arxiv.org/abs/1807.10165
    """
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    upsample = check_upsample(upsample)
    filters = arguments.check_filters(filters, None, "one a row, finest first")
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
    depth = len(filters) - 1
    nodes: dict[tuple[int, int], Any] = {}
    x = frame.pad(image, 2**depth)
    for i, width in enumerate(filters):
        if i > 0:
            x = keras.layers.MaxPooling2D(2, name=f"encoder_x{i}0_pool")(x)
        x = convolutions(x, width, f"encoder_x{i}0")
        if i == depth and dropout:
            x = keras.layers.Dropout(dropout, name="encoder_dropout")(x)
        nodes[i, 0] = x
    for j in range(1, depth + 1):
        for i in range(depth + 1 - j):
            node, width = f"decoder_x{i}{j}", filters[i]
            up = double(nodes[i + 1, j - 1], upsample, width, f"{node}_upsample", nodes[i, 0])
            before = [nodes[i, k] for k in range(j)]
            x = keras.layers.Concatenate(name=f"{node}_join")([*before, up])
            nodes[i, j] = convolutions(x, width, node)

    heads = range(1, depth + 1) if deep_supervision else (depth,)
    outputs = []
    for j in heads:
        suffix = f"_{j}" if deep_supervision else ""
        # Cut before the 1x1 convolution or after it is the same; before, it computes less.
        x = frame.crop(nodes[0, j], image, f"head_crop{suffix}")
        x = keras.layers.Conv2D(classes, 1, name=f"head_conv{suffix}")(x)
        outputs.append(
            frame.name_output(x, activation, f"logits{suffix}", f"probabilities{suffix}")
        )
    return frame.assemble(image, outputs if deep_supervision else outputs[0], name)
