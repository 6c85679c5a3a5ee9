"""Blocks of linear layers, padding and resizes, and their checks against the model itself."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import reference
from keras import layers
from lowering_checks import (
    Pair,
    check,
    check_forms,
    count,
    lower_by,
    model_of,
    only,
    same_zeros,
)

from keras_upsample.layers import (
    AreaResize2D,
    BicubicUpSampling2D,
    BilinearUpSampling2D,
    LanczosUpSampling2D,
    NearestUpSampling2D,
    ResizeLike2D,
    TransposedConv2D,
)
from keras_upsample.lowering import Lowered
from keras_upsample.lowering._rules import (
    branches,
    fold,
    merge,
    padding,
    pointwise,
    resize_like,
)

Shape = tuple[int | None, ...]
Stack = list[Any]
SHAPE: Shape = (5, 7, 3)
OPEN: Shape = (None, None, 3)


def chain(*stack: Any) -> Callable[[Any], Any]:
    def build(x: Any) -> Any:
        for layer in stack:
            x = layer(x)
        return x

    return build


def conv(filters: int = 3, kernel: Any = 3, **options: Any) -> Any:
    return layers.Conv2D(filters, kernel, **options)


def norm(**options: Any) -> Any:
    return layers.BatchNormalization(**options)


def block(filters: int = 3, shape: Shape = SHAPE, name: str | None = None) -> Any:
    """A model to nest."""
    x = keras.Input(shape)
    return keras.Model(x, norm()(conv(filters, padding="same")(x)), name=name)


def scaled(scale: Any = 1 / 3, offset: Any = 0.0) -> Any:
    return layers.Rescaling(scale, offset)


# name -> (layers, shape of the input); functions, for a layer belongs to one model
FOLD: dict[str, tuple[Callable[[], Stack], Shape]] = {
    "same": (lambda: [conv(padding="same"), norm()], (5, 7, 3)),
    "valid, no bias": (lambda: [conv(kernel=(2, 4), use_bias=False), norm()], (5, 7, 3)),
    "strides": (lambda: [conv(4, strides=2, padding="same"), norm()], (5, 7, 2)),
    "strides, open": (lambda: [conv(4, strides=(2, 3), padding="same"), norm()], OPEN),
    "even, open": (lambda: [conv(2, (2, 4), padding="same"), norm()], OPEN),
    "dilation": (lambda: [conv(dilation_rate=(2, 1), padding="same"), norm()], (4, 5, 1)),
    "one pixel": (lambda: [conv(1, padding="same"), norm()], (1, 1, 1)),
    "no gamma": (lambda: [conv(kernel=1), norm(scale=False, epsilon=0.3)], (1, 4, 2)),
    "no beta": (lambda: [conv(kernel=1), norm(center=False)], (4, 1, 2)),
    "no either": (lambda: [conv(2), norm(center=False, scale=False, axis=3)], (3, 4, 2)),
    "twice": (lambda: [conv(2), norm(), norm()], (3, 4, 2)),
    "activation behind": (lambda: [conv(2), norm(), layers.ReLU()], (3, 4, 2)),
    "depthwise": (
        lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), norm()],
        (5, 4, 3),
    ),
    "depthwise, strides": (
        lambda: [layers.DepthwiseConv2D((3, 2), strides=2, use_bias=False), norm()],
        (5, 7, 2),
    ),
    "transposed": (
        lambda: [layers.Conv2DTranspose(2, 3, 2, padding="same"), norm()],
        (3, 4, 3),
    ),
    "transposed, valid": (
        lambda: [layers.Conv2DTranspose(3, (2, 5), (3, 2), use_bias=False), norm()],
        OPEN,
    ),
    "transposed of ours": (
        lambda: [TransposedConv2D(2, 2, 5, padding=1, output_padding=(0, 1)), norm()],
        (3, 2, 3),
    ),
    "dense": (lambda: [layers.Dense(4), norm()], (5,)),
    "dense, no bias": (lambda: [layers.Dense(2, use_bias=False), norm()], (3, 4, 5)),
    "rescaled behind": (lambda: [conv(), scaled(0.3, -2)], (4, 4, 1)),
    "rescaled by channel": (lambda: [conv(2), scaled([0.3, 2], [1, -1])], (4, 4, 1)),
    "rescaled before": (lambda: [scaled(), conv(padding="same")], (5, 7, 3)),
    "shifted before": (lambda: [scaled(1 / 127.5, -1), conv(use_bias=False)], (5, 4, 3)),
    "shifted before, 1x1": (lambda: [scaled(2, [1, 2]), conv(kernel=1, padding="same")], (2, 3, 2)),
    "padded in between": (
        lambda: [scaled(), layers.ZeroPadding2D(((0, 1), (2, 1))), conv(strides=2)],
        (5, 4, 3),
    ),
    "normalised before": (lambda: [norm(), conv(4, (2, 3), activation="tanh")], (5, 4, 3)),
    "normalised before, strides": (lambda: [norm(), conv(strides=(2, 1))], OPEN),
    "normalised before depthwise": (
        lambda: [norm(), layers.DepthwiseConv2D((2, 3), depth_multiplier=3)],
        (5, 4, 2),
    ),
    "on both sides": (lambda: [norm(), conv(use_bias=False), norm(), layers.ReLU()], (4, 4, 2)),
}


def check_fold(name: str) -> Lowered:
    stack, shape = FOLD[name]
    model = model_of(chain(*stack()), *shape)
    lowered = check(model, fold, never=only(fold), sizes=[(5, 7), (4, 6)])
    assert not count(lowered.model, layers.BatchNormalization)
    assert not count(lowered.model, layers.Rescaling)
    return lowered


# (kernel, strides, dilation, size), the padding that "same" stands for there follows
PADDED = [
    ((3, 3), (1, 1), (1, 1), (5, 7)),
    ((2, 4), (1, 1), (1, 1), (1, 4)),
    ((5, 2), (1, 1), (1, 1), (2, 1)),
    ((3, 3), (2, 2), (1, 1), (5, 7)),
    ((3, 3), (2, 2), (1, 1), (4, 6)),
    ((3, 4), (2, 2), (1, 1), (5, 6)),
    ((7, 5), (2, 3), (1, 1), (5, 7)),
    ((3, 2), (1, 1), (2, 3), (5, 4)),
    ((3, 5), (1, 1), (1, 1), None),
    ((2, 3), (1, 1), (3, 2), None),
]


def check_padding(case: tuple[Pair, Pair, Pair, Pair | None], depthwise: bool = False) -> Lowered:
    kernel, strides, dilation, size = case
    pads = tuple(
        same_zeros(n, k, s, d)
        for n, k, s, d in zip(size or (99, 99), kernel, strides, dilation, strict=True)
    )
    options: dict[str, Any] = {"strides": strides, "dilation_rate": dilation, "activation": "tanh"}
    layer = layers.DepthwiseConv2D(kernel, **options) if depthwise else conv(2, kernel, **options)
    model = model_of(chain(layers.ZeroPadding2D(pads), layer), *(size or (None, None)), 2)
    lowered = check(model, padding, never=only(padding), sizes=[(5, 7), (1, 3)])
    assert not count(lowered.model, layers.ZeroPadding2D)
    return lowered


# first, second, channels of the input
MERGE: dict[str, tuple[Callable[[], Stack], Shape]] = {
    "1x1 behind": (lambda: [conv(4, padding="same"), conv(2, 1)], (5, 7, 2)),
    "1x1 behind, strides": (
        lambda: [conv(5, (2, 4), strides=(2, 1), padding="same"), conv(2, 1, activation="relu")],
        (5, 7, 3),
    ),
    "1x1 behind, open": (
        lambda: [conv(4, strides=2, padding="same", use_bias=False), conv(1, 1)],
        OPEN,
    ),
    "1x1 behind, dilation": (
        lambda: [conv(4, dilation_rate=2), conv(3, 1, padding="same", use_bias=False)],
        (5, 7, 2),
    ),
    "1x1 before": (lambda: [conv(4, 1), conv(2, (3, 2), activation="tanh")], (5, 4, 2)),
    "1x1 before, no bias": (
        lambda: [conv(4, 1, use_bias=False), conv(2, 3, padding="same", strides=2)],
        (5, 1, 2),
    ),
    "1x1 before, neither bias": (
        lambda: [conv(3, 1, use_bias=False), conv(3, 2, padding="same", use_bias=False)],
        (1, 1, 1),
    ),
    "1x1 twice": (lambda: [conv(5, 1), conv(2, 1, activation="softmax")], (4, 3, 3)),
    "dense before": (lambda: [layers.Dense(5), conv(2, (3, 2), activation="tanh")], (5, 4, 3)),
    "dense before 1x1, open": (lambda: [layers.Dense(4, use_bias=False), conv(2, 1)], OPEN),
    "three": (lambda: [conv(5, 1), conv(5, 3), conv(2, 1)], (4, 3, 3)),
}


def check_merge(name: str) -> Lowered:
    stack, shape = MERGE[name]
    model = model_of(chain(*stack()), *shape)
    lowered = check(model, merge, never=only(merge), sizes=[(5, 7), (3, 4)])
    assert count(lowered.model, layers.Conv2D) == 1
    assert not count(lowered.model, layers.Dense)
    return lowered


def bicubic_of_torch() -> Any:
    return BicubicUpSampling2D(2, coefficient=-0.75, border="clamp", coordinates="align_corners")


RESIZES: dict[str, tuple[Callable[[], Any], Shape]] = {
    "nearest": (lambda: layers.UpSampling2D(2), (3, 4)),
    "nearest, open": (lambda: layers.UpSampling2D((3, 2)), (None, None)),
    "bilinear": (lambda: layers.UpSampling2D((2, 3), interpolation="bilinear"), (3, 1)),
    "bicubic": (lambda: layers.UpSampling2D(2, interpolation="bicubic"), (3, 4)),
    "nearest of ours": (lambda: NearestUpSampling2D((1, 3)), (3, 4)),
    "nearest of ours, corners": (
        lambda: NearestUpSampling2D(size=(5, 7), coordinates="align_corners"),
        (3, 4),
    ),
    "nearest of ours, odd": (lambda: NearestUpSampling2D(size=(5, 7)), (3, 4)),
    "bilinear of ours": (lambda: BilinearUpSampling2D(3), (1, 1)),
    "bilinear of ours, open": (lambda: BilinearUpSampling2D(2), (None, None)),
    "bilinear of ours, corners": (
        lambda: BilinearUpSampling2D(size=(7, 5), coordinates="align_corners"),
        (4, 5),
    ),
    "bicubic of ours": (bicubic_of_torch, (4, 3)),
    "lanczos of ours": (lambda: LanczosUpSampling2D(2), (5, 4)),
    "area of ours": (lambda: AreaResize2D(size=(5, 4)), (3, 4)),
    "Resizing": (lambda: layers.Resizing(7, 5, interpolation="bilinear"), (3, 5)),
    "Resizing, bicubic": (lambda: layers.Resizing(7, 5, interpolation="bicubic"), (3, 5)),
    "ops": (lambda: lambda x: keras.ops.image.resize(x, (6, 8)), (3, 4)),
}


def check_pointwise(name: str, **options: Any) -> Lowered:
    resize, size = RESIZES[name]
    model = model_of(chain(resize(), conv(2, 1, name="reduced", **options)), *size, 3)
    lowered = check(model, pointwise, never=only(pointwise), sizes=[(3, 4), (1, 2)])
    assert lowered.model.get_layer("reduced").output.shape[1:3] == size
    return lowered


# makes more channels than it reads, the resize behind, size of the image
SHRINKING: dict[str, tuple[Callable[[], Any], Callable[[], Any], Pair]] = {
    "1x1": (lambda: conv(4, 1), lambda: layers.Resizing(3, 4), (5, 7)),
    "dense": (lambda: layers.Dense(3), lambda: BilinearUpSampling2D(size=(1, 4)), (3, 5)),
    "bicubic": (
        lambda: conv(5, 1, use_bias=False),
        lambda: BicubicUpSampling2D(size=(4, 3)),
        (6, 7),
    ),
}


def check_shrinking(name: str) -> Lowered:
    wide, resize, size = SHRINKING[name]
    model = model_of(chain(wide(), resize()), *size, 3)
    lowered = check(model, pointwise, never=only(pointwise))
    resized, made = lowered.model.layers[-2:]
    assert resized.output.shape[3] == 3
    assert type(made) in (layers.Conv2D, layers.Dense)
    return lowered


# size before, size of the reference
LIKE: list[tuple[Pair, Pair]] = [
    ((3, 4), (6, 12)),
    ((3, 4), (5, 9)),
    ((1, 5), (4, 5)),
    ((7, 6), (3, 3)),
    ((4, 3), (4, 3)),
]


def check_resize_like(case: tuple[Pair, Pair], interpolation: str, coordinates: str) -> Lowered:
    before, after = case
    x, other = keras.Input((*before, 2), name="image"), keras.Input((*after, 1), name="other")
    y = ResizeLike2D(interpolation, coordinates=coordinates)([x, other])
    model = keras.Model([x, other], [layers.Activation("tanh")(y), layers.ReLU()(other)])

    def expected(image: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.tanh(reference.resize(image, interpolation, after, coordinates))

    assert check_forms(model, resize_like, expected) == {"resize"}
    lowered = lower_by(model, resize_like, "resize")
    assert not count(lowered.model, ResizeLike2D)
    return lowered


def joined(by: Any, *makers: Callable[[Any], Any], **options: Any) -> Callable[[Any], Any]:
    """Several maps of one, concatenated or added, and a 1x1 convolution of them."""

    def build(x: Any) -> Any:
        return conv(2, 1, name="reduced", **options)(by()([make(x) for make in makers]))

    return build


def wide(*stack: Any) -> Callable[[Any], Any]:
    """Three maps, then whatever follows."""
    return chain(conv(3, (2, 3), padding="same", activation="tanh"), *stack)


def up(*size: int) -> Any:
    return BilinearUpSampling2D(size=size)


# name -> (function of layers, shape of the input, convolutions at the end)
BRANCHES: dict[str, tuple[Callable[[], Callable[[Any], Any]], Shape, int]] = {
    "resized last": (
        lambda: joined(layers.Concatenate, wide(up(7, 9)), wide(layers.Resizing(7, 9), plain())),
        (3, 4, 2),
        2,
    ),
    "resized in the middle": (
        lambda: joined(
            layers.Concatenate,
            wide(layers.ZeroPadding2D(((2, 0), (1, 2)))),
            wide(
                layers.UpSampling2D((2, 3), interpolation="bicubic"),
                layers.Cropping2D(((0, 1), (2, 3))),
            ),
            wide(up(5, 7)),
            wide(layers.ZeroPadding2D(((0, 2), (3, 0)))),
            activation="softmax",
        ),
        (3, 4, 2),
        2,
    ),
    "all resized": (
        lambda: joined(
            layers.Concatenate,
            wide(layers.AveragePooling2D(2), up(6, 7)),
            wide(layers.UpSampling2D(2), layers.Cropping2D(((2, 2), (3, 4))), up(6, 7)),
            use_bias=False,
        ),
        (4, 5, 2),
        2,
    ),
    "dense": (
        lambda: joined(layers.Concatenate, layers.Dense(4), wide(), activation="relu"),
        (4, 5, 2),
        2,
    ),
    "1x1, and another": (
        lambda: joined(layers.Concatenate, wide(), conv(5, 1), conv(1, 1), conv(6, 1)),
        (1, 3, 2),
        3,
    ),
    "open": (
        lambda: joined(
            layers.Concatenate,
            chain(conv(3, 2, strides=2), layers.UpSampling2D(2, interpolation="bilinear")),
            wide(),
        ),
        OPEN,
        2,
    ),
    "sum": (
        lambda: joined(
            layers.Add,
            deep(up(8, 9)),
            deep(layers.ZeroPadding2D(((3, 2), (1, 4)))),
            activation="tanh",
        ),
        (3, 4, 2),
        2,
    ),
    "sum of three": (
        lambda: joined(
            layers.Add,
            deep(up(8, 9)),
            deep(up(4, 5), plain(), up(8, 9)),
            deep(layers.UpSampling2D((1, 2), interpolation="bilinear"), plain(), up(8, 9)),
        ),
        (3, 4, 2),
        3,
    ),
}


def deep(*stack: Any) -> Callable[[Any], Any]:
    """Many maps, then whatever follows."""
    return chain(conv(16, (2, 3), padding="same", activation="tanh"), *stack)


def plain() -> Any:
    """Nothing that a rule knows to move."""
    return layers.Activation("tanh")


def check_branches(name: str) -> Lowered:
    stack, shape, convolutions = BRANCHES[name]
    model = model_of(stack(), *shape)
    sizes = [(6, 8), (2, 4)] if shape == OPEN else [(5, 7)]
    lowered = check(model, branches, never=only(branches), sizes=sizes)
    made = [layer for layer in lowered.model.layers if layer.name.startswith("reduced_part")]
    assert sum(type(layer) is layers.Conv2D for layer in made) == convolutions
    return lowered


def random_stack(seed: int) -> tuple[Stack, Shape]:
    """Layers in any order, some beside those that they can be joined with."""
    rng = np.random.default_rng(300 + seed)

    def whole(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    def convolution(kind: str) -> Any:
        options: dict[str, Any] = {
            "padding": str(rng.choice(["same", "valid"])),
            "use_bias": bool(whole(0, 1)),
            "activation": [None, None, "tanh"][whole(0, 2)],
        }
        kernel = whole(1, 3), whole(1, 3)
        if kind == "1x1":
            return conv(whole(1, 2), 1, **options)
        if kind == "transposed":
            return layers.Conv2DTranspose(whole(1, 3), kernel, whole(1, 2), **options)
        options["strides"] = whole(1, 2)
        if kind == "depthwise":
            return layers.DepthwiseConv2D(kernel, **options)
        return conv(whole(1, 4), kernel, **options)

    def pads() -> Any:
        return layers.ZeroPadding2D(((whole(0, 1), 1), (whole(0, 2), 1)))

    def resize() -> Any:
        return layers.UpSampling2D(2, interpolation=str(rng.choice(["nearest", "bilinear"])))

    blocks: list[Callable[[], Stack]] = [
        lambda: [convolution("any"), norm()],
        lambda: [convolution("transposed"), norm()],
        lambda: [convolution("depthwise"), norm()],
        lambda: [norm(), convolution("any")],
        lambda: [convolution("any"), convolution("1x1")],
        lambda: [pads(), convolution("any")],
        lambda: [layers.ZeroPadding2D(1), conv(whole(1, 3), 3)],
        lambda: [resize(), convolution("1x1")],
        lambda: [resize(), conv(whole(1, 3), (whole(1, 3), 2), padding="same")],
        lambda: [layers.Dropout(0.5), scaled(float(rng.uniform(0.3, 2)), whole(0, 1))],
    ]
    stack = [layer for _ in range(3) for layer in blocks[whole(0, len(blocks) - 1)]()]
    return stack, (whole(9, 12), whole(9, 12), whole(1, 3))
