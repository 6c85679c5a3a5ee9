"""Transposed convolution by phases: one convolution at the low resolution, and a shuffle.

One axis, stride s, kernel J, x zero outside 0..n-1: y[o] = sum_i x[i] J[o - s i]. With o = s j + a,
0 <= a < s, and J padded with zeros to s m entries,

    y[s j + a] = sum_{c=0}^{m-1} x[j - c] J[a + s c],

for every phase a a convolution of m taps over the same x. The s phases (s^2 in two dimensions)
are output channels of one convolution; the shuffle puts them side by side. A crop by B pixels at
the begin is j >= B / s; where s doesn't divide B, either the kernel is moved by delta zeros so that
it does (more taps, and no crop of pixels: "dense"), or the rest is cropped ("shuffle").
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...program._activations import by_element
from ...program._emit import Emitter
from ...program._graph import Tensor
from ...program._keras_writer import writable
from ...program._operations import Activation, Convolution, Crop, Pads, Shuffle, Transposed

TRANSPOSED, SHUFFLE, DENSE = "transposed", "shuffle", "dense"


@dataclass(frozen=True)
class _Axis:
    taps: int  # m
    moved: int  # delta
    pads: tuple[int, int]
    crop: tuple[int, int]


def forms(
    view: Transposed, emitter: Callable[[], Emitter]
) -> dict[str, Callable[[Tensor], Tensor]]:
    """The forms of a transposed convolution, by name.

    Args:
        view: what to compute; `x` is not used.
        emitter: makes the emitter of a fresh build.
    """
    result: dict[str, Callable[[Tensor], Tensor]] = {}
    kernel = np.asarray(view.kernel, "float64")
    bias = None if view.bias is None else np.asarray(view.bias, "float64")
    activation = view.activation
    if writable(view):
        result[TRANSPOSED] = lambda x: emitter().write(view.on(x))
    if view.scale[0] != view.scale[1]:
        return result  # a shuffle has one factor
    by_name = {SHUFFLE: _axes(view, aligned=False), DENSE: _axes(view, aligned=True)}
    if by_name[SHUFFLE] == by_name[DENSE]:
        del by_name[DENSE]
    for name, axes in by_name.items():
        if axes is not None:
            result[name] = _by_shuffle(kernel, bias, view.scale[0], axes, activation, emitter)
    return result


def multiply_adds(view: Transposed, form: str) -> float:
    """Of a form, by pixel of the output."""
    rows, columns, filters, channels = (int(n) for n in view.kernel.shape)
    if form == TRANSPOSED:
        taps = rows * columns / (view.scale[0] * view.scale[1])
    else:
        axes = _axes(view, aligned=form == DENSE)
        taps = axes[0].taps * axes[1].taps if axes else float("inf")
    return taps * filters * channels


def _axes(view: Transposed, *, aligned: bool) -> tuple[_Axis, _Axis] | None:
    found = []
    for k, s, (begin, end) in zip(view.kernel.shape[:2], view.scale, view.crop, strict=True):
        moved = -begin % s if aligned else 0
        taps = -(-(int(k) + moved) // s)
        first = (begin + moved) // s
        pad_end = (moved + int(k) - end - 1) // s
        pads = (taps - 1 - first, pad_end)
        crop = ((begin + moved) % s, s * (pad_end + 1) - moved - int(k) + end)
        if min(pads) < 0 or min(crop) < 0:
            return None  # the crop takes whole pixels of the input away: too rare to be worth it
        found.append(_Axis(taps, moved, pads, crop))
    return found[0], found[1]


def _by_shuffle(
    kernel: np.ndarray,
    bias: np.ndarray | None,
    scale: int,
    axes: tuple[_Axis, _Axis],
    activation: Any,
    emitter: Callable[[], Emitter],
) -> Callable[[Tensor], Tensor]:
    def build(x: Tensor) -> Tensor:
        emit = emitter()
        weights = _phase_kernel(kernel, scale, axes)
        pads: Pads = (axes[0].pads, axes[1].pads)
        crop: Pads = (axes[0].crop, axes[1].crop)
        phases = scale**2
        before = by_element(activation)
        biases = None if bias is None else np.tile(bias, phases)
        own = activation if before else None
        y = emit.write(Convolution(x, weights, biases, own, pads=pads))
        y = emit.write(Shuffle(y, scale), "_shuffle")
        y = emit.write(Crop(y, crop), "_crop")
        return emit.write(Activation(y, None if before else activation), "_activation")

    return build


def _phase_kernel(kernel: np.ndarray, scale: int, axes: tuple[_Axis, _Axis]) -> np.ndarray:
    """(rows, columns, out, in) -> (m, m', in, s * s * out), channels in the order "dcr"."""
    rows, columns, filters, channels = kernel.shape
    whole = np.zeros((axes[0].taps * scale, axes[1].taps * scale, filters, channels))
    r, c = axes[0].moved, axes[1].moved
    whole[r : r + rows, c : c + columns] = kernel
    # J[a + s c] -> [c, a], and the tap that reads x[j - c] is m - 1 - c
    parts = whole.reshape(axes[0].taps, scale, axes[1].taps, scale, filters, channels)
    parts = parts[::-1, :, ::-1]
    parts = parts.transpose(0, 2, 5, 1, 3, 4)  # (m, m', in, a, b, out)
    return parts.reshape(axes[0].taps, axes[1].taps, channels, scale * scale * filters)
