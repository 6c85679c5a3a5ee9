"""Where an output pixel reads the input, and with which weights; one axis at a time.

Everything starts from one function, `source_ratio`, which gives the source coordinate u(i) as a
fraction of whole numbers. Its floor is then exact at every size, where float32 picks the wrong
pixel now and then (2 -> 41 pixels is the smallest case in TensorFlow's nearest).
"""

from types import ModuleType
from typing import Any

import keras
import numpy as np

from ._lacking import LONG_DIVISIONS, lacks

Size = Any  # an int where it is known, else a scalar tensor

Taps = tuple[list[Any], list[Any]]  # indices and weights, each (n_out,)


def _library(*sizes: Size) -> ModuleType:
    """Return NumPy for known sizes (the result is a constant), keras.ops for dynamic ones."""
    return np if all(isinstance(size, int) for size in sizes) else keras.ops


def _kind(xp: ModuleType) -> str:
    # 64 bits: 2 * n_in * n_out leaves 32 bits at 23,171 -> 46,342 pixels.
    return "int32" if xp is not np and lacks(LONG_DIVISIONS) else "int64"


def _integer(value: Size) -> Any:
    return value if isinstance(value, int) else keras.ops.cast(value, _kind(keras.ops))


def source_ratio(n_in: Size, n_out: Size, coordinates: str) -> tuple[Any, Any]:
    """Return numerator (n_out,) and denominator of the source coordinates u(i).

    half_pixel: ((2i + 1) n_in − n_out) / (2 n_out); align_corners: i (n_in − 1) / (n_out − 1), and
    0 for a single output pixel; asymmetric: i n_in / n_out.
    """
    xp = _library(n_in, n_out)
    n_in, n_out = _integer(n_in), _integer(n_out)
    i = xp.arange(n_out, dtype=_kind(xp))
    if coordinates == "half_pixel":
        return (2 * i + 1) * n_in - n_out, 2 * n_out
    if coordinates == "asymmetric":
        return i * n_in, n_out
    if isinstance(n_out, int):
        return i * (n_in - 1), max(n_out - 1, 1)
    return i * (n_in - 1), keras.ops.maximum(n_out - 1, 1)


def nearest_indices(n_in: Size, n_out: Size, coordinates: str) -> Any:
    """Return the index that each output pixel copies, (n_out,).

    half_pixel: floor(u + 1/2); asymmetric: floor(u); align_corners: u rounded, halves up (which is
    away from zero, u being >= 0).
    """
    xp = _library(n_in, n_out)
    numerator, denominator = source_ratio(n_in, n_out, coordinates)
    if coordinates == "asymmetric":
        return xp.floor_divide(numerator, denominator)
    return xp.floor_divide(2 * numerator + denominator, 2 * denominator)


def nearest_taps(n_in: Size, n_out: Size, coordinates: str) -> Taps:
    """Return the one pixel that is copied, with weight 1."""
    indices = nearest_indices(n_in, n_out, coordinates)
    return [indices], [_library(n_in, n_out).ones_like(indices)]


def _split(n_in: Size, n_out: Size, coordinates: str, kind: str) -> tuple[ModuleType, Any, Any]:
    """Return the array library, floor(u) and u − floor(u), in the floats `kind` if dynamic."""
    xp = _library(n_in, n_out)
    numerator, denominator = source_ratio(n_in, n_out, coordinates)
    floor = xp.floor_divide(numerator, denominator)
    rest = numerator - floor * denominator
    if xp is np:
        return xp, floor, rest / denominator
    # A quotient of exact whole numbers is right to half a unit in the last place.
    return xp, floor, keras.ops.cast(rest, kind) / keras.ops.cast(denominator, kind)


def linear_taps(n_in: Size, n_out: Size, coordinates: str, kind: str = "float32") -> Taps:
    """Return the two neighbours of u and their weights 1 − t and t, t = u − floor(u).

    `kind`: the floats in which the graph computes weights of sizes that it alone knows.
    """
    xp, floor, t = _split(n_in, n_out, coordinates, kind)
    last = _integer(n_in) - 1
    indices = [xp.clip(floor + k, 0, last) for k in (0, 1)]
    return indices, [1 - t, t]


