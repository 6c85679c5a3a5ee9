"""FCN-32s, FCN-16s and FCN-8s.

The three differ in where the decoder stops to take in a skip, so one function draws all of them.
"""

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import keras

from keras_upsample import layers
from keras_upsample.zoo import _arguments as arguments
from keras_upsample.zoo import _frame as frame
from keras_upsample.zoo._applications import copy_vgg16, expected, preprocess
from keras_upsample.zoo._crop import OffsetCrop2D
from keras_upsample.zoo._upsamplers import Upsample, check_upsample, enlarge
from keras_upsample.zoo._weights import application, check_weights

_VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # (filters, convolutions) a block


@dataclasses.dataclass(frozen=True)
class Step:
    """One deconvolution: how much it enlarges, what joins after it, where Caffe crops."""

    scale: int
    joins: str | None  # a pool, or None for the last step, which is cut to the image
    offset: int

    @property
    def name(self) -> str:
        return "decoder_up_to_" + (self.joins or "image")


STEPS = {
    "fcn32s": (Step(32, None, 19),),
    "fcn16s": (Step(2, "pool4", 5), Step(16, None, 27)),
    "fcn8s": (Step(2, "pool4", 5), Step(2, "pool3", 9), Step(8, None, 31)),
}


def build(
    steps: tuple[Step, ...],
    input_shape: Sequence[int | None],
    classes: int,
    encoder_weights: str | os.PathLike[str] | None,
    geometry: str,
    fc_width: int,
    dropout: float,
    deconvolution: str,
    upsample: Upsample,
    skip_scales: Sequence[float] | None,
    activation: Any,
    name: str,
) -> Any:
    """The FCN whose decoder takes `steps`; arguments as in `fcn8s`."""
    shape = arguments.check_input_shape(input_shape)
    classes = arguments.check_count("classes", classes)
    fc_width = arguments.check_count("fc_width", fc_width)
    dropout = arguments.check_rate("dropout", dropout)
    arguments.check_choice("geometry", geometry, ("same", "caffe"))
    arguments.check_choice("deconvolution", deconvolution, ("fixed", "last_fixed", "learned"))
    upsample = check_upsample(upsample)
    _check_upsample_fits(upsample, geometry, deconvolution)
    scales = _check_scales(skip_scales, len(steps) - 1)
    check_weights(encoder_weights, shape[2])
    caffe = geometry == "caffe"

    image = frame.image_input(shape)
    padded = image if caffe else frame.pad(image, 32)
    expects = expected("vgg16")
    x = preprocess(padded, expects)

    # VGG16, whose two dense layers became convolutions.
    pools = {}
    convolutions = []
    if caffe:
        x = keras.layers.ZeroPadding2D(100, name="encoder_block1_pad")(x)
    for block, (filters, count) in enumerate(_VGG16, start=1):
        for i in range(1, count + 1):
            first_of_caffe = caffe and block == i == 1
            layer = _convolution(
                filters, 3, "valid" if first_of_caffe else "same", f"encoder_block{block}_conv{i}"
            )
            convolutions.append(layer)
            x = layer(x)
        # On odd sizes "same" keeps the last row and column, as Caffe's rounding up does.
        pool = keras.layers.MaxPooling2D(2, padding="same", name=f"encoder_block{block}_pool")
        x = pools[f"pool{block}"] = pool(x)
    x = _convolution(fc_width, 7, "valid" if caffe else "same", "encoder_fc6")(x)
    x = keras.layers.Dropout(dropout, name="encoder_drop6")(x)
    x = _convolution(fc_width, 1, "same", "encoder_fc7")(x)
    x = keras.layers.Dropout(dropout, name="encoder_drop7")(x)

    x = _score(classes, "decoder_score_fc7")(x)
    sizes = [padded, *pools.values()][:-1]  # what there is at strides 1 to 16
    for step, scale in zip(steps, (*scales, 1.0), strict=True):
        if upsample == "transposed_conv":
            fixed = deconvolution == "fixed" or (deconvolution == "last_fixed" and not step.joins)
            x = _deconvolution(classes, step, caffe, not fixed)(x)
        else:
            doublings = step.scale.bit_length() - 1
            guides, sizes = sizes[-doublings:][::-1], sizes[:-doublings]
            x = enlarge(x, upsample, step.name, guides)
        if step.joins is None:
            break
        skip = pools[step.joins]
        if scale != 1:
            skip = keras.layers.Rescaling(scale, name=f"decoder_scale_{step.joins}")(skip)
        skip = _score(classes, f"decoder_score_{step.joins}")(skip)
        if caffe:
            skip = OffsetCrop2D(step.offset, name=f"decoder_crop_{step.joins}")([skip, x])
        x = keras.layers.Add(name=f"decoder_fuse_{step.joins}")([x, skip])

    if caffe:
        x = OffsetCrop2D(steps[-1].offset, name="head_crop")([x, image])
    else:
        x = frame.crop(x, image)
    model = frame.finish(image, x, activation, name)
    if encoder_weights is not None:
        source = application("VGG16", encoder_weights, shape[2])
        copy_vgg16(source, convolutions, expects)
    return model


def _convolution(filters: int, size: int, padding: str, name: str) -> Any:
    return keras.layers.Conv2D(
        filters,
        size,
        padding=padding,
        activation="relu",
        kernel_initializer="he_normal",
        name=name,
    )


def _score(classes: int, name: str) -> Any:
    # The authors start from zero. A network of zeros can't be told from a broken one, so these
    # start small and random.
    return keras.layers.Conv2D(classes, 1, name=name)


def _deconvolution(classes: int, step: Step, caffe: bool, trainable: bool) -> Any:
    """Bilinear upsampling as a transposed convolution with a kernel of twice the scale.

    Caffe leaves its overhang, (n - 1) * scale + 2 * scale in all, to the crops; "same" cuts half
    a scale on every side, which is exactly n * scale.
    """
    return layers.TransposedConv2D(
        classes,
        step.scale,
        2 * step.scale,
        padding=0 if caffe else None,
        output_padding=0 if caffe else None,
        use_bias=False,
        initializer="bilinear",
        trainable=trainable,
        name=step.name,
    )


def _check_upsample_fits(upsample: Upsample, geometry: str, deconvolution: str) -> None:
    if upsample == "transposed_conv":
        return
    if geometry != "same":
        raise ValueError(
            "`upsample` other than 'transposed_conv' needs `geometry='same'`: the published net's "
            f"crops count on its deconvolutions. Received: upsample={upsample!r}, "
            f"geometry={geometry!r}."
        )
    if deconvolution != "fixed":
        raise ValueError(
            "`deconvolution` is about `upsample='transposed_conv'` and leaves the others as they "
            f"are. Received: upsample={upsample!r}, deconvolution={deconvolution!r}. Leave it out."
        )


def _check_scales(value: Sequence[float] | None, count: int) -> tuple[float, ...]:
    if value is None:
        return (1.0,) * count
    if not isinstance(value, (tuple, list)) or len(value) != count:
        raise ValueError(
            f"`skip_scales` must be None or {count} numbers, deepest skip first. "
            f"Received: {value!r}."
        )
    for scale in value:
        if (
            isinstance(scale, bool)
            or not isinstance(scale, (int, float))
            or not (math.isfinite(scale) and scale > 0)
        ):
            raise ValueError(f"`skip_scales` must be positive numbers. Received: {value!r}.")
    return tuple(float(scale) for scale in value)
