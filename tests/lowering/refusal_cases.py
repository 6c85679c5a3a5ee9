"""Blocks that a rule must leave alone."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers
from linear_cases import chain, conv, norm, scaled
from lowering_checks import check, check_untouched, model_of, names_of, only

from keras_upsample.layers import (
    BilinearUpSampling2D,
    NearestUpSampling2D,
    PixelShuffle2D,
    SkipFusion2D,
    SubpixelConv2D,
    TransposedConv2D,
)
from keras_upsample.lowering._rules import (
    branches,
    deconvolution,
    fold,
    merge,
    minimal_filtering,
    nearest,
    padding,
    pointwise,
    shuffle,
    subpixel,
    transposed,
)

FORMS = {
    nearest.NAME: "shuffle",
    transposed.NAME: "shuffle",
    shuffle.NAME: "one-hot transposed",
    deconvolution.NAME: "resize",
    minimal_filtering.NAME: "4 by 6",
}
NORM, UP, CONV = layers.BatchNormalization, layers.UpSampling2D, layers.Conv2D
SHAPE = (5, 4, 3)
FOUR = (4, 3, 4)


def up(**options: Any) -> Any:
    return layers.UpSampling2D(2, **options)


def both(*stack: Any) -> Callable[[Any], Any]:
    """The last layer's input is read once more: added up in the end."""
    return lambda x: _both(chain(*stack[:-1])(x), stack[-1])


def _both(y: Any, last: Any) -> Any:
    z = last(y)
    means = [layers.GlobalAveragePooling2D()(value) for value in (y, z)]
    return layers.Concatenate()(means)


def twice(layer: Any, before: Callable[[], Any], behind: Callable[[], Any]) -> Any:
    """One layer in two places."""

    def build(x: Any) -> Any:
        results = [chain(before(), layer, behind())(x) for _ in range(2)]
        return layers.Concatenate()(results)

    return build


def plain() -> Any:
    return layers.Activation("tanh")


@keras.saving.register_keras_serializable(package="lowering_tests")
class Doubled(layers.Conv2D):
    """A convolution that does more."""

    def call(self, inputs: Any) -> Any:
        return 2 * super().call(inputs)


@keras.saving.register_keras_serializable(package="lowering_tests")
class Shifted(layers.BatchNormalization):
    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        return super().call(inputs, training=training) + 1


def lora(layer: Any, *shape: int) -> Any:
    layer.build((None, *shape))
    layer.enable_lora(2)
    return layer


def fusion(mode: str, align: Any = "skip", cut: int = 0) -> Callable[[Any], Any]:
    """Upsampled, joined with a skip that has `cut` columns less."""

    def build(x: Any) -> Any:
        skip = layers.Conv2DTranspose(3, 2, 2, activation="tanh")(x)
        skip = layers.Cropping2D(((0, 0), (0, cut)))(skip) if cut else skip
        return conv(2, (2, 3))(SkipFusion2D(mode, align)([up()(x), skip]))

    return build


def beside(layer: Any, filters: int, kernel: int = 1) -> Callable[[Any], Any]:
    """What a layer makes of three channels, concatenated with what none moves."""

    def build(x: Any) -> Any:
        y = layer(x)
        large = layers.Resizing(*y.shape[1:3], interpolation="nearest")(x)
        return conv(filters, kernel)(layers.Concatenate()([y, layers.ReLU()(large)]))

    return build


