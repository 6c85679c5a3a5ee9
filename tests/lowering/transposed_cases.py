"""Transposed convolutions, and their checks against the oracle."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import reference
from keras import layers
from lowering_checks import (
    ACTIVATIONS,
    Case,
    Pair,
    check_forms,
    model_of,
    values,
)

from keras_upsample.layers import (
    TransposedConv2D,
)
from keras_upsample.lowering._rules import (
    deconvolution,
    transposed,
)


@dataclass(frozen=True)
class Geometry(Case):
    """A transposed convolution; `padding` a word for Keras' layer, numbers or None for ours."""

    kernel: Pair = (3, 3)
    scale: Pair = (2, 2)
    padding: Any = "same"
    output_padding: Any = None
    size: Pair = (3, 4)
    bias: bool = True
    activation: Any = None
    channels: int = 2
    filters: int = 3
    open: bool = False

    def layer(self, **options: Any) -> Any:
        shared: dict[str, Any] = {
            "use_bias": self.bias,
            "activation": self.activation,
            "name": "deconvolution",
            **options,
        }
        if isinstance(self.padding, str):
            return layers.Conv2DTranspose(
                self.filters, self.kernel, self.scale, padding=self.padding, **shared
            )
        return TransposedConv2D(
            self.filters,
            self.scale,
            self.kernel,
            padding=self.padding,
            output_padding=self.output_padding,
            **shared,
        )

    def model(self, **options: Any) -> Any:
        size = (None, None) if self.open else self.size
        return model_of(self.layer(**options), *size, self.channels)

    def crop(self) -> tuple[Pair, Pair]:
        """Pixels taken off the full result, which is s (n - 1) + k long."""
        found = []
        for axis, (k, s) in enumerate(zip(self.kernel, self.scale, strict=True)):
            if self.padding == "valid":
                found.append((0, -max(s - k, 0)))  # s (n - 1) + max(k, s)
            elif self.padding in ("same", None):  # s n: half of what is too much, rounded down
                begin = max(k - s, 0) // 2
                found.append((begin, k - s - begin))
            else:
                begin = self.padding[axis]
                found.append((begin, begin - (self.output_padding or (0, 0))[axis]))
        return found[0], found[1]

    def expected(self, layer: Any, x: np.ndarray) -> np.ndarray:
        y = reference.transposed_conv(
            x.astype("float64"), values(layer.kernel), self.scale, self.crop(), values(layer.bias)
        )
        return ACTIVATIONS[self.activation](y)


TRANSPOSED = [
    *(
        Geometry((k, k), (s, s), padding, size=size)
        for (k, s), size in {
            (2, 2): (3, 4),
            (3, 2): (5, 1),
            (4, 2): (1, 3),
            (5, 2): (2, 3),
            (3, 3): (1, 1),
            (5, 3): (2, 3),
            (1, 2): (3, 2),
            (2, 4): (2, 2),
        }.items()
        for padding in ("same", "valid")
    ),
    Geometry((2, 3), (2, 2), "same", bias=False, activation="relu"),
    Geometry((5, 2), (2, 2), "valid", activation="softmax"),
    Geometry((4, 4), activation="softmax", filters=2),
    Geometry((2, 2), padding=None, activation="tanh", channels=1, filters=1),
    Geometry((3, 5), padding=None, bias=False),
    Geometry((7, 4), (3, 3), None),
    Geometry((3, 3), padding=(1, 1), output_padding=(1, 1)),
    Geometry((3, 3), padding=(1, 0), output_padding=(0, 1)),
    Geometry((4, 4), padding=(1, 1)),
    Geometry((4, 5), padding=(0, 2), output_padding=(1, 0)),
    Geometry((5, 5), (3, 3), (2, 2), (2, 1)),
    Geometry((2, 2), (3, 3), (0, 0), (2, 0), activation="relu"),
    Geometry((6, 6), (4, 4), (3, 1), (2, 3), size=(2, 2)),
    Geometry((3, 4), open=True),
    Geometry((2, 2), padding="valid", open=True, activation="softmax"),
    Geometry((5, 5), padding=(2, 1), output_padding=(1, 0), open=True),
]


def random_transposed(seed: int) -> Geometry:
    rng = np.random.default_rng(200 + seed)
    scale = int(rng.integers(2, 5))
    kernel = tuple(int(n) for n in rng.integers(1, 7, 2))
    padding: Any = str(rng.choice(["same", "valid"]))
    output_padding = None
    if rng.integers(2):
        # a begin that leaves a pixel of the smallest image
        padding = tuple(int(rng.integers(0, (k + 1) // 2)) for k in kernel)
        output_padding = tuple(int(n) for n in rng.integers(0, scale, 2))
    return Geometry(
        kernel,
        (scale, scale),
        padding,
        output_padding,
        size=(int(rng.integers(1, 5)), int(rng.integers(1, 5))),
        bias=bool(rng.integers(2)),
        activation=[None, "relu", "tanh", "softmax"][rng.integers(4)],
        channels=int(rng.integers(1, 6)),
        filters=int(rng.integers(1, 6)),
    )


def check_transposed(case: Geometry) -> set[str]:
    model = case.model()
    layer = model.get_layer("deconvolution")
    return check_forms(
        model,
        transposed,
        lambda x: case.expected(layer, x),
        sizes=[(3, 4), (1, 2)] if case.open else [case.size],
    )


# Fixed bilinear deconvolution


DECONVOLUTION = [
    Geometry((4, 4), (2, 2), None),
    Geometry((4, 4), (2, 2), "same", size=(1, 5)),
    Geometry((4, 4), (2, 2), "valid"),
    Geometry((5, 5), (3, 3), None, size=(2, 1)),
    Geometry((5, 5), (3, 3), "same", bias=False),
    Geometry((8, 8), (4, 4), None, size=(2, 3)),
    Geometry((16, 16), (8, 8), "valid", size=(1, 2), bias=False),
    Geometry((4, 5), (2, 3), None),
    Geometry((4, 1), (2, 1), None),
    Geometry((4, 4), (2, 2), (1, 0), (1, 0)),
    Geometry((4, 8), (2, 4), (2, 1), (0, 3)),
    Geometry((4, 4), (2, 2), "valid", open=True),
]


def check_deconvolution(case: Geometry, channels: int = 3) -> set[str]:
    """FCN's weights: channel by channel, without a bias or with zeros."""
    case = replace(case, channels=channels, filters=channels)
    model = case.model()
    layer = model.get_layer("deconvolution")
    kernel = np.zeros(layer.kernel.shape)
    for a in range(case.kernel[0]):
        for b in range(case.kernel[1]):
            weight = 1.0
            for k, i in zip(case.kernel, (a, b), strict=True):
                weight *= 1 - abs(i - (k - 1) / 2) / ((k + 1) // 2)
            for c in range(channels):
                kernel[a, b, c, c] = weight
    layer.kernel.assign(kernel)
    if layer.bias is not None:
        layer.bias.assign(np.zeros(channels))
    sizes = [(3, 4), (1, 2)] if case.open else [case.size]
    return check_forms(model, deconvolution, lambda x: case.expected(layer, x), sizes)
