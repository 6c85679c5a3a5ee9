"""The encoders of `keras.applications`: their features by stride, their preprocessing inside.

Every encoder takes RGB in [0, 1]. Two were trained on BGR (VGG16, ResNet50); rather than turning
the channels round at every inference, the first kernel is turned round once, when weights are
loaded. These two also count in 0..255; the same kernel takes a factor 64, so that the network is
fed numbers near 1 and can be trained from scratch too. Both are exact: the factor is a power of
two.
"""

import dataclasses
import os
from typing import Any

import keras
import numpy as np

from keras_upsample.zoo._weights import application, check_weights

Triple = tuple[float, float, float]

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, RGB in [0, 1]
_CAFFE_GAIN = 64.0
_CAFFE_MEAN = (123.68, 116.779, 103.939)  # ImageNet, RGB in [0, 255]


@dataclasses.dataclass(frozen=True)
class Encoder:
    """One application. The network is fed `scale * image + offset`."""

    builder: str  # its name in keras.applications
    first: str  # its first layer behind any preprocessing of its own
    first_convolution: str
    features: dict[int, str]  # stride -> the last layer there
    scale: Triple
    offset: Triple
    bgr: bool = False  # its weights were trained on BGR
    gain: float = 1.0  # its weights were trained on numbers this many times larger


def _caffe(builder: str, first: str, first_convolution: str, features: dict[int, str]) -> Encoder:
    scale = (255 / _CAFFE_GAIN,) * 3
    red, green, blue = (-mean / _CAFFE_GAIN for mean in _CAFFE_MEAN)
    offset = (red, green, blue)
    return Encoder(
        builder, first, first_convolution, features, scale, offset, bgr=True, gain=_CAFFE_GAIN
    )


ENCODERS = {
    "vgg16": _caffe(
        "VGG16",
        "block1_conv1",
        "block1_conv1",
        {
            1: "block1_conv2",
            2: "block2_conv2",
            4: "block3_conv3",
            8: "block4_conv3",
            16: "block5_conv3",
            32: "block5_pool",
        },
    ),
    "resnet50": _caffe(
        "ResNet50",
        "conv1_pad",
        "conv1_conv",
        {
            2: "conv1_relu",
            4: "conv2_block3_out",
            8: "conv3_block4_out",
            16: "conv4_block6_out",
            32: "conv5_block3_out",
        },
    ),
    "mobilenet_v2": Encoder(
        "MobileNetV2",
        "Conv1",
        "Conv1",
        {
            2: "block_1_expand_relu",
            4: "block_3_expand_relu",
            8: "block_6_expand_relu",
            16: "block_13_expand_relu",
            32: "block_16_project_BN",
        },
        scale=(2.0, 2.0, 2.0),
        offset=(-1.0, -1.0, -1.0),
    ),
    "efficientnet_b0": Encoder(
        "EfficientNetB0",
        "stem_conv_pad",
        "stem_conv",
        {
            2: "block2a_expand_activation",
            4: "block3a_expand_activation",
            8: "block4a_expand_activation",
            16: "block6a_expand_activation",
            32: "block7a_project_bn",
        },
        scale=(1 / _STD[0], 1 / _STD[1], 1 / _STD[2]),
        offset=(-_MEAN[0] / _STD[0], -_MEAN[1] / _STD[1], -_MEAN[2] / _STD[2]),
    ),
}


def preprocess(image: keras.KerasTensor, scale: Triple, offset: Triple) -> keras.KerasTensor:
    """`scale * image + offset` by channel; images that are not RGB get the mean of the three."""
    channels = image.shape[-1]
    if channels != 3:
        scale = (float(np.mean(scale)),) * channels
        offset = (float(np.mean(offset)),) * channels
    layer = keras.layers.Rescaling(list(scale), list(offset), name="encoder_preprocessing")
    return layer(image)


def copy_weights(source: Any, target: Any, spec: Encoder) -> None:
    """Copies one layer's weights, turned round and scaled if it is the first convolution."""
    values = source.get_weights()
    if source.name == spec.first_convolution:
        kernel = values[0] * spec.gain
        values[0] = kernel[:, :, ::-1] if spec.bgr else kernel  # (kh, kw, in, out)
    target.set_weights(values)


def encode(
    image: keras.KerasTensor,
    name: str,
    weights: str | os.PathLike[str] | None,
    *,
    atrous: bool = False,
) -> dict[int, Any]:
    """`image` through the encoder `name`: its features by stride, finest first.

    The application's layers become layers of the model that is being built, called
    `encoder_` and their own name. With `atrous` the last stage stays at stride 16, `features[32]`
    too: the stride is removed, and every convolution after it has twice the dilation.
    """
    spec = ENCODERS[name]
    check_weights(weights, image.shape[-1])
    source = application(spec.builder, weights, image.shape[-1])
    scale, offset = spec.scale, spec.offset
    if weights is not None:
        scale, offset = _own_normalization(source) or (scale, offset)
    first = source.get_layer(spec.first)
    made = {id(first.input): preprocess(image, scale, offset)}
    rate = 0  # of dilation: 1 in the last stage of an atrous encoder, 2 behind its stride
    for layer in source.layers:  # sorted from input to output
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        if not inputs or any(id(tensor) not in made for tensor in inputs):
            continue  # in front of `first`: the input and what we preprocess ourselves
        config = layer.get_config() | {"name": f"encoder_{layer.name}"}
        if rate:
            if isinstance(layer, (keras.layers.ZeroPadding2D, keras.layers.MaxPooling2D)):
                made[id(layer.output)] = made[id(inputs[0])]  # for the stride, or is the stride
                continue
            if config.get("strides", (1, 1)) != (1, 1):
                config |= {"strides": (1, 1), "padding": "same"}
                rate = 2
            elif config.get("kernel_size", (1, 1)) != (1, 1):
                config |= {"dilation_rate": (rate, rate)}
        twin = type(layer).from_config(config)
        arguments = [made[id(tensor)] for tensor in inputs]
        made[id(layer.output)] = twin(arguments if len(arguments) > 1 else arguments[0])
        if weights is not None:
            copy_weights(layer, twin, spec)
        if atrous and layer.name == spec.features[16]:
            rate = 1
        if layer.name == spec.features[32]:
            break  # what follows prepares the classifier
    return {
        stride: made[id(source.get_layer(name).output)] for stride, name in spec.features.items()
    }


def _own_normalization(source: Any) -> tuple[Triple, Triple] | None:
    """Scale and offset that a weights file brought along, for an application that keeps them.

    EfficientNet's published files hold the standard deviation where the layer expects the
    variance; Keras divides by its square root once more, but only for `weights="imagenet"`. Here
    the same file means the same whether it was downloaded or is given by its path.
    """
    for layer in source.layers:
        if isinstance(layer, keras.layers.Normalization):
            mean, variance = (
                np.ravel(value).astype("float64") for value in layer.get_weights()[:2]
            )
            std = np.sqrt(variance)
            if np.allclose(variance, _STD, atol=1e-6):
                std = variance
            scale, offset = 1 / std, -mean / std
            return tuple(scale.tolist()), tuple(offset.tolist())
    return None