# name -> (rule, function of layers, kinds of layers that stay), and the input's shape if not SHAPE
STAYS: dict[str, Callable[[], tuple]] = {
    # a layer that is called elsewhere too
    "shared convolution, norm": lambda: (fold, twice(conv(), plain, norm), [CONV, NORM]),
    "shared norm": lambda: (fold, twice(norm(), conv, plain), [CONV, NORM]),
    "shared norm before": lambda: (fold, twice(norm(), plain, conv), [CONV, NORM]),
    "shared convolution, resize": lambda: (nearest, twice(conv(), up, plain), [UP, CONV]),
    "shared 1x1": lambda: (pointwise, twice(conv(2, 1), up, plain), [UP]),
    "shared convolution, padding": lambda: (
        padding,
        twice(conv(), lambda: layers.ZeroPadding2D(1), plain),
        [layers.ZeroPadding2D],
    ),
    "shared convolution, 1x1": lambda: (merge, twice(conv(4), plain, lambda: conv(2, 1)), [CONV]),
    "shared transposed": lambda: (
        transposed,
        twice(layers.Conv2DTranspose(2, 2, 2), plain, plain),
        [layers.Conv2DTranspose],
    ),
    "shared subpixel": lambda: (
        subpixel,
        twice(SubpixelConv2D(2), plain, plain),
        [SubpixelConv2D],
    ),
    "shared, filtered": lambda: (
        minimal_filtering,
        twice(conv(padding="same"), plain, plain),
        [CONV],
    ),
    # a tensor that is needed elsewhere too
    "norm behind a skip": lambda: (fold, both(conv(), norm()), [CONV, NORM]),
    "norm before a skip": lambda: (fold, both(norm(), conv()), [CONV, NORM]),
    "padding of a skip": lambda: (
        padding,
        both(layers.ZeroPadding2D(1), conv()),
        [layers.ZeroPadding2D],
    ),
    "1x1 behind a skip": lambda: (merge, both(conv(4), conv(2, 1)), [CONV]),
    "resize of a skip": lambda: (nearest, both(up(), conv()), [UP]),
    "resize of a skip, 1x1": lambda: (pointwise, both(up(), conv(2, 1)), [UP]),
    "concatenation of a skip": lambda: (
        nearest,
        both(lambda x: layers.Concatenate()([up()(x), up(interpolation="bilinear")(x)]), conv()),
        [UP, CONV, layers.Concatenate],
    ),
    # an activation in between
    "activation, norm": lambda: (fold, chain(conv(activation="relu"), norm()), [CONV, NORM]),
    "activation layer, norm": lambda: (fold, chain(conv(), layers.ReLU(), norm()), [CONV, NORM]),
    "activation of dense, norm": lambda: (fold, chain(layers.Dense(2, "relu"), norm()), [NORM]),
    "activation of transposed, norm": lambda: (
        fold,
        chain(TransposedConv2D(2, activation="tanh"), norm()),
        [NORM, TransposedConv2D],
    ),
    "activation, 1x1": lambda: (merge, chain(conv(4, activation="relu"), conv(2, 1)), [CONV]),
    "activation behind nearest": lambda: (nearest, chain(up(), layers.ReLU(), conv()), [UP]),
    # a shift meets the zeros of a padding
    "shift, same": lambda: (fold, chain(scaled(1, 0.5), conv(padding="same")), [layers.Rescaling]),
    "norm, same": lambda: (fold, chain(norm(), conv(padding="same")), [NORM]),
    "norm, same with strides": lambda: (
        fold,
        chain(norm(), conv(padding="same", strides=2)),
        [NORM],
    ),
    "norm, padding, valid": lambda: (fold, chain(norm(), layers.ZeroPadding2D(1), conv()), [NORM]),
    "norm before transposed": lambda: (
        fold,
        chain(norm(), layers.Conv2DTranspose(2, 2, 2)),
        [NORM],
    ),
    "bias before same": lambda: (merge, chain(conv(4, 1), conv(2, padding="same")), [CONV]),
    # axes and layouts
    "norm of rows": lambda: (fold, chain(conv(), norm(axis=1)), [CONV, NORM]),
    "norm of columns": lambda: (fold, chain(norm(axis=2), conv()), [CONV, NORM]),
    "concatenation of rows": lambda: (
        nearest,
        chain(
            lambda x: layers.Concatenate(axis=1)([up()(x), up(interpolation="bilinear")(x)]), conv()
        ),
        [UP],
    ),
    "resize, channels first": lambda: (
        pointwise,
        chain(up(data_format="channels_first"), conv(2, 1)),
        [UP],
    ),
    "nearest, channels first": lambda: (
        nearest,
        chain(NearestUpSampling2D(2, data_format="channels_first"), conv(2, 2)),
        [NearestUpSampling2D],
    ),
    "fusion, channels first": lambda: (
        nearest,
        chain(
            lambda x: SkipFusion2D(data_format="channels_first")([up()(x), up()(x)]),
            conv(2, 2),
        ),
        [UP],
    ),
    "subpixel, channels first": lambda: (
        subpixel,
        SubpixelConv2D(2, data_format="channels_first"),
        [SubpixelConv2D],
    ),
    "shuffle, channels first": lambda: (
        shuffle,
        PixelShuffle2D(2, data_format="channels_first"),
        [PixelShuffle2D],
        (4, 5, 3),
    ),
    "transposed, channels first": lambda: (
        transposed,
        TransposedConv2D(2, data_format="channels_first"),
        [TransposedConv2D],
    ),
    # groups, dilation, strides
    "groups, norm": lambda: (fold, chain(conv(4, 2, groups=2), norm()), [CONV, NORM], (4, 3, 2)),
    "groups, nearest": lambda: (nearest, chain(up(), conv(4, 2, groups=2)), [UP], (2, 3, 2)),
    "groups, 1x1": lambda: (merge, chain(conv(6, 2, groups=2), conv(2, 1)), [CONV], (4, 3, 2)),
    "groups, transposed": lambda: (
        transposed,
        TransposedConv2D(4, 2, groups=2),
        [TransposedConv2D],
        FOUR,
    ),
    "depthwise, transposed": lambda: (
        transposed,
        TransposedConv2D(4, 2, groups=4),
        [TransposedConv2D],
        FOUR,
    ),
    "dilation, transposed": lambda: (
        transposed,
        TransposedConv2D(2, 3, dilation_rate=2),
        [TransposedConv2D],
    ),
    "groups, bilinear deconvolution": lambda: (
        deconvolution,
        TransposedConv2D(4, 2, groups=4, initializer="bilinear", use_bias=False),
        [TransposedConv2D],
        FOUR,
    ),
    "groups, transposed, norm": lambda: (
        fold,
        chain(TransposedConv2D(4, 2, groups=2), norm()),
        [TransposedConv2D, NORM],
        FOUR,
    ),
    "dilation, transposed, norm": lambda: (
        fold,
        chain(TransposedConv2D(2, 3, dilation_rate=2), norm()),
        [TransposedConv2D, NORM],
    ),
    "dilation, nearest": lambda: (nearest, chain(up(), conv(2, 2, dilation_rate=2)), [UP]),
    "dilation, filtered": lambda: (
        minimal_filtering,
        conv(padding="same", dilation_rate=2),
        [CONV],
    ),
    "strides, nearest": lambda: (nearest, chain(up(), conv(2, 2, strides=2)), [UP]),
    "strides, filtered": lambda: (minimal_filtering, conv(padding="same", strides=2), [CONV]),
    "valid, filtered": lambda: (minimal_filtering, conv(), [CONV]),
    "5x5, filtered": lambda: (minimal_filtering, conv(2, 5, padding="same"), [CONV]),
    "open, filtered": lambda: (minimal_filtering, conv(padding="same"), [CONV], (None, 4, 2)),
    "strides of 1x1": lambda: (pointwise, chain(up(), conv(2, 1, strides=2)), [UP]),
    "depthwise of 1x1": lambda: (
        pointwise,
        chain(up(), layers.DepthwiseConv2D(1)),
        [UP, layers.DepthwiseConv2D],
    ),
    "output padding": lambda: (
        transposed,
        layers.Conv2DTranspose(2, 3, 2, output_padding=1),
        [layers.Conv2DTranspose],
    ),
    "two strides": lambda: (
        transposed,
        layers.Conv2DTranspose(2, 3, (2, 3)),
        [layers.Conv2DTranspose],
    ),
    # padding that Keras has no word for
    "padding at the begin": lambda: (
        padding,
        chain(layers.ZeroPadding2D(((1, 0), (1, 0))), conv(2, 2)),
        [layers.ZeroPadding2D],
    ),
    "padding of same": lambda: (
        padding,
        chain(layers.ZeroPadding2D(1), conv(padding="same")),
        [layers.ZeroPadding2D],
    ),
    "padding, strides, open": lambda: (
        padding,
        chain(layers.ZeroPadding2D(1), conv(strides=2)),
        [layers.ZeroPadding2D],
        (None, None, 3),
    ),
    "padding, strides, even": lambda: (
        padding,
        chain(layers.ZeroPadding2D(1), conv(strides=2)),
        [layers.ZeroPadding2D],
        (4, 6, 3),
    ),
    # resizes
    "bilinear, 3x3": lambda: (
        nearest,
        chain(BilinearUpSampling2D(2), conv()),
        [BilinearUpSampling2D],
    ),
    "nearest by no whole factor": lambda: (
        nearest,
        chain(layers.Resizing(7, 9, interpolation="nearest"), conv()),
        [layers.Resizing],
    ),
    "nearest, corners": lambda: (
        nearest,
        chain(NearestUpSampling2D(2, coordinates="align_corners"), conv()),
        [NearestUpSampling2D],
    ),
    "1x1 of fewer channels, resize that shrinks": lambda: (
        pointwise,
        chain(conv(2, 1), layers.Resizing(3, 3)),
        [layers.Resizing],
    ),
    "activation, resize that shrinks": lambda: (
        pointwise,
        chain(conv(4, 1, activation="tanh"), layers.Resizing(3, 3)),
        [layers.Resizing],
    ),
    "3x3, resize that shrinks": lambda: (
        pointwise,
        chain(conv(4), layers.Resizing(2, 2)),
        [layers.Resizing],
    ),
    "branch of more filters": lambda: (branches, beside(up(), 4), [UP, layers.Concatenate]),
    "branch that shrinks": lambda: (
        branches,
        beside(layers.Resizing(2, 2), 2),
        [layers.Resizing, layers.Concatenate],
    ),
    "branch behind an activation": lambda: (
        branches,
        beside(conv(6, 1, activation="tanh"), 2),
        [CONV, layers.Concatenate],
    ),
    "branches, 3x3": lambda: (branches, beside(up(), 2, kernel=3), [UP, layers.Concatenate]),
    "sum that is no longer": lambda: (
        branches,
        chain(
            lambda x: layers.Add()(
                [up(interpolation="bilinear")(x), layers.Conv2DTranspose(3, 2, 2)(x)]
            ),
            conv(3, 1),
        ),
        [UP, layers.Add],
    ),
    "1x1 of more filters": lambda: (pointwise, chain(up(), conv(4, 1)), [UP]),
    "resize that shrinks": lambda: (
        pointwise,
        chain(layers.Resizing(3, 3), conv(2, 1)),
        [layers.Resizing],
    ),
    "antialias": lambda: (
        pointwise,
        chain(layers.Resizing(8, 8, antialias=True), conv(2, 1)),
        [layers.Resizing],
    ),
    "aspect ratio": lambda: (
        nearest,
        chain(layers.Resizing(10, 10, "nearest", crop_to_aspect_ratio=True), conv(2, 2)),
        [layers.Resizing],
    ),
    "aspect ratio, padded": lambda: (
        pointwise,
        chain(layers.Resizing(10, 10, pad_to_aspect_ratio=True, fill_value=0.5), conv(2, 1)),
        [layers.Resizing],
    ),
    "fusion by sum": lambda: (nearest, fusion("add"), [UP, SkipFusion2D]),
    "fusion by attention": lambda: (nearest, fusion("attention"), [UP, SkipFusion2D]),
    "fusion by scse": lambda: (nearest, fusion("scse"), [UP, SkipFusion2D]),
    "fusion that crops": lambda: (nearest, fusion("concat", cut=1), [UP, SkipFusion2D]),
    "fusion around the middle": lambda: (
        nearest,
        fusion("concat", "center_crop", cut=1),
        [UP, SkipFusion2D],
    ),
    # other layers than they look
    "subclass of Conv2D, norm": lambda: (fold, chain(Doubled(2, 3), norm()), [Doubled, NORM]),
    "subclass of Conv2D, nearest": lambda: (nearest, chain(up(), Doubled(2, 3)), [UP, Doubled]),
    "subclass of norm": lambda: (fold, chain(conv(), Shifted()), [CONV, Shifted]),
    "separable": lambda: (
        fold,
        chain(layers.SeparableConv2D(2, 3), norm()),
        [layers.SeparableConv2D, NORM],
    ),
    "lora, norm": lambda: (fold, chain(lora(conv(), *SHAPE), norm()), [CONV, NORM]),
    "lora, nearest": lambda: (nearest, chain(up(), lora(conv(), 10, 8, 3)), [UP, CONV]),
    "lora, dense": lambda: (fold, chain(lora(layers.Dense(4), 3), norm()), [layers.Dense, NORM]),
}


def check_stays(name: str) -> None:
    """Behind `ready_for_filtering`: nothing is applied, and all is equal beside other rules too."""
    rule, stack, kinds, *shape = STAYS[name]()
    model = model_of(stack, *(shape[0] if shape else SHAPE))
    lowered = check_untouched(model, *kinds, forms=FORMS, never=only(rule))
    assert rule.NAME not in {entry.rule for entry in lowered.applied}
    assert not names_of(lowered)
    check(model, forms=FORMS)
