"""Nearest, bilinear and bicubic resizing, in the form that the context asks for."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from . import _arguments as arguments
from . import _sampling as sampling
from ._backend import HALF_TYPES, Size, gather, image_tensor, on_tensorflow, reshape, sizes
from ._forms import forms_for

Factor = int | tuple[int, int]
TapsOf = Callable[[Size, Size], sampling.Taps]


def resize_nearest(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    data_format: str | None = None,
) -> Any:
    """Resize by copying the nearest pixel: `1 2 -> 1 1 2 2` at scale 2.

    y[i] = x[floor(u(i) + 1/2)] with half_pixel coordinates, x[floor(u(i))] with asymmetric,
    x[round(u(i))], halves away from zero, with align_corners.

    Args:
        x: images of any dtype, (N, H, W, C), or (N, C, H, W) for "channels_first".
        scale: factor, or (rows, columns) factors, whole and >= 1.
        size: output pixels, or (rows, columns); exactly one of `scale` and `size`.
        coordinates: "half_pixel", "align_corners" or "asymmetric".
        data_format: "channels_last", "channels_first", or None for Keras' configured one.

    Returns:
        The resized images, of `x`'s dtype.

    Raises:
        ValueError, TypeError: a bad argument, named in the message.
    """

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        indices = sampling.nearest_indices(n_in, n_out, coordinates)
        return [indices], [1.0 if not isinstance(indices, np.ndarray) else np.ones(len(indices))]

    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    x = image_tensor(x)
    return _resize(x, "nearest", scale, size, coordinates, data_format, taps_of)


def resize_bilinear(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    data_format: str | None = None,
) -> Any:
    """Resize by linear interpolation on each axis: `1 2 -> 1 1.25 1.75 2` at scale 2.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1] with t = u − floor(u); indices outside the image
    are clamped to it. There is no antialiasing when `size` makes the image smaller.

    Args and errors: as `resize_nearest`; `x` must hold floats. Half precision is computed in
    float32 and rounded once.
    """

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        return sampling.linear_taps(n_in, n_out, coordinates)

    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    x = image_tensor(x, floating=True)
    return _resize(x, "bilinear", scale, size, coordinates, data_format, taps_of)


def resize_bicubic(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    coefficient: float = -0.5,
    border: str = "renormalize",
    data_format: str | None = None,
) -> Any:
    """Resize by Keys' cubic convolution on each axis: `0 1 -> -0.07 0.23 0.77 1.07` at scale 2.

    y[i] = Σ_k w(u − k) x[k] over the four neighbours of u.

    Args:
        coefficient: a in Keys' kernel: -0.5 (TensorFlow, Keras, PIL), -0.75 (PyTorch, OpenCV).
        border: "renormalize" drops taps outside the image and divides by the sum of the others
            (TensorFlow, PIL), "clamp" repeats the border pixel (PyTorch, OpenCV).

    The other arguments and the errors are those of `resize_bilinear`.

    Reference: Keys, Cubic convolution interpolation for digital image processing, 1981, III.
    """
    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    arguments.one_of(border, "border", arguments.BORDERS)
    coefficient = arguments.finite(coefficient, "coefficient")

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        return sampling.cubic_taps(n_in, n_out, coordinates, coefficient, border)

    x = image_tensor(x, floating=True)
    native = coefficient == -0.5 and border == "renormalize" and coordinates == "half_pixel"
    return _resize(x, "bicubic", scale, size, coordinates, data_format, taps_of, native=native)


def _resize(
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
        elif form == "matrix":
            y = _by_matrix(x, factors, target, data_format, taps_of)
            if y is not None:
                return y
        elif form == "concat" and interpolation == "nearest" and coordinates != "align_corners":
            y = _by_concat(x, factors, data_format)
            if y is not None:
                return y
        elif form == "taps":
            break
    return _by_taps(x, factors, target, axes, taps_of)


def _lengths(
    known: tuple[Size, ...],
    axes: tuple[int, int],
    factors: tuple[int, int] | None,
    target: tuple[int, int] | None,
) -> list[tuple[int, Size, Size]]:
    """Return (axis, n_in, n_out) of the axes that change."""
    lengths = []
    for k, axis in enumerate(axes):
        if factors is not None and factors[k] == 1:
            continue
        n_in = known[axis]
        n_out = target[k] if factors is None and target is not None else n_in * factors[k]  # type: ignore[index]
        if not (isinstance(n_in, int) and n_in == n_out):
            lengths.append((axis, n_in, n_out))
    return lengths


def _by_taps(
    x: Any,
    factors: tuple[int, int] | None,
    target: tuple[int, int] | None,
    axes: tuple[int, int],
    taps_of: TapsOf,
) -> Any:
    """Gather the taps and sum them with their weights, one axis after the other."""
    dtype = keras.backend.standardize_dtype(x.dtype)
    compute = "float32" if dtype in HALF_TYPES else dtype
    copied = False
    for axis, n_in, n_out in _lengths(sizes(x), axes, factors, target):
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


def _by_matrix(
    x: Any,
    factors: tuple[int, int] | None,
    target: tuple[int, int] | None,
    data_format: str,
    taps_of: TapsOf,
) -> Any:
    """Multiply by the resampling matrices, or return None where a size is not known.

    y = M_h x M_wᵀ for every channel, with reshapes only: (N, H, W·C) for the rows, then
    (N·H', W, C) for the columns.
    """
    dtype = keras.backend.standardize_dtype(x.dtype)
    axes = arguments.spatial_axes(data_format)
    known = tuple(x.shape)
    if None in known[1:] or dtype not in (*HALF_TYPES, "float32", "float64"):
        return None
    compute = "float32" if dtype in HALF_TYPES else dtype
    matrices = {
        axis: ops.convert_to_tensor(sampling.matrix(taps_of(n_in, n_out), n_in), dtype=compute)
        for axis, n_in, n_out in _lengths(known, axes, factors, target)
    }
    x = ops.cast(x, compute)
    if data_format == "channels_first":
        if 2 in matrices:
            x = ops.matmul(matrices[2], x)  # (N, C, H', W)
        if 3 in matrices:
            x = ops.matmul(x, ops.transpose(matrices[3]))  # (N, C, H', W')
        return ops.cast(x, dtype)
    batch, h, w, c = known
    if 1 in matrices:
        x = reshape(x, (batch, h, w * c))  # (N, H, W·C)
        x = ops.matmul(matrices[1], x)  # (N, H', W·C)
        h = matrices[1].shape[0]
    if 2 in matrices:
        x = ops.reshape(x, (-1, w, c))  # (N·H', W, C)
        x = ops.matmul(matrices[2], x)  # (N·H', W', C)
        w = matrices[2].shape[0]
    return ops.cast(reshape(x, (batch, h, w, c)), dtype)  # (N, H', W', C)
