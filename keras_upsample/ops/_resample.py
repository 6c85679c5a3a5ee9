"""The forms of a resize: the backend's operator, taps, or matrices, by product or convolution."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from . import _arguments as arguments
from . import _sampling as sampling
from ._backend import (
    FLOAT_TYPES,
    Size,
    computing_type,
    gather,
    length,
    on_tensorflow,
    reshape,
)
from ._forms import forms_for
from ._matrix_forms import by_matrix, by_pointwise

Factor = int | tuple[int, int]
TapsOf = Callable[[Size, Size], sampling.Taps]


def resample(
    x: Any,
    interpolation: str,
    scale: Factor | None,
    size: Factor | None,
    coordinates: str,
    data_format: str | None,
    taps_of: TapsOf,
    *,
    native: bool = True,
) -> Any:
    """Resize `x` in the first possible form; `native`: whether TensorFlow's operator could do it.

    `taps_of(n_in, n_out)` gives the indices and weights of one axis.
    """
    factors, target = arguments.scale_or_size(scale, size)
    data_format = arguments.data_format_of(data_format)
    axes = arguments.spatial_axes(data_format)
    if factors == (1, 1) or (target is not None and target == tuple(x.shape[a] for a in axes)):
        return x
    for form in forms_for(interpolation):
        if form == "operator" and native and on_tensorflow():
            from . import _tensorflow

            y = _tensorflow.resize(x, interpolation, factors, target, coordinates, data_format)
            if y is not None:
                return y
        elif form in ("matrix", "pointwise"):
            matrices = _matrices(x, factors, target, data_format, taps_of)
            if matrices is None:
                continue
            y = (by_matrix if form == "matrix" else by_pointwise)(x, matrices, data_format)
            if y is not None:
                return y
        elif form == "concat" and interpolation == "nearest" and coordinates != "align_corners":
            y = _by_concat(x, factors, data_format)
            if y is not None:
                return y
        elif form == "steps" and interpolation == "nearest" and coordinates != "align_corners":
            y = _by_steps(x, factors, coordinates, data_format)
            if y is not None:
                return y
        elif form == "taps":
            break
    return by_taps(x, factors, target, axes, taps_of)


def _lengths(
    known: Any,
    axes: tuple[int, int],
    factors: tuple[int, int] | None,
    target: tuple[Size, ...] | None,
) -> list[tuple[int, Size, Size]]:
    """Return (axis, n_in, n_out) of the axes that change; `known[axis]` is n_in."""
    lengths = []
    for k, axis in enumerate(axes):
        if factors is not None and factors[k] == 1:
            continue
        n_in = known[axis]
        n_out = target[k] if factors is None and target is not None else n_in * factors[k]  # type: ignore[index]
        if not (isinstance(n_in, int) and isinstance(n_out, int) and n_in == n_out):
            lengths.append((axis, n_in, n_out))
    return lengths


def by_taps(
    x: Any,
    factors: tuple[int, int] | None,
    target: tuple[Size, ...] | None,
    axes: tuple[int, int],
    taps_of: TapsOf,
) -> Any:
    """Gather the taps and sum them with their weights, one axis after the other."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    compute = computing_type(x)
    copied = False
    for axis, n_in, n_out in _lengths(
        {axis: length(x, axis) for axis in axes}, axes, factors, target
    ):
        indices, weights = taps_of(n_in, n_out)
        if len(indices) == 1:  # nearest: a copy, in whatever dtype
            x = gather(x, indices[0], axis)
            copied = True
            continue
        x = ops.cast(x, compute)
        shape = [1, 1, 1, 1]
        shape[axis] = -1
        total = None
        for index, weight in zip(indices, weights, strict=True):
            if isinstance(weight, np.ndarray):
                weight = ops.convert_to_tensor(weight.reshape(shape), dtype=compute)
            else:
                weight = ops.reshape(ops.cast(weight, compute), shape)
            term = gather(x, index, axis) * weight
            total = term if total is None else total + term
        x = total
    return x if copied else ops.cast(x, dtype)


def _by_concat(x: Any, factors: tuple[int, int] | None, data_format: str) -> Any:
    """Repeat pixels by concatenating channels, or return None where that is not possible.

    A channels-last row `a b` beside itself on the channel axis is `aa bb`, which read as pixels
    is `a a b b`: the columns are done. A whole row taken as one channel repeats the rows likewise.
    """
    if factors is None or data_format != "channels_last" or None in tuple(x.shape[1:]):
        return None
    batch, h, w, c = tuple(x.shape)
    if factors[1] > 1:
        x = ops.concatenate([x] * factors[1], axis=-1)  # (N, H, W, s·C)
        w *= factors[1]
    if factors[0] > 1:
        x = reshape(x, (batch, h, w * c))  # (N, H, W'·C)
        x = ops.concatenate([x] * factors[0], axis=-1)  # (N, H, s·W'·C)
        h *= factors[0]
    return reshape(x, (batch, h, w, c))  # (N, H', W', C)


_LARGEST_STEP = 8
"""Ethos-U's resize has the factors 2, 4 and 8."""


def _by_steps(x: Any, factors: tuple[int, int] | None, coordinates: str, data_format: str) -> Any:
    """Repeat pixels by the operator, at the factors that NPUs have; None for others."""
    if factors is None or factors[0] != factors[1] or factors[0] & (factors[0] - 1):
        return None
    if not on_tensorflow():
        return None
    from . import _tensorflow

    left = factors[0]
    while x is not None and left > 1:
        step = min(left, _LARGEST_STEP)
        x = _tensorflow.resize(x, "nearest", (step, step), None, coordinates, data_format)
        left //= step
    return x


def _matrices(
    x: Any,
    factors: tuple[int, int] | None,
    target: tuple[int, int] | None,
    data_format: str,
    taps_of: TapsOf,
) -> dict[int, np.ndarray] | None:
    """The resampling matrix of each axis that changes, or None where a size is not known."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    known = tuple(x.shape)
    if None in known[1:] or dtype not in FLOAT_TYPES:
        return None
    axes = arguments.spatial_axes(data_format)
    return {
        axis: sampling.matrix(taps_of(n_in, n_out), n_in)
        for axis, n_in, n_out in _lengths(known, axes, factors, target)
    }
