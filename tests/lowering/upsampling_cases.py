"""Blocks that upsample, and their checks against the oracle."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import reference
from compare import assert_close
from keras import layers
from linear_cases import chain
from lowering_checks import (
    ACTIVATIONS,
    OF_RANGE,
    Case,
    Pair,
    answers,
    check,
    check_forms,
    convolved,
    feed_of,
    lower_by,
    model_of,
    names_of,
    noise,
    only,
    proposals,
    same_zeros,
    stirred,
    values,
    zeros_around,
)

from keras_upsample.layers import (
    AreaResize2D,
    NearestUpSampling2D,
    PixelShuffle2D,
    SkipFusion2D,
    SubpixelConv2D,
)
from keras_upsample.lowering import Lowered
from keras_upsample.lowering._rules import (
    _tiles,
    layout,
    minimal_filtering,
    nearest,
    shuffle,
    subpixel,
)

# Nearest upsampling


@dataclass(frozen=True)
class Nearest(Case):
    """Nearest -> [concatenation, or sum] -> convolution.

    `joined` is how the upsampled image is concatenated with the skips, `at` its place there. For
    "Conv2D" and "Dense", one skip goes through a linear layer of this kind and is added.
    """

    size: Pair = (3, 4)
    scale: Pair = (2, 2)
    kernel: Pair = (3, 3)
    padding: str = "same"
    bias: bool = True
    activation: Any = None
    channels: int = 2
    filters: int = 3
    by: str = "UpSampling2D"
    joined: str | None = None
    skips: tuple[int, ...] = (2,)
    at: int = 0
    open: bool = False

    def model(self) -> Any:
        size = (None, None) if self.open else self.size
        x = keras.Input((*size, self.channels), name="image")
        inputs, y = [x], self._up(x)
        if self.joined is not None:
            large = tuple(n if n is None else s * n for n, s in zip(size, self.scale, strict=True))
            skips = [keras.Input((*large, c), name=f"skip{i}") for i, c in enumerate(self.skips)]
            inputs += skips
            parts = [*skips[: self.at], y, *skips[self.at :]]
            if self.lateral:
                linear = {"Dense": layers.Dense, "Conv2D": partial(layers.Conv2D, kernel_size=1)}
                own = linear[self.joined](self.channels, use_bias=self.bias, name="lateral")
                parts[1 - self.at] = own(parts[1 - self.at])
                y = layers.Add(name="joined")(parts)
            elif self.joined == "SkipFusion2D":
                y = SkipFusion2D(align=None if self.open else "skip")(parts)
            elif self.joined == "ops":
                y = keras.ops.concatenate(parts, axis=-1)
            else:
                y = layers.Concatenate(name="joined")(parts)
        y = layers.Conv2D(
            self.filters,
            self.kernel,
            padding=self.padding,
            use_bias=self.bias,
            activation=self.activation,
            name="convolution",
        )(y)
        return stirred(keras.Model(inputs, y))

    def _up(self, x: Any) -> Any:
        if self.by == "ours":
            return NearestUpSampling2D(self.scale, name="up")(x)
        if self.by == "area":
            return AreaResize2D(self.scale, name="up")(x)
        large = tuple(s * n for n, s in zip(self.size, self.scale, strict=True))
        if self.by == "size":
            return NearestUpSampling2D(size=large, name="up")(x)
        if self.by == "ops":
            return keras.ops.image.resize(x, large, interpolation="nearest")
        if self.by == "Resizing":
            return layers.Resizing(*large, interpolation="nearest", name="up")(x)
        return layers.UpSampling2D(self.scale, name="up")(x)

    @property
    def lateral(self) -> bool:
        return self.joined in ("Conv2D", "Dense")

    def expected(self, model: Any, x: np.ndarray, *skips: np.ndarray) -> np.ndarray:
        layer = model.get_layer("convolution")
        large = tuple(s * n for n, s in zip(x.shape[1:3], self.scale, strict=True))
        y = reference.resize(x, "nearest", large, "asymmetric")
        if self.lateral:
            own = model.get_layer("lateral")
            added = skips[0] @ values(own.kernel).reshape(-1, self.channels)
            y = y + added + (values(own.bias) if self.bias else 0)
        elif self.joined is not None:
            y = np.concatenate([*skips[: self.at], y, *skips[self.at :]], axis=-1)
        y = convolved(
            y, values(layer.kernel), values(layer.bias), zeros_around(self.kernel, self.padding)
        )
        return ACTIVATIONS[self.activation](y)


NEAREST = [
    Nearest(),
    Nearest(padding="valid"),
    Nearest(bias=False, activation="relu"),
    Nearest(kernel=(2, 2)),
    Nearest(kernel=(4, 2), activation="tanh"),
    Nearest(kernel=(5, 5), size=(4, 3), padding="valid"),
    Nearest(scale=(3, 3), kernel=(3, 5)),
    Nearest(scale=(3, 3), kernel=(2, 3), padding="valid"),
    Nearest(scale=(4, 4), kernel=(3, 3), size=(2, 1)),
    Nearest(size=(1, 1), kernel=(5, 4), channels=1, filters=1),
    Nearest(size=(1, 4), kernel=(1, 3), channels=1),
    Nearest(scale=(2, 3)),
    Nearest(scale=(1, 2), kernel=(3, 3), bias=False),
    Nearest(activation="softmax"),
    Nearest(joined="Concatenate"),
    Nearest(joined="Concatenate", at=1, activation="relu"),
    Nearest(joined="Concatenate", at=1, skips=(1, 3), kernel=(2, 3), bias=False),
    Nearest(joined="Concatenate", at=2, skips=(2, 1), scale=(3, 3), padding="valid"),
    Nearest(joined="Concatenate", activation="softmax", size=(1, 3)),
    Nearest(joined="SkipFusion2D", skips=(3,), activation="tanh"),
    Nearest(joined="ops", skips=(1,), at=1, scale=(2, 3)),
    Nearest(joined="Conv2D"),
    Nearest(joined="Conv2D", at=1, activation="relu", kernel=(2, 4), skips=(1,)),
    Nearest(joined="Conv2D", scale=(3, 3), padding="valid", bias=False, skips=(3,)),
    Nearest(joined="Dense", size=(1, 3), scale=(2, 3), activation="softmax"),
    Nearest(joined="Dense", at=1, open=True, channels=3),
    Nearest(by="ours"),
    Nearest(by="size", scale=(3, 3)),
    Nearest(by="area", scale=(3, 3)),
    Nearest(by="ops"),
    Nearest(by="Resizing", joined="ops"),
    Nearest(open=True),
    Nearest(open=True, kernel=(4, 3), scale=(3, 3), padding="valid"),
    Nearest(open=True, joined="Concatenate", activation="relu"),
    Nearest(open=True, joined="SkipFusion2D", by="ours", kernel=(2, 2)),
]


def random_nearest(seed: int) -> Nearest:
    rng = np.random.default_rng(100 + seed)
    scale = int(rng.integers(2, 5))
    size = (int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    kernel = tuple(int(n) for n in rng.integers(1, 6, 2))
    large = [scale * n for n in size]
    fits = all(k <= n for k, n in zip(kernel, large, strict=True))
    return Nearest(
        size=size,
        scale=(scale, scale),
        kernel=kernel if kernel != (1, 1) else (1, 2),
        padding=str(rng.choice(["same", "valid"])) if fits else "same",
        bias=bool(rng.integers(2)),
        activation=[None, "relu", "tanh", "softmax"][rng.integers(4)],
        channels=int(rng.integers(1, 6)),
        filters=int(rng.integers(1, 6)),
        joined=[None, "Concatenate", "ops"][rng.integers(3)],
        skips=tuple(int(n) for n in rng.integers(1, 4, rng.integers(1, 3))),
        at=int(rng.integers(2)),
    )


def check_nearest(case: Nearest) -> set[str]:
    model = case.model()
    if not case.open:
        return check_forms(model, nearest, lambda *x: case.expected(model, *x))
    forms = set(proposals(model, nearest))
    for size in [(3, 4), (2, 1)]:
        large = tuple(s * n for n, s in zip(size, case.scale, strict=True))
        x = noise(2, *size, case.channels)
        skips = [noise(2, *large, c, seed=c) for c in case.skips if case.joined]
        for form in forms:
            lowered = lower_by(model, nearest, form)
            assert names_of(lowered) == [nearest.NAME], lowered
            (actual,) = answers(lowered.model, [x, *skips])
            assert_close(actual, case.expected(model, x, *skips), of_range=OF_RANGE)
    return forms


# Minimal filtering


@dataclass(frozen=True)
class Filtered(Case):
    """[Concatenation of `parts` channels ->] a convolution of 3x3 that keeps the size."""

    size: Pair = (4, 8)
    bias: bool = True
    activation: Any = None
    channels: int = 3
    filters: int = 2
    parts: tuple[int, ...] = ()

    def model(self) -> Any:
        layer = layers.Conv2D(
            self.filters,
            3,
            padding="same",
            use_bias=self.bias,
            activation=self.activation,
            name="convolution",
        )
        return joined(layer, *images(self.size, self.parts or (self.channels,)))


def images(size: Any, channels: tuple[int, ...]) -> list[Any]:
    """Inputs of the same size."""
    names = ["image", *(f"image{i}" for i in range(1, len(channels)))]
    return [keras.Input((*size, n), name=name) for n, name in zip(channels, names, strict=True)]


def joined(layer: Any, *inputs: Any) -> Any:
    """A layer of all inputs together."""
    y = inputs[0] if len(inputs) == 1 else layers.Concatenate(name="joined")(list(inputs))
    return stirred(keras.Model(list(inputs), layer(y)))


FILTERED = [
    *(Filtered((height, 3)) for height in (3, 4, 5, 7, 8, 9, 13)),
    *(Filtered((5, width)) for width in (1, 4, 6)),
    Filtered((5, 1), bias=False, activation="relu"),
    Filtered((6, 5), activation="softmax"),
    Filtered((4, 4), channels=1, filters=1, activation="tanh"),
    Filtered((35, 7), bias=False, channels=5, filters=4),
    Filtered((7, 5), parts=(2, 3)),
    Filtered((9, 3), parts=(1, 3, 2), activation="softmax"),
    Filtered((4, 1), parts=(2, 2), bias=False, activation="relu"),
]


def ready_for_filtering(monkeypatch: Any) -> None:
    """Few channels are enough, and depthwise convolutions have strides of two lengths.

    TensorFlow has no such kernel for the CPU; the runtimes that the rule is for have one.
    """
    own = layers.DepthwiseConv2D.call

    def call(layer: Any, inputs: Any) -> Any:
        rows, columns = layer.strides
        if rows == columns:
            return own(layer, inputs)
        if layer.padding == "same":
            pads = [
                same_zeros(n, k, s)
                for n, k, s in zip(
                    inputs.shape[1:3], layer.kernel.shape, layer.strides, strict=False
                )
            ]
            inputs = keras.ops.pad(inputs, [(0, 0), *pads, (0, 0)])
        y = keras.ops.depthwise_conv(inputs, layer.kernel)
        return y[:, ::rows, ::columns]

    monkeypatch.setattr(layers.DepthwiseConv2D, "call", call)
    ready_for_tiles(monkeypatch)


def ready_for_tiles(monkeypatch: Any) -> None:
    """Few channels are enough."""
    monkeypatch.setattr(minimal_filtering, "MIN_CHANNELS", 1)
    monkeypatch.setattr(_tiles, "_MIN_CHANNELS", 1)


def check_filtering(case: Filtered) -> set[str]:
    """Behind `ready_for_filtering`."""
    return check_convolution(case.model(), minimal_filtering)


def check_convolution(model: Any, rule: Any) -> set[str]:
    """Every form of a convolution, padding "same", of all inputs together."""
    layer = model.get_layer("convolution")

    def expected(*parts: np.ndarray) -> np.ndarray:
        x = np.concatenate(parts, axis=-1)
        kernel, strides = values(layer.kernel), layer.strides
        if max(layer.dilation_rate) > 1:
            kernel = dilated(kernel, layer.dilation_rate)
        pads = [
            same_zeros(n, k, s)
            for n, k, s in zip(x.shape[1:3], kernel.shape, strides, strict=False)
        ]
        y = convolved(x, kernel, values(layer.bias), tuple(pads), strides)
        return ACTIVATIONS[ACTIVATION_NAMES[layer.activation]](y)

    return check_forms(model, rule, expected)


ACTIVATION_NAMES = {
    keras.activations.linear: None,
    keras.activations.relu: "relu",
    keras.activations.tanh: "tanh",
    keras.activations.softmax: "softmax",
}


def dilated(kernel: np.ndarray, rate: Pair) -> np.ndarray:
    """With zeros between the taps."""
    rows, columns = (r * (k - 1) + 1 for r, k in zip(rate, kernel.shape, strict=False))
    wide = np.zeros((rows, columns, *kernel.shape[2:]))
    wide[:: rate[0], :: rate[1]] = kernel
    return wide


# Convolutions of concatenations


@dataclass(frozen=True)
class Joined(Case):
    """A concatenation, and a convolution that minimal filtering has no forms for."""

    parts: tuple[int, ...] = (2, 1)
    kernel: Pair = (1, 1)
    strides: int = 1
    dilation: int = 1
    bias: bool = True
    activation: Any = None
    size: Pair = (6, 5)
    open: bool = False

    def model(self) -> Any:
        layer = layers.Conv2D(
            3,
            self.kernel,
            strides=self.strides,
            dilation_rate=self.dilation,
            padding="same",
            use_bias=self.bias,
            activation=self.activation,
            name="convolution",
        )
        size = (None, None) if self.open else self.size
        return joined(layer, *images(size, self.parts))


JOINED = [
    Joined(),
    Joined(parts=(1, 3, 2), activation="relu"),
    Joined(kernel=(3, 3), bias=False),
    Joined(kernel=(2, 5), size=(4, 7), activation="softmax"),
    Joined(kernel=(3, 3), strides=2, parts=(2, 2)),
    Joined(kernel=(3, 2), dilation=2),
    Joined(kernel=(5, 3), size=(1, 1), parts=(1, 1)),
    Joined(kernel=(3, 3), open=True),
]


def check_layout(interpolation: str = "bilinear", *between: Any) -> set[str]:
    """A resize of a map that a reshape made."""
    up = layers.UpSampling2D(2, interpolation=interpolation)
    return check_forms(model_of(chain(layers.Reshape((6, 5, 2)), *between, up), 3, 10, 2), layout)


# Sub-pixel convolution and shuffle


@dataclass(frozen=True)
class Subpixel(Case):
    scale: int = 2
    kernel: Pair = (3, 3)
    order: str = "dcr"
    bias: bool = True
    activation: Any = None
    filters: int = 2
    size: tuple[int | None, int | None] = (3, 4)
    blur: bool = False


SUBPIXEL = [
    Subpixel(),
    Subpixel(order="crd"),
    Subpixel(3, (2, 4), "crd", filters=3, size=(1, 5)),
    Subpixel(3, (1, 1), "crd", bias=False, activation="relu"),
    Subpixel(2, (5, 2), "dcr", activation="tanh", filters=1, size=(2, 1)),
    Subpixel(order="crd", activation="softmax", filters=3),
    Subpixel(activation="softmax"),
    Subpixel(order="crd", kernel=(3, 2), size=(None, None)),
    Subpixel(scale=1),
    Subpixel(blur=True),
    Subpixel(3, order="crd", activation="relu", blur=True, size=(None, None)),
    Subpixel(activation="softmax", blur=True, bias=False),
]


def check_subpixel(case: Subpixel) -> Lowered:
    layer = SubpixelConv2D(
        case.filters,
        case.scale,
        case.kernel,
        order=case.order,
        use_bias=case.bias,
        activation=case.activation,
        blur=case.blur,
    )
    model = model_of(layer, *case.size, 3)
    lowered = check(model, subpixel, never=only(subpixel), sizes=[(3, 4), (1, 2)])
    for size in [(3, 4), (1, 2)]:
        (x,) = feed_of(model, size=size)
        pads = zeros_around(case.kernel, "same")
        y = convolved(x, values(layer.kernel), values(layer.bias), pads)
        y = reference.pixel_shuffle(y, case.scale, case.order)
        y = reference.checkerboard_blur(y, case.scale) if case.blur else y
        y = ACTIVATIONS[case.activation](y)
        assert_close(answers(lowered.model, [x])[0], y, of_range=OF_RANGE)
    return lowered


SHUFFLE = [
    (scale, filters, order, size)
    for scale, filters, size in [(2, 3, (3, 4)), (3, 2, (1, 5)), (4, 1, (2, 1)), (2, 2, None)]
    for order in ("dcr", "crd")
]


def check_shuffle(case: tuple[int, int, str, Pair | None]) -> set[str]:
    scale, filters, order, size = case
    layer = PixelShuffle2D(scale, order)
    model = model_of(layer, *(size or (None, None)), filters * scale**2)
    return check_forms(
        model, shuffle, lambda x: reference.pixel_shuffle(x, scale, order), sizes=[(3, 4), (1, 2)]
    )


def check_shuffle_behind(
    scale: int, order: str, activation: str | None, use_bias: bool = True
) -> set[str]:
    """A shuffle of what a convolution of odd strides makes."""
    layer = layers.Conv2D(
        3 * scale**2, (3, 2), strides=2, padding="same", activation=activation, use_bias=use_bias
    )
    model = model_of(chain(layer, PixelShuffle2D(scale, order)), 5, 7, 2)

    def expected(x: np.ndarray) -> np.ndarray:
        kernel = values(layer.kernel)
        pads = [same_zeros(n, k, 2) for n, k in zip(x.shape[1:3], kernel.shape, strict=False)]
        y = convolved(x, kernel, values(layer.bias), tuple(pads), (2, 2))
        return reference.pixel_shuffle(ACTIVATIONS[activation](y), scale, order)

    return check_forms(model, shuffle, expected)
