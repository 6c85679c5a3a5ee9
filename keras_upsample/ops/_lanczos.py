"""Lanczos resizing."""

from typing import Any

from . import _arguments as arguments
from . import _sampling as sampling
from ._antialias import check_antialias, downscale, lanczos
from ._backend import Size, computing_type, image_tensor
from ._resample import Factor, resample


def resize_lanczos(
    x: Any,
    *,
    scale: Factor | None = None,
    size: Factor | None = None,
    coordinates: str = "half_pixel",
    lobes: int = 3,
    border: str = "renormalize",
    antialias: bool = False,
    data_format: str | None = None,
) -> Any:
    """Resize by Lanczos' windowed sinc on each axis: `0 1 -> -0.18 0.23 0.77 1.18` at scale 2.

    y[i] = Σ_k w(u − k) x[k] / Σ_k w(u − k) over the 2a neighbours of u, with
    w(d) = sinc(d) sinc(d/a) and sinc(d) = sin(πd)/(πd). With `antialias`, the weights on an axis
    that gets smaller are w((u − k)/r), r = n_in/n_out, summed over the image.

    Args:
        lobes: a, 2, 3 (TensorFlow's "lanczos3", PIL) or 4 (OpenCV).
        border: "renormalize" drops taps outside the image (TensorFlow, PIL), "clamp" repeats the
            border pixel; the weights sum to 1 in both cases.
        antialias: as for `resize_bilinear`; only with border="renormalize". PIL's, with 3 lobes.

    The other arguments and the errors are those of `resize_bilinear`; half precision is computed in
    float32.

    Reference: Duchon, Lanczos filtering in one and two dimensions, 1979; Turkowski, Filters for
    common resampling tasks, 1990.
    """
    arguments.one_of(coordinates, "coordinates", arguments.COORDINATES)
    arguments.one_of(border, "border", arguments.BORDERS)
    lobes = lobes_of(lobes)

    def taps_of(n_in: Size, n_out: Size) -> sampling.Taps:
        return sampling.lanczos_taps(n_in, n_out, coordinates, lobes, border, kind)

    x = image_tensor(x, floating=True)
    kind = computing_type(x)
    if check_antialias(antialias, coordinates, border):
        y = downscale(x, "lanczos", scale, size, data_format, lanczos(lobes))
        if y is not None:
            return y
    return resample(x, "lanczos", scale, size, coordinates, data_format, taps_of, native=False)


def lobes_of(value: Any) -> int:
    """Return `value` as 2, 3 or 4."""
    number = arguments.integer(value, "lobes", minimum=2)
    if number > 4:
        raise ValueError(
            f"`lobes` must be 2, 3 or 4. Received: {value!r}. Use 3, which most libraries have."
        )
    return number
