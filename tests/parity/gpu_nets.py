"""Networks for the engines of GPUs: a small U-Net with each technique, the zoo, the presets."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import small_unets

from keras_upsample import data, zoo
from keras_upsample.zoo._upsamplers import UPSAMPLERS

SHAPE = (64, 64, 3)
_SMALL = {"classes": 3, "encoder": "mobilenet_v2"}


def _deeplab() -> Any:
    """With weights that keep the variance of the values. Those of Keras let it fall to 1e-12, which
    half precision has not."""
    model = zoo.deeplab_v3_plus(SHAPE, **_SMALL)
    rng = np.random.default_rng(small_unets.SEED)
    for weight in model.trainable_weights:
        if len(weight.shape) == 4:
            depthwise = weight.shape[3] == 1 and weight.shape[0] > 1
            reach = np.prod(weight.shape[:2] if depthwise else weight.shape[:3])
            weight.assign(rng.normal(0, np.sqrt(2 / reach), weight.shape))
    return model


ZOO: dict[str, Callable[[], Any]] = {
    "unet, EfficientNetB0": partial(zoo.unet, SHAPE, 3, encoder="efficientnet_b0"),
    "unet, padding valid": partial(zoo.unet, (92, 92, 3), 3, filters=(8, 16, 32), padding="valid"),
    "unet++": partial(zoo.unet_plus_plus, SHAPE, 3, filters=(8, 16, 32)),
    "linknet": partial(zoo.linknet, SHAPE, 3, filters=(8, 16, 32, 64)),
    "segnet": partial(zoo.segnet, SHAPE, 3, filters=(8, 16, 16, 32, 32)),
    "segnet, bilinear": partial(
        zoo.segnet, SHAPE, 3, filters=(8, 16, 16, 32, 32), upsample="bilinear"
    ),
    "fpn, MobileNetV2": partial(zoo.fpn, SHAPE, **_SMALL),
    "deeplab v3+, MobileNetV2": _deeplab,
    "fcn8s": partial(zoo.fcn8s, SHAPE, 3, fc_width=64),
    "fcn8s, bilinear": partial(zoo.fcn8s, SHAPE, 3, fc_width=64, upsample="bilinear"),
    "fcn16s": partial(zoo.fcn16s, SHAPE, 3, fc_width=64),
    "fcn32s": partial(zoo.fcn32s, SHAPE, 3, fc_width=64),
    "pspnet, MobileNetV2": partial(zoo.pspnet, SHAPE, width=16, **_SMALL),
    "pan, MobileNetV2": partial(zoo.pan, SHAPE, width=8, **_SMALL),
    "manet, MobileNetV2": partial(
        zoo.manet, SHAPE, filters=(4, 4, 8, 8, 16), attention_width=8, **_SMALL
    ),
    "upernet, MobileNetV2": partial(zoo.upernet, SHAPE, width=16, **_SMALL),
    "segformer, MiT-B0": partial(zoo.segformer, SHAPE, 3, width=32),
    "dpt, ViT-Tiny": partial(
        zoo.dpt, SHAPE, 3, encoder="vit_tiny", filters=(8, 16, 32, 32), width=16
    ),
    "bisenet_v2": partial(
        zoo.bisenet_v2,
        SHAPE,
        3,
        detail_filters=(8, 8, 16),
        semantic_filters=(8, 8, 8, 16),
        head_width=16,
    ),
    "espcn x3": partial(zoo.espcn, SHAPE, 3),
}
PRESETS = tuple(zoo.PRESETS)
NETS = (*UPSAMPLERS, *ZOO, *PRESETS)


@cache
def net(name: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """The model, a photograph as its input, and its own answer."""
    import keras

    if name in UPSAMPLERS:
        model, answer = small_unets.unet(name)
        return model, small_unets.image(), answer
    keras.utils.set_random_seed(small_unets.SEED)
    if name in ZOO:
        model = ZOO[name]()
    else:
        preset = zoo.preset_named(name)
        build = getattr(zoo, preset.model)
        channels = build(weights=preset.weights).inputs[0].shape[-1]
        model = build(input_shape=(128, 128, channels), weights=preset.weights)
    image = _picture(model)
    return model, image, keras.ops.convert_to_numpy(model(image, training=False))


def _picture(model: Any) -> np.ndarray:
    """A photograph, of as many channels as the model takes."""
    _, height, width, channels = model.inputs[0].shape
    picture = data.photograph("coffee", (height, width)) / np.float32(255)
    image = np.resize(picture.transpose(2, 0, 1), (channels, height, width)).transpose(1, 2, 0)
    return np.ascontiguousarray(image)[None]
