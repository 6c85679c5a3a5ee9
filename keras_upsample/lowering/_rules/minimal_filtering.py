"""A 3x3 convolution by fewer multiplications, along the width (Winograd's minimal filtering).

Along one axis, m outputs of a filter of 3 taps are products of polynomials modulo others, and need
m + 2 multiplications where the definition has 3 m:

    y = A^T [(G k) . (B^T d)],   d the m + 2 inputs, k the taps, . by element.

For m = 2, with the points 0, 1, -1 and infinity,

    B^T d = (d0 - d2, d1 + d2, d2 - d1, d1 - d3),
    G k   = (k0, (k0 + k1 + k2) / 2, (k0 - k1 + k2) / 2, k2),
    y0 = p0 + p1 + p2,   y1 = p1 - p2 - p3,

and for m = 4 with 0, 1, -1, 2, -2 and infinity; a test checks both against the definition. B^T d is
a depthwise convolution of stride m, the product by element a convolution of the rows (3x1) over all
channels, on maps of a width of 1 / m; A^T p is a handful of additions, and the m results are put
side by side as channels. So the multiply-adds fall to 2/3 for m = 2 and to 1/2 for m = 4, for a few
passes over the map that the channels share: it pays where these are many.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1.
"""

from typing import Any

import numpy as np

from ...export.targets import FILTERING
from .._activations import by_pixel
from .._emit import Emitter
from .._graph import Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import Convolution, convolution_of

NAME = FILTERING

# Filters (m + 2, 3) and inputs (m + 2, m + 2), by m.
G = {
    2: np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    4: np.array(
        [
            [1 / 4, 0, 0],
            [-1 / 6, -1 / 6, -1 / 6],
            [-1 / 6, 1 / 6, -1 / 6],
            [1 / 24, 1 / 12, 1 / 6],
            [1 / 24, -1 / 12, 1 / 6],
            [0, 0, 1],
        ]
    ),
}
B = {
    2: np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], "float64"),
    4: np.array(
        [
            [4, 0, -5, 0, 1, 0],
            [0, -4, -4, 1, 1, 0],
            [0, 4, -4, -1, 1, 0],
            [0, -2, -1, 2, 1, 0],
            [0, 2, -1, -2, 1, 0],
            [0, 4, 0, -5, 0, 1],
        ],
        "float64",
    ),
}
A = {
    2: np.array([[1, 1, 1, 0], [0, 1, -1, -1]], "float64"),
    4: np.array(
        [
            [1, 1, 1, 1, 1, 0],
            [0, 1, -1, 2, -2, 0],
            [0, 1, 1, 4, 4, 0],
            [0, 1, -1, 8, -8, 1],
        ],
        "float64",
    ),
}
# What each product needs as bias, in units of the convolution's, so that A^T adds up to 1 each.
BIAS = {2: (1, 0, 0, -1), 4: (3 / 4, 1 / 2, -1 / 2, 1 / 8, 1 / 8, 0)}
MIN_CHANNELS = 32


def propose(node: Node, around: Surroundings) -> Rewrite | None:
    """A 3x3 Conv2D of stride 1 that keeps the size, with many channels on both sides."""
    view = convolution_of(node)
    if (
        view is None
        or around.shared(node)
        or view.depthwise
        or view.size != (3, 3)
        or view.strides != (1, 1)
        or view.dilation != (1, 1)
        or view.pads != ((1, 1), (1, 1))
        or None in view.x.shape[1:]
    ):
        return None
    channels, filters = int(view.kernel.shape[2]), int(view.kernel.shape[3])
    if min(channels, filters) < MIN_CHANNELS:
        return None
    _, height, width, _ = view.x.shape

    def of(m: int) -> Any:
        return lambda x: _build(x, node, view, m)

    return Rewrite(
        NAME,
        sources(node),
        (view.x,),
        node.outputs[0],
        {f"{m} by {m + 2}": of(m) for m in (2, 4) if int(width or 0) >= m},
        "multiply-adds x0.67 (2 by 4) or x0.50 (4 by 6)",
        block=f"convolution 3x3 {channels}->{filters} at {height}x{width}",
    )


def _build(x: Tensor, node: Node, view: Convolution, m: int) -> Tensor:
    import keras

    emit = Emitter(node.operation, sources(node))
    name = emit.name
    height, width, channels = (int(n or 0) for n in x.shape[1:])
    filters = int(view.kernel.shape[3])
    tiles = -(-width // m)
    kernel = np.asarray(view.kernel, "float64")
    bias = None if view.bias is None else np.asarray(view.bias, "float64")
    products = []
    for i, (row, weights) in enumerate(zip(B[m], G[m], strict=True)):
        taps = np.flatnonzero(row)
        first, last = int(taps[0]), int(taps[-1])
        # Tap 0 of the first tile is the column before the image. Rows that begin with tap 1, most
        # of them, read the image as it lies.
        before, behind = 1 - first, last - 1 + m * (tiles - 1) - (width - 1)
        spread = np.repeat(row[first : last + 1][None, :, None, None], channels, axis=2)
        # (1, taps, in, 1)
        sums = emit.convolution(
            x,
            spread,
            None,
            pads=((0, 0), (before, max(behind, 0))),
            strides=(1, m),
            depthwise=True,
            suffix=f"_sums{i}",
        )
        products.append(
            emit.convolution(
                sums,
                np.einsum("hwio,w->hio", kernel, weights)[:, None],  # (3, 1, in, out)
                None if bias is None else BIAS[m][i] * bias,
                pads=((1, 1), (0, 0)),
                suffix=f"_product{i}",
            )
        )
    results = _outputs(emit, products, m)
    before = by_pixel(view.activation)
    if before and view.activation is not None:
        results = [
            emit.call(
                keras.layers.Activation(
                    view.activation, name=f"{name}_activation{i}", dtype=emit.policy
                ),
                y,
            )
            for i, y in enumerate(results)
        ]
    y = emit.call(keras.layers.Concatenate(name=f"{name}_tiles", dtype=emit.policy), *results)
    shape = (height, m * tiles, filters)
    y = emit.call(keras.layers.Reshape(shape, name=name, dtype=emit.policy), y)
    y = emit.crop(y, ((0, 0), (0, m * tiles - width)))
    return y if before else emit.activation(y, view.activation)


def _outputs(emit: Emitter, p: list[Tensor], m: int) -> list[Tensor]:
    """A^T p with common sums shared."""
    import keras

    count = 0

    def binary(kind: Any, a: Tensor, b: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return emit.call(kind(name=f"{emit.name}_sum{count}", dtype=emit.policy), a, b)

    def add(a: Tensor, b: Tensor) -> Tensor:
        return binary(keras.layers.Add, a, b)

    def subtract(a: Tensor, b: Tensor) -> Tensor:
        return binary(keras.layers.Subtract, a, b)

    def times(factor: float, a: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return emit.call(
            keras.layers.Rescaling(factor, name=f"{emit.name}_times{count}", dtype=emit.policy), a
        )

    if m == 2:
        return [add(add(p[0], p[1]), p[2]), subtract(subtract(p[1], p[2]), p[3])]
    even, odd = add(p[1], p[2]), subtract(p[1], p[2])
    even2, odd2 = add(p[3], p[4]), subtract(p[3], p[4])
    twice = times(2, odd2)
    return [
        add(add(p[0], even), even2),
        add(odd, twice),
        add(even, times(4, even2)),
        add(add(odd, times(4, twice)), p[5]),
    ]
