"""The layers that are measured: each with random weights, its oracle and the bytes it must move."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import reference

Array = np.ndarray
SCALE = 2
KERNEL = 5  # CARAFE's
GROUPS = 4  # DySample's

FULL_SIZES = ((1, 256, 64, 64), (8, 64, 256, 256))  # N, C, H, W
SMALL_SIZES = ((2, 8, 13, 15),)


@dataclass(frozen=True)
class Case:
    """One technique.

    Attributes:
        layer: (channels, data_format, dtype policy) -> the Keras layer.
        oracle: (x, weights) -> y in float64, (N, H, W, C).
        margin: input pixels beyond which nothing changes an output pixel.
        strength: of the random weights; the standard deviation of a sum of products of them with
            x, uniform in [-1, 1], is a third of it.
        half_strength: the same in half precision.
    """

    layer: Callable[[int, str, str], Any]
    oracle: Callable[[Array, list[Array]], Array]
    margin: int
    strength: float = 3.0
    half_strength: float = 3.0


def _resize(interpolation: str, **options: Any) -> Callable[[Array, list[Array]], Array]:
    def oracle(x: Array, weights: list[Array]) -> Array:
        size = (SCALE * x.shape[1], SCALE * x.shape[2])
        coordinates = "asymmetric" if interpolation == "nearest" else "half_pixel"
        return reference.resize(x, interpolation, size, coordinates, **options)

    return oracle


def _transposed(x: Array, weights: list[Array]) -> Array:
    return reference.transposed_conv(x, weights[0], (SCALE, SCALE), ((1, 1), (1, 1)), weights[1])


def _shuffle(x: Array, weights: list[Array]) -> Array:
    return reference.pixel_shuffle(x, SCALE, "crd")


def _carafe(x: Array, weights: list[Array]) -> Array:
    return reference.carafe_layer(x, *weights, SCALE)


def _dysample(x: Array, weights: list[Array]) -> Array:
    offsets = (x @ weights[0][0, 0] + weights[1]) / 4
    reach = float(np.abs(offsets).max()) + 2  # the neighbour of the pixel before it
    if reach > CASES["dysample"].margin:
        raise ValueError(f"a point lies {reach:.1f} pixels off: more than the margin of the window")
    return reference.point_sample(x, offsets, SCALE, GROUPS)


def _layers() -> Any:
    from keras_upsample import layers

    return layers


CASES = {
    "nearest": Case(
        lambda c, f, d: _layers().NearestUpSampling2D(SCALE, data_format=f, dtype=d),
        _resize("nearest"),
        margin=1,
    ),
    "bilinear": Case(
        lambda c, f, d: _layers().BilinearUpSampling2D(SCALE, data_format=f, dtype=d),
        _resize("bilinear"),
        margin=2,
    ),
    "bicubic": Case(  # PyTorch's kernel and border
        lambda c, f, d: _layers().BicubicUpSampling2D(
            SCALE, coefficient=-0.75, border="clamp", data_format=f, dtype=d
        ),
        _resize("bicubic", coefficient=-0.75, border="clamp"),
        margin=3,
    ),
    "transposed": Case(
        lambda c, f, d: _layers().TransposedConv2D.from_torch_geometry(
            c, 4, SCALE, 1, data_format=f, dtype=d
        ),
        _transposed,
        margin=2,
    ),
    "shuffle": Case(
        lambda c, f, d: _layers().PixelShuffle2D(SCALE, order="crd", data_format=f, dtype=d),
        _shuffle,
        margin=1,
    ),
    "carafe": Case(
        lambda c, f, d: _layers().CARAFE2D(SCALE, KERNEL, data_format=f, dtype=d),
        _carafe,
        margin=4,
    ),
    "dysample": Case(
        lambda c, f, d: _layers().DySample2D(SCALE, GROUPS, data_format=f, dtype=d),
        _dysample,
        margin=7,
        strength=6.0,  # points move by half a pixel
        # By a twentieth: a rounded point must not cross the centre of a pixel, where the derivative
        # of bilinear interpolation jumps. The nearest centre is a quarter of a pixel away.
        half_strength=0.6,
    ),
}


def to_precision(values: Array, dtype: str) -> Array:
    """The values as `dtype` holds them, in float32."""
    if dtype == "bfloat16":
        import ml_dtypes

        return values.astype(ml_dtypes.bfloat16).astype("float32")
    return values.astype(dtype).astype("float32")


def random_weights(case: Case, shapes: list[tuple[int, ...]], dtype: str) -> list[Array]:
    """Far from where training starts, and representable in `dtype`."""
    rng = np.random.default_rng(5)
    strength = case.strength if dtype == "float32" else case.half_strength
    weights = []
    for shape in shapes:
        # A transposed kernel is (kh, kw, out, in), and one tap in four meets an output pixel.
        fan_in = shape[-1] * 4 if case.oracle is _transposed else math.prod(shape[:-1])
        width = 0.1 if len(shape) == 1 else strength / math.sqrt(fan_in)
        weights.append(to_precision(rng.uniform(-width, width, shape), dtype))
    return weights


def output_shape(name: str, size: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """(N, C, H, W) of the output."""
    n, c, h, w = size
    channels = c // SCALE**2 if name == "shuffle" else c
    return n, channels, SCALE * h, SCALE * w


def least_bytes(
    name: str, size: tuple[int, int, int, int], weights: int, bytes_each: int
) -> dict[str, int]:
    """What a pass must move through memory if everything is read and written once.

    "forward" reads the input and the weights and writes the output. "gradient" reads the output's
    gradient and writes the input's; where there are weights, it also reads the input and the
    weights, and writes their gradients.
    """
    x, y = math.prod(size), math.prod(output_shape(name, size))
    learned = x + 2 * weights if weights else 0
    return {
        "forward": (x + weights + y) * bytes_each,
        "gradient": (y + x + learned) * bytes_each,
    }
