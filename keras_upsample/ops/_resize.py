"""Nearest, bilinear and bicubic resizing, by the operators that `resize_forms` selects."""

from typing import Any

from . import _arguments as arguments
from . import _sampling as sampling
from ._antialias import check_antialias, downscale, keys, triangle
from ._backend import Size, computing_type, image_tensor
from ._resample import Factor, resample


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
        return sampling.nearest_taps(n_in, n_out, coordinates)

    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    x = image_tensor(x)
    return resample(x, "nearest", scale, size, coordinates, data_format, taps_of)


def resize_bilinear(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    antialias: bool = False,
    data_format: str | None = None,
) -> Any:
    """Resize by linear interpolation on each axis: `1 2 -> 1 1.25 1.75 2` at scale 2.

    y[i] = (1 − t) x[floor(u)] + t x[floor(u) + 1] with t = u − floor(u); indices outside the image
    are clamped to it. With `antialias`, an axis that gets smaller by r = n_in/n_out has
    y[i] = Σ_k w((k − u)/r) x[k] / Σ_k w((k − u)/r) over the image, w(d) = max(0, 1 − |d|):
    `1 2 3 6 -> 1.71 4.14` for 2 pixels, without it `1.5 4.5`.

    Args and errors: as `resize_nearest`; `x` must hold floats. Half precision is computed in
    float32 and rounded once.

    Args:
        antialias: whether to smooth an axis that gets smaller, as PIL's `Image.resize` and
            PyTorch's `interpolate(antialias=True)` do; only with half_pixel coordinates.
    """

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        return sampling.linear_taps(n_in, n_out, coordinates, kind)

    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    x = image_tensor(x, floating=True)
    kind = computing_type(x)
    if check_antialias(antialias, coordinates):
        y = downscale(x, "bilinear", scale, size, data_format, triangle)
        if y is not None:
            return y
    return resample(x, "bilinear", scale, size, coordinates, data_format, taps_of)


def resize_bicubic(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    coefficient: float = -0.5,
    border: str = "renormalize",
    antialias: bool = False,
    data_format: str | None = None,
) -> Any:
    """Resize by Keys' cubic convolution on each axis: `0 1 -> -0.09 0.21 0.79 1.09` at scale 2.

    y[i] = Σ_k w(u − k) x[k] over the four neighbours of u. With `antialias`, an axis that gets
    smaller by r = n_in/n_out has y[i] = Σ_k w((k − u)/r) x[k] / Σ_k w((k − u)/r) over the image.

    Args:
        coefficient: a in Keys' kernel: -0.5 (TensorFlow, Keras, PIL), -0.75 (PyTorch, OpenCV).
        border: "renormalize" drops taps outside the image and divides by the sum of the others
            (TensorFlow, PIL), "clamp" repeats the border pixel (PyTorch, OpenCV).
        antialias: as for `resize_bilinear`; only with border="renormalize". PyTorch's antialiased
            resize has the coefficient -0.5 and this border, unlike its plain resize.

    The other arguments and the errors are those of `resize_bilinear`.

    Reference: Keys, Cubic convolution interpolation for digital image processing, 1981, III.
    """
    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    arguments.one_of(border, "border", arguments.BORDERS)
    coefficient = arguments.finite(coefficient, "coefficient")

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        return sampling.cubic_taps(n_in, n_out, coordinates, coefficient, border, kind)

    x = image_tensor(x, floating=True)
    kind = computing_type(x)
    if check_antialias(antialias, coordinates, border):
        y = downscale(x, "bicubic", scale, size, data_format, keys(coefficient))
        if y is not None:
            return y
    native = coefficient == -0.5 and border == "renormalize" and coordinates == "half_pixel"
    return resample(x, "bicubic", scale, size, coordinates, data_format, taps_of, native=native)
