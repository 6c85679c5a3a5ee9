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
the maps are small and the channels more still. What is concatenated before the convolution may be
taken part by part (`_parts`). m = 2 (2/3 of the multiply-adds) was the slower one
at every size that was measured.

Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, section 4.1.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import count

import numpy as np

from ...program._activations import by_pixel
from ...program._cook_toom import filtering
from ...program._emit import Emitter
from ...program._graph import Build, Tensor
from ...program._operations import (
    Activation,
    Affine,
    Concatenation,
    Convolution,
    Crop,
    Difference,
    Reshape,
    Sum,
)
from ...targets._names import FILTERING
from .._match import Here, require
from .._rewrite import Rewrite, block
from . import _parts, _tiles

NAME = FILTERING
ALONG = "4 by 6"

OUTPUTS = 4
# Filters (6, 3), inputs (6, 6) and outputs (4, 6).
G, B, A = filtering([Fraction(point) for point in (0, 1, -1, 2, -2)], taps=3).floats()
# What each product needs as bias, in units of the convolution's, so that A^T adds up to 1 each.
BIAS = np.array([3 / 4, 1 / 2, -1 / 2, 1 / 8, 1 / 8, 0])
MIN_CHANNELS = 32
"""On both sides: below, what the channels share costs more than is saved."""


def filterable(view: Convolution) -> bool:
    """Whether it is a 3x3 convolution of stride 1 that keeps the size, of many channels."""
    if (
        view.depthwise
        or view.size != (3, 3)
        or view.strides != (1, 1)
        or view.dilation != (1, 1)
        or view.pads != ((1, 1), (1, 1))
        or None in view.x.shape[1:]
    ):
        return False
    channels, filters = int(view.kernel.shape[2]), int(view.kernel.shape[3])
    return min(channels, filters) >= MIN_CHANNELS and int(view.x.shape[1] or 0) >= OUTPUTS


def behind_concatenation(here: Here) -> Rewrite:
    """Concatenation -> 3x3 convolution."""
    view = _filterable(here)
    return _rewrite_of(here, view, _parts.parts_of(view, here))


def alone(here: Here) -> Rewrite:
    """3x3 convolution."""
    view = _filterable(here)
    return _rewrite_of(here, view, [view.x])


PATTERNS = (behind_concatenation, alone)


def _filterable(here: Here) -> Convolution:
    view = here.this(Convolution)
    require(
        filterable(view),
        f"no 3x3 convolution that keeps the size, or below {MIN_CHANNELS} channels",
    )
    return view


def _rewrite_of(here: Here, view: Convolution, parts: Sequence[Tensor]) -> Rewrite:
    forms: dict[str, Build] = {
        ALONG: lambda *xs: _build([_parts.concatenate(xs, here.emitter())], here.emitter(), view)
    }
    gain = "multiply-adds x0.50"
    if len(parts) > 1:
        forms[_parts.BY_PARTS] = _parts.form(view, here.emitter)
        forms[f"{ALONG}, {_parts.BY_PARTS}"] = lambda *xs: _build(xs, here.emitter(), view)
        gain += " (4 by 6), and no copy of what is concatenated (by parts)"
    if _tiles.pays(view):
        tiled = _tiles.form(view, here.emitter)
        forms[_tiles.FORM] = lambda *xs: tiled(_parts.concatenate(xs, here.emitter()))
        gain += " or x0.25 (4x4 by 6x6), weights x2 or x4"
    height, width = view.x.shape[1:3]
    return here.rewrite(
        tuple(parts),
        forms,
        gain,
        block=block(
            f"convolution 3x3 {'+'.join('{}' for _ in parts)}->{{}} at {{}}x{{}}",
            *(part.shape[3] for part in parts),
            view.kernel.shape[3],
            height,
            width,
        ),
    )


def _build(parts: Sequence[Tensor], emit: Emitter, view: Convolution) -> Tensor:
    m = OUTPUTS
    height, width = (int(n or 0) for n in parts[0].shape[1:3])
    filters = int(view.kernel.shape[3])
    tiles = -(-height // m)
    bias = None if view.bias is None else np.asarray(view.bias, "float64")
    # (6, 3, in, out)
    kernels = np.einsum("hwio,ph->pwio", np.asarray(view.kernel, "float64"), G)
    products = []
    for i in range(len(B)):

        def product(part: Tensor, kernel: np.ndarray, number: int, i: int = i) -> Tensor:
            its = f"{i}" if len(parts) == 1 else f"{i}_part{number}"
            rows = _sums(part, emit, i, tiles, its)
            own = None if number or bias is None else BIAS[i] * bias
            along = Convolution(rows, kernel, own, pads=((0, 0), (1, 1)))
            return emit.write(along, f"_product{its}")

        products.append(_parts.add_up(parts, kernels[i][None], product, emit, f"_product{i}"))
    results = _outputs(emit, products)
    before = by_pixel(view.activation)
    early, late = (view.activation, None) if before else (None, view.activation)
    results = [emit.write(Activation(y, early), f"_activation{i}") for i, y in enumerate(results)]
    y = emit.write(Concatenation(results, axis=2), "_tiles")
    y = emit.write(Reshape(y, (m * tiles, width, filters)))
    y = emit.write(Crop(y, ((0, m * tiles - height), (0, 0))), "_crop")
    return emit.write(Activation(y, late), "_activation")


def _sums(x: Tensor, emit: Emitter, i: int, tiles: int, suffix: str) -> Tensor:
    """Row i of B^T d, of all tiles."""
    height, channels = int(x.shape[1] or 0), int(x.shape[3] or 0)
    taps = np.flatnonzero(B[i])
    first, last = int(taps[0]), int(taps[-1])
    # Tap 0 of the first tile is the row above the image. Rows that begin with tap 1, most of
    # them, read the image as it lies.
    before, behind = 1 - first, last - 1 + OUTPUTS * (tiles - 1) - (height - 1)
    # (taps, 1, in, 1)
    spread = np.repeat(B[i][first : last + 1][:, None, None, None], channels, axis=2)
    pads = ((before, max(behind, 0)), (0, 0))
    sums = Convolution(x, spread, strides=(OUTPUTS, 1), pads=pads, depthwise=True)
    return emit.write(sums, f"_sums{suffix}")


def _outputs(emit: Emitter, p: list[Tensor]) -> list[Tensor]:
    """A^T p with common sums shared."""
    numbers = count(1)

    def add(a: Tensor, b: Tensor) -> Tensor:
        return emit.write(Sum((a, b)), f"_sum{next(numbers)}")

    def subtract(a: Tensor, b: Tensor) -> Tensor:
        return emit.write(Difference((a, b)), f"_sum{next(numbers)}")

    def times(factor: float, a: Tensor) -> Tensor:
        scale, shift = np.array([factor]), np.zeros(1)
        return emit.write(Affine(a, scale, shift), f"_times{next(numbers)}")

    even, odd = add(p[1], p[2]), subtract(p[1], p[2])
    even2, odd2 = add(p[3], p[4]), subtract(p[3], p[4])
    twice = times(2, odd2)
    return [
        add(add(p[0], even), even2),
        add(odd, twice),
        add(even, times(4, even2)),
        add(add(odd, times(4, twice)), p[5]),
    ]
