"""Antialiased downscaling: the kernel is stretched to the width of an output pixel."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from . import _arguments as arguments
from ._backend import Size
from ._forms import forms_for
from ._matrix_forms import by_computed_matrices, by_matrix, by_pointwise
from ._resample import Factor

Kernel = Callable[[Any, Any], Any]
"""(array library, distances in pixels) -> weights."""


def check_antialias(antialias: bool, coordinates: str, border: str = "renormalize") -> bool:
    """Return `antialias`, or raise where there is no such definition."""
    if antialias and coordinates != "half_pixel":
        raise ValueError(
            "`antialias=True` is defined for `coordinates='half_pixel'` alone, as in PIL and "
            f"PyTorch. Received: coordinates={coordinates!r}. Leave one of the two out."
        )
    if antialias and border != "renormalize":
        raise ValueError(
            "`antialias=True` leaves out the pixels outside the image, as PIL and PyTorch do: it "
            f"needs `border='renormalize'`. Received: border={border!r}. Leave one of the two out."
        )
    return bool(antialias)


def triangle(xp: Any, d: Any) -> Any:
    """1 − |d|, 0 from 1 on."""
    return xp.maximum(1 - xp.abs(d), 0)


def keys(coefficient: float) -> Kernel:
    """Keys' cubic kernel; see `cubic_taps`."""
    a = coefficient

    def kernel(xp: Any, d: Any) -> Any:
        d = xp.abs(d)
        near = ((a + 2) * d - (a + 3)) * d * d + 1
        far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
        return xp.where(d <= 1, near, xp.where(d < 2, far, xp.zeros_like(d)))

    return kernel


def lanczos(lobes: int) -> Kernel:
    """Lanczos' kernel; see `lanczos_taps`."""

    def kernel(xp: Any, d: Any) -> Any:
        zero = d == 0
        turned = xp.where(zero, xp.ones_like(d), d) * np.pi
        weights = lobes * xp.sin(turned) * xp.sin(turned / lobes) / (turned * turned)
        weights = xp.where(zero, xp.ones_like(d), weights)
        return xp.where(xp.abs(d) < lobes, weights, xp.zeros_like(d))

    return kernel


def downscale(
    x: Any,
    interpolation: str,
    scale: Factor | None,
    size: Factor | None,
    data_format: str | None,
    kernel: Kernel,
) -> Any:
    """Resize with the stretched kernel, or return None where no axis gets smaller."""
    _, target = arguments.scale_or_size(scale, size)
    if target is None:  # a scale is a whole number >= 1
        return None
    data_format = arguments.data_format_of(data_format)
    axes = arguments.spatial_axes(data_format)
    lengths = [x.shape[axis] for axis in axes]
    if all(n is not None and n <= m for n, m in zip(lengths, target, strict=True)):
        return None

    def matrix_of(n_in: Size, n_out: int, dtype: str) -> Any:
        return _matrix(n_in, n_out, dtype, kernel)

    if None in tuple(x.shape[1:]):
        return by_computed_matrices(x, target, matrix_of, data_format)
    matrices = {
        axis: _matrix(n, m, "float64", kernel)
        for axis, n, m in zip(axes, lengths, target, strict=True)
        if n != m
    }
    for form in forms_for(interpolation):
        y = by_pointwise(x, matrices, data_format) if form == "pointwise" else None
        if y is not None:
            return y
        if form == "matrix":
            break
    return by_matrix(x, matrices, data_format)


def _matrix(n_in: Size, n_out: int, dtype: str, kernel: Kernel) -> Any:
    """Return the matrix (n_out, n_in): kernel(d/r) over the sum of its row, r = max(n_in/n_out, 1).

    d = k − u(i) = ((2k + 1) n_out − (2i + 1) n_in)/(2 n_out) is the distance of input pixel k from
    the middle of output pixel i: whole numbers up to one division, so exact at every size.
    """
    xp: Any
    if isinstance(n_in, int):
        xp, largest = np, max(n_in, n_out)
    else:
        xp, n_in = keras.ops, keras.ops.cast(n_in, "int64")
        largest = xp.maximum(n_in, n_out)
    k = xp.reshape(2 * xp.arange(n_in, dtype="int64") + 1, (1, -1))
    i = xp.reshape(2 * xp.arange(n_out, dtype="int64") + 1, (-1, 1))
    steps = k * n_out - i * n_in  # (n_out, n_in), in 1/(2 max(n_in, n_out)) of a kernel's pixel
    if xp is np:
        weights = kernel(np, steps / (2 * largest))
        return (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)
    weights = kernel(xp, xp.cast(steps, dtype) / xp.cast(2 * largest, dtype))
    return weights / xp.sum(weights, axis=1, keepdims=True)
