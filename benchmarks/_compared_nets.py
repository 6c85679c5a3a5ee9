"""Networks of Keras' own layers, as tutorials write them, for `export_compared.py`.

Each builder takes no arguments and reads the floating-point type from Keras, so that the same
network can be built in float64 too. Weights are random, from a seed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTHS = (16, 32, 64, 128)
CLASSES = ("background", "object", "border")


@dataclass(frozen=True)
class Net:
    """One network.

    Attributes:
        title: for tables.
        build: makes it.
        size: height and width that it is exported for.
        other_size: other pixels that the model itself takes; None where its size is fixed.
        value_range: of its input.
        classes: names of the classes of its output; empty for a picture.
    """

    title: str
    build: Callable[[], Any]
    size: tuple[int, int] = (256, 256)
    other_size: tuple[int, int] | None = None
    value_range: tuple[float, float] = (0.0, 1.0)
    classes: tuple[str, ...] = CLASSES


def stock_parts(upsample: str, width: int) -> tuple[Any, Any]:
    """Keras' own layers that double a map and that join two."""
    from keras import layers

    if upsample == "transposed":
        return layers.Conv2DTranspose(width, 2, strides=2), layers.Concatenate()
    return layers.UpSampling2D(2, interpolation=upsample), layers.Concatenate()


def unet(
    size: int | None,
    upsample: str,
    widths: Sequence[int] = WIDTHS,
    parts: Callable[[str, int], tuple[Any, Any]] = stock_parts,
) -> Any:
    """U-Net; `upsample` is `"transposed"` or an interpolation of `UpSampling2D`."""
    import keras
    from keras import layers

    image = x = keras.Input((size, size, 3), name="image")
    skips = []
    for width in widths[:-1]:
        x = _convolutions(x, width)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = _convolutions(x, widths[-1])
    for width, skip in zip(widths[-2::-1], skips[::-1], strict=True):
        double, join = parts(upsample, width)
        x = _convolutions(join([double(x), skip]), width)
    return keras.Model(image, layers.Conv2D(len(CLASSES), 1, name="logits")(x), name="unet")


def _convolutions(x: Any, width: int) -> Any:
    from keras import layers

    for _ in range(2):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return x


def group_normalization_net() -> Any:
    """Residual encoder and decoder with GroupNormalization, as of diffusion U-Nets."""
    import keras
    from keras import layers

    def block(x: Any, width: int) -> Any:
        y = layers.Conv2D(width, 3, padding="same")(x)
        y = layers.Activation("silu")(layers.GroupNormalization(8)(y))
        y = layers.GroupNormalization(8)(layers.Conv2D(width, 3, padding="same")(y))
        x = x if x.shape[-1] == width else layers.Conv2D(width, 1)(x)
        return layers.Activation("silu")(layers.Add()([x, y]))

    image = x = keras.Input((None, None, 3), name="image")
    skips = []
    for width in WIDTHS[:-1]:
        x = block(x, width)
        skips.append(x)
        x = layers.Conv2D(width, 3, strides=2, padding="same")(x)
    x = block(x, WIDTHS[-1])
    for width, skip in zip(WIDTHS[-2::-1], skips[::-1], strict=True):
        x = layers.UpSampling2D(2)(x)
        x = block(layers.Concatenate()([x, skip]), width)
    logits = layers.Conv2D(len(CLASSES), 1, name="logits")(x)
    return keras.Model(image, logits, name="group_normalization_net")


def super_resolution() -> Any:
    """Details by a transposed convolution, added to the bicubic enlargement."""
    import keras
    from keras import layers

    image = x = keras.Input((128, 128, 3), name="image")
    for _ in range(3):
        x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    x = layers.Conv2D(3, 3, padding="same")(x)
    detail = layers.Conv2DTranspose(3, 4, strides=2, padding="same")(x)
    rough = layers.UpSampling2D(2, interpolation="bicubic")(image)
    return keras.Model(image, layers.Add(name="enlarged")([rough, detail]), name="sr_net")


def mobilenet_v2_unet() -> Any:
    """TensorFlow's segmentation tutorial: MobileNetV2 and transposed 3x3 convolutions."""
    import keras
    from keras import layers

    base = keras.applications.MobileNetV2(
        input_shape=(128, 128, 3), include_top=False, weights=None
    )
    names = (
        "block_1_expand_relu", "block_3_expand_relu", "block_6_expand_relu",
        "block_13_expand_relu", "block_16_project",
    )  # fmt: skip
    *skips, deepest = (base.get_layer(name).output for name in names)
    x = deepest
    for width, skip in zip((512, 256, 128, 64), skips[::-1], strict=True):
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, skip])
    logits = layers.Conv2DTranspose(len(CLASSES), 3, strides=2, padding="same", name="logits")(x)
    return keras.Model(base.input, logits, name="mobilenet_v2_unet")


NETS: Mapping[str, Net] = {
    "transposed": Net("U-Net, Conv2DTranspose, 256x256", lambda: unet(256, "transposed")),
    "bilinear": Net("U-Net, UpSampling2D bilinear, 256x256", lambda: unet(256, "bilinear")),
    "bilinear_open": Net(
        "U-Net, UpSampling2D bilinear, any size",
        lambda: unet(None, "bilinear"),
        other_size=(104, 136),
    ),
    "group_normalization": Net(
        "GroupNormalization, UpSampling2D nearest, any size",
        group_normalization_net,
        other_size=(104, 136),
    ),
    "super_resolution": Net(
        "super-resolution x2, UpSampling2D bicubic, 128x128",
        super_resolution,
        size=(128, 128),
        classes=(),
    ),
    "mobilenet_v2": Net(
        "MobileNetV2 U-Net, 128x128",
        mobilenet_v2_unet,
        size=(128, 128),
        value_range=(-1.0, 1.0),
    ),
}
