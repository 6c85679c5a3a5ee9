"""A 3x3 convolution by fewer multiplications (Winograd's minimal filtering).

Along the height, m outputs of a filter of 3 taps are products of polynomials modulo others, and
need m + 2 multiplications where the definition has 3 m:

    y = A^T [(G k) . (B^T d)],   d the m + 2 inputs, k the taps, . by element.

Here m = 4, with the points 0, 1, -1, 2, -2 and infinity; a test checks the matrices against the
definition. B^T d is a depthwise convolution of stride 4, the product by element a convolution along
the width (1x3) over all channels, on maps of a quarter of the height; A^T p is a handful of
additions, and the 4 results are put below each other row by row: joined along the width, and read
again as maps of 4 times the height, which moves nothing in memory in either layout. So the
multiply-adds fall to a half, for a few passes over the map that the channels share: it pays where
these are many.

In both directions at once they fall to a quarter, for more such passes (`_tiled`): it pays where
the maps are small and the channels more still. m = 2 (2/3 of the multiply-adds) was the slower one
at every size that was measured.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1.
"""

from fractions import Fraction
from typing import Any

import numpy as np

from ...export.targets import FILTERING
from .._activations import by_pixel
from .._emit import Emitter
from .._graph import Build, Node, Tensor
from .._rewrite import Rewrite, Surroundings, sources
from .._views import Convolution, convolution_of
from . import _tiles
from ._cook_toom import filtering

NAME = FILTERING

OUTPUTS = 4
# Filters (6, 3), inputs (6, 6) and outputs (4, 6).
G, B, A = filtering([Fraction(point) for point in (0, 1, -1, 2, -2)], taps=3).floats()
# What each product needs as bias, in units of the convolution's, so that A^T adds up to 1 each.
BIAS = np.array([3 / 4, 1 / 2, -1 / 2, 1 / 8, 1 / 8, 0])
MIN_CHANNELS = 32
"""On both sides: below, what the channels share costs more than is saved."""


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
    _, height, width, _ = view.x.shape
    if min(channels, filters) < MIN_CHANNELS or int(height or 0) < OUTPUTS:
        return None
    forms: dict[str, Build] = {"4 by 6": lambda x: _build(x, node, view)}
    gain = "multiply-adds x0.50"
    if _tiles.pays(view):
        forms[_tiles.FORM] = _tiles.form(view, lambda: Emitter(node.operation, sources(node)))
        gain = "multiply-adds x0.50 (4 by 6) or x0.25 (4x4 by 6x6), weights x2 or x4"
    return Rewrite(
        NAME,
        sources(node),
        (view.x,),
        node.outputs[0],
        forms,
        gain,
        block=f"convolution 3x3 {channels}->{filters} at {height}x{width}",
    )


def _build(x: Tensor, node: Node, view: Convolution) -> Tensor:
    import keras

    m = OUTPUTS
    emit = Emitter(node.operation, sources(node))
    name = emit.name
    height, width, channels = (int(n or 0) for n in x.shape[1:])
    filters = int(view.kernel.shape[3])
    tiles = -(-height // m)
    kernel = np.asarray(view.kernel, "float64")
    bias = None if view.bias is None else np.asarray(view.bias, "float64")
    products = []
    for i, (row, weights) in enumerate(zip(B, G, strict=True)):
        taps = np.flatnonzero(row)
        first, last = int(taps[0]), int(taps[-1])
        # Tap 0 of the first tile is the row above the image. Rows that begin with tap 1, most
        # of them, read the image as it lies.
        before, behind = 1 - first, last - 1 + m * (tiles - 1) - (height - 1)
        spread = np.repeat(row[first : last + 1][:, None, None, None], channels, axis=2)
        # (taps, 1, in, 1)
        sums = emit.convolution(
            x,
            spread,
            None,
            pads=((before, max(behind, 0)), (0, 0)),
            strides=(m, 1),
            depthwise=True,
            suffix=f"_sums{i}",
        )
        products.append(
            emit.convolution(
                sums,
                np.einsum("hwio,h->wio", kernel, weights)[None],  # (1, 3, in, out)
                None if bias is None else BIAS[i] * bias,
                pads=((0, 0), (1, 1)),
                suffix=f"_product{i}",
            )
        )
    results = _outputs(emit, products)
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
    y = emit.call(keras.layers.Concatenate(2, name=f"{name}_tiles", dtype=emit.policy), *results)
    shape = (m * tiles, width, filters)
    y = emit.call(keras.layers.Reshape(shape, name=name, dtype=emit.policy), y)
    y = emit.crop(y, ((0, m * tiles - height), (0, 0)))
    return y if before else emit.activation(y, view.activation)


def _outputs(emit: Emitter, p: list[Tensor]) -> list[Tensor]:
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

    even, odd = add(p[1], p[2]), subtract(p[1], p[2])
    even2, odd2 = add(p[3], p[4]), subtract(p[3], p[4])
    twice = times(2, odd2)
    return [
        add(add(p[0], even), even2),
        add(odd, twice),
        add(even, times(4, even2)),
        add(add(odd, times(4, twice)), p[5]),
    ]