def cubic_taps(
    n_in: Size,
    n_out: Size,
    coordinates: str,
    coefficient: float,
    border: str,
    kind: str = "float32",
) -> Taps:
    """Return the four neighbours of u and Keys' weights with a = `coefficient`.

    w(d) = (a + 2)d³ − (a + 3)d² + 1 for d <= 1, a d³ − 5a d² + 8a d − 4a for 1 < d < 2. Outside of
    the image: border "clamp" reads the border pixel, "renormalize" drops the tap and divides the
    rest by its sum.
    """
    xp, floor, t = _split(n_in, n_out, coordinates, kind)
    a = coefficient
    last = _integer(n_in) - 1

    def near(d: Any) -> Any:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Any) -> Any:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    offsets = (-1, 0, 1, 2)
    indices = [floor + k for k in offsets]
    weights = [far(1 + t), near(t), near(1 - t), far(2 - t)]
    if border == "renormalize":
        inside = [xp.logical_and(index >= 0, index <= last) for index in indices]
        weights = [xp.where(i, w, xp.zeros_like(w)) for i, w in zip(inside, weights, strict=True)]
        total = weights[0] + weights[1] + weights[2] + weights[3]
        weights = [w / total for w in weights]
    return [xp.clip(index, 0, last) for index in indices], weights


def lanczos_taps(
    n_in: Size, n_out: Size, coordinates: str, lobes: int, border: str, kind: str = "float32"
) -> Taps:
    """Return the 2a neighbours of u and Lanczos' weights, a = `lobes`, which are made to sum to 1.

    w(d) = sinc(d) sinc(d/a) for |d| < a, sinc(d) = sin(πd)/(πd). With d = t − k,
    sin(πd) = (−1)^k sin(πt) is common to all taps but for the sign, so that it cancels in the
    division by their sum: (−1)^k sin(πd/a)/d² is left, which loses no digits where t is small.
    """
    xp, floor, t = _split(n_in, n_out, coordinates, kind)
    last = _integer(n_in) - 1
    # All taps at once, (2a, n_out), so that a graph which computes them has few nodes.
    offsets = np.arange(1 - lobes, lobes + 1, dtype=_kind(xp))[:, None]
    signs, k = 1.0 - 2.0 * (offsets % 2), offsets.astype("float64")
    if xp is not np:
        offsets = xp.convert_to_tensor(offsets)
        signs, k = (xp.convert_to_tensor(value, dtype=t.dtype) for value in (signs, k))
    indices = floor + offsets
    d = xp.where(t == 0, xp.ones_like(t), t - k)
    weights = signs * xp.sin(d * (np.pi / lobes)) / (d * d)
    weights = xp.where(t == 0, xp.where(k == 0, xp.ones_like(d), xp.zeros_like(d)), weights)
    if border == "renormalize":
        inside = xp.logical_and(indices >= 0, indices <= last)
        weights = xp.where(inside, weights, xp.zeros_like(weights))
    weights = weights / xp.sum(weights, axis=0, keepdims=True)
    indices = xp.clip(indices, 0, last)
    count = 2 * lobes
    return [indices[n] for n in range(count)], [weights[n] for n in range(count)]


def area_taps(n_in: int, n_out: int) -> Taps:
    """Return the pixels under each output pixel and the shares of it that they cover.

    Output pixel i spans i n_in .. (i + 1) n_in and input pixel k spans k n_out .. (k + 1) n_out in
    units of 1/n_out of an input pixel: whole numbers, so that the overlaps are exact.
    """
    i = np.arange(n_out, dtype="int64")
    first = i * n_in // n_out
    count = int(np.max(-(-(i + 1) * n_in // n_out) - first))
    indices, weights = [], []
    for k in range(count):
        begin = np.maximum(i * n_in, (first + k) * n_out)
        end = np.minimum((i + 1) * n_in, (first + k + 1) * n_out)
        indices.append(np.minimum(first + k, n_in - 1))
        weights.append(np.maximum(end - begin, 0) / n_in)
    return indices, weights


def window_taps(n_in: int, n_out: int) -> Taps:
    """Return the pixels that each output pixel covers at least in part, all with one weight.

    Output pixel i has those from floor(i n_in/n_out) up to, not including, ceil((i + 1)
    n_in/n_out): PyTorch's windows of adaptive pooling.
    """
    i = np.arange(n_out, dtype="int64")
    first = i * n_in // n_out
    counts = -(-(i + 1) * n_in // n_out) - first
    indices, weights = [], []
    for k in range(int(np.max(counts))):
        indices.append(np.minimum(first + k, n_in - 1))
        weights.append((k < counts) / counts)
    return indices, weights


def matrix(taps: Taps, n_in: int) -> np.ndarray:
    """Return the resampling matrix (n_out, n_in) of constant taps."""
    indices, weights = taps
    result = np.zeros((len(indices[0]), n_in))
    rows = np.arange(len(indices[0]))
    for index, weight in zip(indices, weights, strict=True):
        np.add.at(result, (rows, index), weight)  # clamped taps share an entry
    return result
