"""FCN-8s."""

import os
from collections.abc import Sequence
from typing import Any

from keras_upsample.zoo._fcn import STEPS, build
from keras_upsample.zoo._pretrained import preset_model
from keras_upsample.zoo._upsamplers import Upsample


def fcn8s(
    input_shape: Sequence[int | None] = (None, None, 3),
    classes: int = 21,
    *,
    encoder_weights: str | os.PathLike[str] | None = None,
    geometry: str = "same",
    fc_width: int = 4096,
    dropout: float = 0.5,
    deconvolution: str = "fixed",
    upsample: Upsample = "transposed_conv",
    skip_scales: Sequence[float] | None = None,
    activation: Any = None,
    weights: str | None = None,
    name: str = "fcn8s",
) -> Any:
    """FCN-8s: VGG16 made convolutional, with the scores of three depths added up.

    Figure: VGG16 with its dense layers as convolutions (fc6 7x7, fc7 1x1, `fc_width` channels)
    gives class scores at stride 32. They are doubled and added to the scores of pool4, doubled
    again and added to the scores of pool3, and enlarged 8 times. Each enlargement is a transposed
    convolution of twice its scale that starts as bilinear interpolation.

        geometry="caffe", 500x500:  pad 100, 698 | pool3 88 | pool4 44 | pool5 22 | fc7 16
                                    16 -> 34 (+ pool4, offset 5) -> 70 (+ pool3, offset 9)
                                    -> 568 -> 500 (offset 31)

    Input: `image`, (batch, height, width, channels), float32 in [0, 1], any height and width from
    1 up. Output: `logits` (or `probabilities` with `activation`), (batch, height, width, classes);
    float32 under a mixed policy too.

    One departure from the authors' nets: the score layers start random rather than at zero.

    Args:
        input_shape: (height, width, channels) without the batch. None for a height or width that
            is known only when the model is called.
        classes: Number of classes, i.e. channels of the output; PASCAL VOC's 21 by default.
        encoder_weights: VGG16's convolutions: None (random), "imagenet" (downloaded by Keras), or
            the path of a weights file of `keras.applications.VGG16(include_top=False)`. fc6 and
            fc7 start random. The first kernel is turned from BGR to RGB and scaled by 64, which
            the preprocessing undoes.
        geometry: "same" pads the image with zeros to a multiple of 32 and every convolution to
            its input's size. "caffe" is the published net: 100 zeros around the image, fc6
            unpadded, pools that round up, skips and output cropped at the published offsets.
        fc_width: Channels of fc6 and fc7. 4096 makes 119 of the net's 134 million parameters.
        dropout: Dropout rate after fc6 and fc7, in [0, 1).
        deconvolution: "fixed" keeps every enlargement bilinear (the authors' released nets; it
            is cheaper when exported); "last_fixed" trains all but the last (their paper, section
            4.3); "learned" trains all.
        upsample: "transposed_conv" (the paper's, see `deconvolution`); or, with geometry="same",
            another name or callable as in `unet`: interpolation enlarges the class scores in one
            step each time, all others by repeated doubling.
        skip_scales: Factors of pool4 and pool3 before their score layers, deepest first. None for
            1; (0.01, 0.0001) for training all depths at once from ImageNet weights.
        activation: None for logits, or an argument of `keras.layers.Activation`, e.g. "softmax".
        weights: None (random), or a preset: "cells" (images of 2 channels, 3 classes), for which
            VGG16's deeper convolutions are fetched at the first use (`keras-upsample data fetch
            vgg16`). A preset sets the arguments it was trained with; height and width of
            `input_shape` stay free.
        name: Name of the model.

    Returns:
        A functional `keras.Model`; its layers are called encoder_..., decoder_..., head_... and
        `logits`.

    Raises:
        ValueError: For a wrong argument; the message says what is allowed.
        FetchError: If weights can't be downloaded.

    Reference: Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic
    Segmentation, CVPR 2015, sections 3.3, 4.2 and 4.3, https://arxiv.org/abs/1411.4038; geometry
    of the authors' voc-fcn8s-atonce net.
    """
    if weights is not None:
        return preset_model(fcn8s, locals())
    return build(
        STEPS["fcn8s"],
        input_shape,
        classes,
        encoder_weights,
        geometry,
        fc_width,
        dropout,
        deconvolution,
        upsample,
        skip_scales,
        activation,
        name,
    )
