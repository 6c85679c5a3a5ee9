"""Transposed convolution by phases: small convolutions whose results are interleaved.

One axis, stride s, kernel J of k taps, B pixels cropped at the begin and E at the end, x zero
outside 0..n-1: y[o] = sum_i x[i] J[o + B - s i]. For the phase o = s j + a, 0 <= a < s, with
a + B = s q + r, 0 <= r < s,

    y[s j + a] = sum_{c=0}^{m-1} x[j + q - c] J[r + s c],   m = ceil((k - r) / s),

a convolution of m taps over x with m - 1 - q zeros before: as many multiply-adds as the transposed
convolution has, where `_phases` pads every phase to the same taps. Each phase has (n - 1) s + k - B
- E pixels over s, which must be whole: n + g. The maps are interleaved by concatenations and
reshapes, which NPUs have and DEPTH_TO_SPACE they have not.

What is added to y before the activation, a convolution of a map v of y's size, is taken at the
phase as well: z[s j + a] = sum_t K[t] v[s j + a + t - p] is a convolution of stride s with p - a
zeros before, or with a - p zero taps in front. The sum is then of small maps, and v is not copied.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ...program._activations import by_element
from ...program._emit import Emitter
from ...program._graph import Tensor
from ...program._operations import (
    Activation,
    Convolution,
    Interleaving,
    Pads,
    Pair,
    Sum,
    Transposed,
)
from ...targets._names import INTERLEAVED, INTERLEAVED_2X2
from . import _parts

_MOST = 16
"""Convolutions in place of one."""
_WIDEST = 3
"""The stride that every NPU here has."""


@dataclass(frozen=True)
class _Phase:
    taps: tuple[int, ...]  # of the kernel, in the order of the pixels that they meet
    pads: Pair


def forms(
    view: Transposed,
    emitter: Callable[[], Emitter],
    beside: Convolution | None = None,
) -> dict[str, Callable[..., Tensor]]:
    """The form of a transposed convolution that has phases of its own, by its name.

    Args:
        view: what to compute; `x` is not used.
        emitter: makes the emitter of a fresh build.
        beside: a convolution of stride 1 that is added before the activation, with the bias of
            both; the form then takes the parts of what it reads as well.
    """
    axes = [
        _phases(int(k), s, crop)
        for k, s, crop in zip(view.kernel.shape[:2], view.scale, view.crop, strict=True)
    ]
    rows, columns = axes
    if rows is None or columns is None:
        return {}
    runs = _runs(columns) if beside is None else [[b] for b in range(len(columns))]
    if len(rows) * len(runs) > _MOST or (beside is not None and max(view.scale) > _WIDEST):
        return {}
    two = view.scale == tuple(view.kernel.shape[:2]) == (2, 2) and beside is None

    def build(x: Tensor, *skips: Tensor) -> Tensor:
        emit = emitter()
        skip = _parts.concatenate(skips, emit) if skips else None
        early = by_element(view.activation)
        maps = []
        for a, row in enumerate(rows):
            line = []
            for run in runs:
                name = f"_phase{a}{run[0]}"
                y = _convolve(x, view, row, [columns[b] for b in run], emit, name)
                if skip is not None and beside is not None:
                    y = _add(y, skip, beside, view.scale, (a, run[0]), emit, name)
                line.append(_activate(y, view, emit, name) if early else y)
            maps.append(_parts.concatenate(line, emit, f"_phases{a}"))
        y = emit.write(Interleaving(maps, view.scale), "_interleaved")
        return y if early else _activate(y, view, emit)

    return {INTERLEAVED_2X2 if two else INTERLEAVED: build}


def _activate(y: Tensor, view: Transposed, emit: Emitter, name: str = "") -> Tensor:
    return emit.write(Activation(y, view.activation), f"{name}_activation")


def _phases(k: int, s: int, crop: Pair) -> list[_Phase] | None:
    begin, end = crop
    grown = k - s - begin - end
    if grown % s:
        return None
    found = []
    for a in range(s):
        q, r = divmod(a + begin, s)
        taps = tuple(reversed(range(r, k, s)))
        pads = (len(taps) - 1 - q, grown // s + q)
        if not taps or min(pads) < 0:
            return None  # a phase of zeros alone, or pixels of x that nothing needs: too rare
        found.append(_Phase(taps, pads))
    return found


def _runs(phases: list[_Phase]) -> list[list[int]]:
    """Phases side by side that read the same pixels, so that one convolution makes them."""
    runs = [[0]]
    for b, (last, phase) in enumerate(pairwise(phases), 1):
        if (len(phase.taps), phase.pads) == (len(last.taps), last.pads):
            runs[-1].append(b)
        else:
            runs.append([b])
    return runs


def _convolve(
    x: Tensor, view: Transposed, row: _Phase, run: list[_Phase], emit: Emitter, name: str
) -> Tensor:
    kernel = np.asarray(view.kernel, "float64")[list(row.taps)]  # (m, columns, out, in)
    pieces = [kernel[:, list(phase.taps)].transpose(0, 1, 3, 2) for phase in run]
    bias = None if view.bias is None else np.tile(np.asarray(view.bias, "float64"), len(run))
    pads = (row.pads, run[0].pads)
    return emit.write(Convolution(x, np.concatenate(pieces, axis=3), bias, pads=pads), name)


def _add(
    y: Tensor, skip: Tensor, view: Convolution, scale: Pair, phase: Pair, emit: Emitter, name: str
) -> Tensor:
    """y, and the phase of a convolution of stride 1."""
    if isinstance(view.pads, str):
        raise ValueError("the pads of a convolution of stride 1 are known")
    kernel = np.asarray(view.kernel, "float64")
    zeros, pads = [], []
    for s, a, (before, behind) in zip(scale, phase, view.pads, strict=True):
        zeros.append((max(a - before, 0), 0))
        # The last window of the phase ends s - 1 - a pixels before that of the convolution.
        pads.append((max(before - a, 0), max(behind - (s - 1 - a), 0)))
    kernel = np.pad(kernel, (*zeros, (0, 0), (0, 0)))
    bias = None if view.bias is None else np.asarray(view.bias, "float64")
    around: Pads = (pads[0], pads[1])
    z = emit.write(Convolution(skip, kernel, bias, strides=scale, pads=around), f"{name}_skip")
    return emit.write(Sum((y, z)), f"{name}_add")
