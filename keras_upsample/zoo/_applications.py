"""The networks of `keras.applications` as encoders: their names, and what each expects of an image.

The library says itself what its networks were trained on: `preprocess_input` of the builder's
module, and the layers for it at the beginning of some networks. Both are read from there.
"""

import dataclasses
import re
import sys
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import keras
import numpy as np

from keras_upsample.metadata import IMAGENET

_FAMILIES = {
    "ConvNeXt": "convnext",
    "DenseNet": "densenet",
    "EfficientNet": "efficientnet",
    "InceptionResNet": "inception_resnet",
    "Inception": "inception",
    "MobileNet": "mobilenet",
    "NASNet": "nasnet",
    "ResNet": "resnet",
    "VGG": "vgg",
    "Xception": "xception",
}
_CLASSIFIER = {"mobilenet_v2": "Conv_1", "mobilenet_v3": "conv_1", "efficientnet": "top_conv"}
# Pads of this family depend on whether sizes are even when it is built. Its first convolution
# makes 128 of 257, and every size after that is even.
_STATIC = {"nasnet": 257}
_GAIN = 64.0
_LARGE = 16.0  # numbers this far apart are scaled down by the gain


@dataclasses.dataclass(frozen=True)
class Expected:
    """What the first layer of a network takes: `scale * image + offset`, the image in [0, 1].

    Two families were trained on BGR; rather than turning the channels round at every inference,
    the first kernel is turned round once, when weights are loaded. These also count in 0..255; the
    same kernel takes a factor 64, so that the network is fed numbers near 1 and can be trained from
    scratch too. Both are exact: the factor is a power of two.
    """

    scale: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    bgr: bool = False  # its weights were trained on BGR
    gain: float = 1.0  # its weights were trained on numbers this many times larger


@cache
def names() -> dict[str, str]:
    """Name of an encoder -> name of the builder in `keras.applications`."""
    found = {
        _plain_name(builder): builder
        for builder in dir(keras.applications)
        if builder[0].isupper() and callable(getattr(keras.applications, builder))
    }
    return dict(sorted(found.items()))


def _plain_name(builder: str) -> str:
    """EfficientNetV2B0 -> efficientnet_v2_b0; ResNet50V2 -> resnet50_v2."""
    family = next((family for family in _FAMILIES if builder.startswith(family)), builder)
    parts = re.findall(r"\d+|[A-Z]\d+|[A-Z]+[a-z]*", builder[len(family) :])
    ends = "".join(part if part.isdigit() else f"_{part.lower()}" for part in parts)
    return _FAMILIES.get(family, family.lower()) + ends


def classifier_of(name: str) -> str | None:
    """The first layer that prepares the classifier, for a network that has such without its top."""
    return next((x for start, x in _CLASSIFIER.items() if name.startswith(start)), None)


def built_size(name: str) -> int | None:
    """Height and width at which a network is built; None: open."""
    return next((size for start, size in _STATIC.items() if name.startswith(start)), None)


def expected(name: str, channels: int = 3) -> Expected:
    """What `preprocess_input` makes of an image in [0, 1], for the encoder of this name.

    ConvNeXt's is a layer with the means of RGB, which a network for other images lacks.
    """
    if name.startswith("convnext") and channels != 3:
        return Expected(IMAGENET.scale, IMAGENET.offset)
    builder = getattr(keras.applications, names()[name])
    return _expected_by(sys.modules[builder.__module__].preprocess_input)


def _expected_by(preprocess: Callable[[Any], Any]) -> Expected:
    """`preprocess` read as an affine map of each channel, by what it makes of four pixels."""
    pixels = np.zeros((4, 1, 1, 3))
    pixels[1:, 0, 0] = 255 * np.eye(3)
    offset, *ends = np.asarray(preprocess(pixels), "float64")[:, 0, 0]
    matrix = np.stack(ends) - offset  # (channel of the image, channel of the result)
    bgr = not np.diag(matrix).all()
    if bgr:
        matrix, offset = matrix[:, ::-1], offset[::-1]
    scale = np.diag(matrix)
    if np.abs(matrix - np.diag(scale)).max() > 1e-6 * scale.max():
        raise ValueError(f"{preprocess.__module__}: its preprocessing mixes channels.")
    return scaled_down(scale, offset, bgr)


def scaled_down(scale: Any, offset: Any, bgr: bool = False) -> Expected:
    """The same map, its numbers near 1 if the first kernel is turned round anyway."""
    gain = _GAIN if bgr and np.max(scale) > _LARGE else 1.0
    scale, offset = (np.round(np.asarray(x, "float64"), 9) / gain for x in (scale, offset))
    return Expected(tuple(scale.tolist()), tuple(offset.tolist()), bgr, gain)


def copy_first(source: Any, target: Any, expects: Expected) -> None:
    """Copy the weights of a network's first convolution, turned round and scaled."""
    values = source.get_weights()
    kernel = values[0] * expects.gain
    values[0] = kernel[:, :, ::-1] if expects.bgr else kernel  # (kh, kw, in, out)
    target.set_weights(values)


def copy_vgg16(source: Any, targets: Sequence[Any], expects: Expected) -> None:
    """Copy VGG16's convolutions to layers that are called `encoder_` and their own name."""
    first, *others = targets
    copy_first(source.get_layer(first.name.removeprefix("encoder_")), first, expects)
    for target in others:
        target.set_weights(source.get_layer(target.name.removeprefix("encoder_")).get_weights())


def preprocess(image: keras.KerasTensor, expects: Expected) -> keras.KerasTensor:
    """`scale * image + offset` by channel; images that are not RGB get the mean of the three."""
    channels = image.shape[-1]
    scale, offset = (
        list(values) if len(values) == channels else [float(np.mean(values))] * channels
        for values in (expects.scale, expects.offset)
    )
    return keras.layers.Rescaling(scale, offset, name="encoder_preprocessing")(image)
