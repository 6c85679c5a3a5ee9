"""Resize and Upsample of any axes but the batch, and the shuffles between channels and pixels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...program._array_operations import Gather
from ...program._graph import Tensor
from ...program._keras_reader import resize_of
from ...program._operations import Resize, Shuffle, Unshuffle
from .._context import Context, UnreadError
from .._lengths import note_lengths
from .._resize_taps import COORDINATES, ROUNDINGS, SIMPLE, Axis
from .._value import CHANNELS_LAST, Value
from ._along import along_axis

COORDINATES_OF_LAYERS = {
    "half_pixel": "half_pixel",
    "pytorch_half_pixel": "half_pixel",
    "align_corners": "align_corners",
    "asymmetric": "asymmetric",
}
"""Coordinates -> what layers of ours call them."""

Axes = Mapping[int, Axis]


def resize(c: Context) -> Value:
    """Resize, and Upsample of older opsets."""
    x = c.value()
    mode = c.attribute("mode", "nearest")
    if mode not in ("nearest", "linear", "bilinear", "cubic"):
        raise UnreadError(f"mode {mode!r}; nearest, linear and cubic are read")
    axes = _axes(c, x)
    if not axes:
        return x
    if x.order[0] in axes:
        raise UnreadError("a batch that is resized")
    if mode == "nearest":
        return _nearest(c, x, axes)
    return _interpolated(c, x, axes, None if mode != "cubic" else _coefficient(c))


def _coefficient(c: Context) -> float:
    return float(c.attribute("cubic_coeff_a", -0.75))


def _older(c: Context) -> bool:
    """Upsample and Resize 10 have asymmetric coordinates, and nothing else to say."""
    return c.node.kind == "Upsample" or c.opset < 11


def _axes(c: Context, x: Value) -> Axes:
    """What is done to each axis that changes."""
    named = c.attribute("coordinate_transformation_mode", "half_pixel")
    if _older(c):
        named = "asymmetric"
    if named not in COORDINATES:
        raise UnreadError(
            f"coordinates {named!r}; {', '.join(COORDINATES)} are read. Crop the image by Slice "
            "and resize it by one of these"
        )
    places = c.attribute("axes", tuple(range(x.rank)))
    places = [axis % x.rank for axis in places]
    scales, lengths = _targets(c, [x.shape[axis] for axis in places])
    made = (
        Axis(x.shape[axis], int(length), float(scale), named)
        for axis, length, scale in zip(places, lengths, scales, strict=True)
    )
    changing = zip(places, made, strict=True)
    return {a: m for a, m in changing if (m.length, np.float32(m.scale)) != (m.result, 1)}


def _targets(c: Context, lengths: list[int]) -> tuple[Any, Any]:
    """Scales and lengths of the axes that are named."""
    if _older(c):
        scales, sizes = c.constant(1), None
        scales = np.asarray(c.attribute("scales")) if scales is None else scales
    else:
        scales, sizes = c.constant(2), c.constant(3)
    given = np.asarray(lengths)
    if sizes is not None and sizes.size:
        sizes = np.asarray(sizes, int)
        policy = c.attribute("keep_aspect_ratio_policy", "stretch")
        if policy == "stretch":
            return sizes / given, _checked(sizes, given)
        scale = (sizes / given).min() if policy == "not_larger" else (sizes / given).max()
        return np.full(len(given), scale), np.floor(scale * given + 0.5).astype(int)
    if scales is None or not scales.size:
        raise UnreadError("neither scales nor sizes")
    scales = np.asarray(scales, np.float32)
    if scales.shape != given.shape or not (scales > 0).all():
        raise UnreadError(f"scales {scales.tolist()} for {len(given)} axes")
    return scales, _checked(np.floor(given.astype(np.float32) * scales).astype(int), given)


def _checked(sizes: np.ndarray, given: np.ndarray) -> np.ndarray:
    if sizes.shape != given.shape or not (sizes > 0).all():
        raise UnreadError(f"sizes {sizes.tolist()} for lengths {given.tolist()}")
    return sizes


def _nearest(c: Context, x: Value, axes: Axes) -> Value:
    rounding = SIMPLE if _older(c) else c.attribute("nearest_mode", "round_prefer_floor")
    if rounding not in ROUNDINGS:
        raise UnreadError(f"nearest_mode {rounding!r}")
    places = {axis: made.places(rounding) for axis, made in axes.items()}
    factors = [
        axes[a].result // axes[a].length if a in axes else 1 for a in range(2, max(x.rank, 2))
    ]
    repeats = all(
        a > 1 and np.array_equal(p, np.arange(axes[a].length).repeat(factors[a - 2]))
        for a, p in places.items()
    )
    if repeats and x.rank in CHANNELS_LAST and x.rank > 2:
        image = c.ordered(x, CHANNELS_LAST[x.rank])
        return c.like(image, _repeated(c, image, factors), positive=x.positive)
    if x.rank == 4 and min(axes) > 1:
        layer = _layer_of_places(c, x, axes, places)
        if layer is not None:
            image = c.ordered(x, CHANNELS_LAST[4])
            return c.like(image, c.call(layer, image.tensor), positive=x.positive)
    tensor = x.tensor
    for axis, at in places.items():
        tensor = c.write(Gather(tensor, at, x.stored_axis(axis)), f"_axis{axis}")
    return c.like(x, tensor, positive=x.positive)


def _repeated(c: Context, image: Value, factors: list[int]) -> Tensor:
    from ... import layers

    if image.rank == 4:
        return c.write(Resize(image.tensor, "nearest", (factors[0], factors[1])))
    kind: Any = {3: layers.NearestUpSampling1D, 5: layers.NearestUpSampling3D}[image.rank]
    scale = factors[0] if image.rank == 3 else tuple(factors)
    return c.call(kind(scale, data_format="channels_last", name=c.name), image.tensor)


def _layer_of_places(c: Context, x: Value, axes: Axes, places: Mapping[int, np.ndarray]) -> Any:
    """The layer of ours that copies from just these places, or None."""
    from ... import layers
    from ...ops import _sampling

    size = tuple(axes[a].result if a in axes else x.shape[a] for a in (2, 3))
    for coordinates in ("half_pixel", "asymmetric", "align_corners"):
        if all(
            np.array_equal(
                _sampling.nearest_indices(axes[a].length, axes[a].result, coordinates), at
            )
            for a, at in places.items()
        ):
            options: dict[str, Any] = {"data_format": "channels_last", "name": c.name}
            return layers.NearestUpSampling2D(size=size, coordinates=coordinates, **options)
    return None


def _interpolated(c: Context, x: Value, axes: Axes, coefficient: float | None) -> Value:
    antialias = bool(c.attribute("antialias", 0))
    exclude = bool(c.attribute("exclude_outside", 0))
    layer = None if antialias else _layer_of_weights(c, x, axes, coefficient, exclude)
    if layer is not None:
        image = c.ordered(x, CHANNELS_LAST[x.rank])
        positive = x.positive and coefficient is None
        return c.like(image, c.call(layer, image.tensor), positive=positive)
    for axis, made in axes.items():
        x = along_axis(c, x, axis, made.matrix(coefficient, exclude, antialias), f"_axis{axis}")
    return x


def _layer_of_weights(
    c: Context, x: Value, axes: Axes, coefficient: float | None, exclude: bool
) -> Any:
    """The layer of ours that interpolates so, or None."""
    from ... import layers

    named = next(iter(axes.values())).named
    ranks = (3, 4, 5) if coefficient is None else (4,)
    if min(axes) < 2 or named not in COORDINATES_OF_LAYERS or x.rank not in ranks:
        return None
    by_ratio = named != "align_corners"
    if by_ratio and not all(made.whole for made in axes.values()):
        return None
    if named == "pytorch_half_pixel" and any(made.result == 1 for made in axes.values()):
        return None
    size = tuple(axes[a].result if a in axes else x.shape[a] for a in range(2, x.rank))
    options: dict[str, Any] = {
        "coordinates": COORDINATES_OF_LAYERS[named],
        "data_format": "channels_last",
        "name": c.name,
    }
    if coefficient is not None:
        border = "renormalize" if exclude else "clamp"
        return layers.BicubicUpSampling2D(
            size=(size[0], size[1]), coefficient=coefficient, border=border, **options
        )
    if x.rank == 3:
        return layers.LinearUpSampling1D(size=size[0], **options)
    kind: Any = {4: layers.BilinearUpSampling2D, 5: layers.TrilinearUpSampling3D}[x.rank]
    return kind(size=size, **options)


def depth_to_space(c: Context) -> Value:
    """DepthToSpace."""
    x = c.image()
    order = c.attribute("mode", "DCR").lower()
    made = Shuffle(x.tensor, c.attribute("blocksize"), order)
    return c.like(x, c.write(made), positive=x.positive)


def space_to_depth(c: Context) -> Value:
    """SpaceToDepth; the rules write it with a `mode` of its own."""
    x = c.image()
    order = c.attribute("mode", "DCR").lower()
    made = Unshuffle(x.tensor, c.attribute("blocksize"), order)
    return c.like(x, c.write(made), positive=x.positive)


REPEAT = "keras_upsample.Repeat"
"""Kind of the node that `_rules` puts for an image with each row or column several times;
attributes `axis` and `times`."""


def repeat(c: Context) -> Value:
    """y[k] = x[floor(k / times)] along an axis; rows and columns in a row are one layer."""
    x, axis, times = c.value(), c.attribute("axis"), c.attribute("times")
    if x.stored_axis(axis) not in (1, 2):
        x = c.ordered(x, CHANNELS_LAST[4] if axis == 3 else (0, 1, 2, 3))
    place, lengths = x.stored_axis(axis), x.lengths
    factors, tensor = [1, 1], x.tensor
    before = resize_of(tensor.node) if tensor.node else None
    if before is not None and before.interpolation == "nearest" and before.scale is not None:
        factors, tensor = list(before.scale), before.x
    factors[place - 1] *= times
    made = c.write(Resize(tensor, "nearest", (factors[0], factors[1])))
    note_lengths(made, [n * times if at == place else n for at, n in enumerate(lengths)])
    return c.like(x, made, positive=x.positive)


KINDS = {
    REPEAT: repeat,
    "Resize": resize,
    "Upsample": resize,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
