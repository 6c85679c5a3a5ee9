"""Verification cases: photographs, noise, odd sizes, batches."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import photograph
from ..metadata import Scaling
from ..program._input_shape import InputSpec, close_sizes, pixel_axes
from ..program._signature import Signature
from ._item import Example, takes_pictures
from ._sources import examples

_NAMES = ("astronaut", "chelsea", "coffee")
ODD_SIZE = (101, 77)
"""Height and width of the odd-sized case, in pixels."""

Images = Any
"""See `KINDS`, and None."""


@dataclass(frozen=True)
class Case:
    """One set of inputs, channels last, by name.

    Attributes:
        label: for messages and the report.
        feeds: input name -> array with the batch first.
        standard: whether the model must accept it; others are left out where it refuses them.
        real: whether it holds nothing but images; ranges learnt from images do not suit noise.
    """

    label: str
    feeds: Mapping[str, np.ndarray]
    standard: bool = True
    real: bool = True


def cases(signature: Signature, images: Images = None) -> list[Case]:
    """The cases for a model: each image, seeded noise, and where sizes are open an odd size and
    a batch of two.

    Args:
        signature: the model's own, open sizes still open.
        images: the user's, see `KINDS`; for inputs of 5 axes volumes `(D, H, W, C)` or images,
            of 3 signals `(steps, C)`. uint8 and uint16 images are scaled to [0, 1] for a float
            input. Default: photographs.

    Raises:
        ValueError: no image, or an image that does not fit the model.
    """
    own, signature = signature, at_size_of(signature, images)
    plain = signature.closed()
    result = [
        Case(label, {spec.name: _batch_of(example, spec) for spec in plain.inputs})
        for label, example in _sources(images, signature)
    ]
    rng = np.random.default_rng(20)
    result.append(
        Case(
            "noise",
            {spec.name: _noise(rng, spec.shape, spec) for spec in plain.inputs},
            real=False,
        )
    )
    odd = [close_sizes(spec, _odd_sizes(len(spec.shape))) for spec in own.inputs]
    example = next(_sources(images, signature))[1]
    if any(spec.usual and None in spec.shape[1:] for spec in own.inputs):
        for other in at_other_sizes(own.inputs):
            feeds = {spec.name: _batch_of(example, close_sizes(spec)) for spec in other}
            size = ", ".join("x".join(map(str, s.shape[1:])) for s in other if s.usual)
            result.append(Case(f"resized to {size}", feeds, standard=False))
    if any(spec.trial and None in spec.shape[1:] for spec in own.inputs):
        # these networks refuse the odd size, and one size alone would show no constants
        other = [_double(spec) for spec in own.inputs]
        feeds = {spec.name: _batch_of(example, close_sizes(spec)) for spec in other}
        result.append(Case("height doubled", feeds, standard=False))
    if tuple(odd) != plain.inputs and _long_enough(example, odd):
        feeds = {spec.name: _batch_of(example, spec) for spec in odd}
        largest = max((spec.shape for spec in odd), key=len)
        size = "x".join(map(str, _odd_sizes(len(largest)) or largest[1:]))
        result.append(Case(f"odd size {size}", feeds, standard=False))
    if all(spec.shape[0] is None for spec in signature.inputs):
        first = result[0].feeds
        feeds = {
            spec.name: np.concatenate([first[spec.name], _noise(rng, spec.shape, spec)])
            for spec in plain.inputs
        }
        result.append(Case("batch of 2", feeds, standard=False, real=False))
    return result


def _sources(
    images: Images, signature: Signature, argument: str = "images"
) -> Iterator[tuple[str, Example]]:
    """Labels and examples; without `images` photographs, or nothing where no input takes any."""
    if images is None:
        taking = [spec.name for spec in signature.inputs if takes_pictures(spec)]
        if not taking:
            yield "random numbers", Example()
        for name in _NAMES if taking else ():
            yield name, Example(dict.fromkeys(taking, photograph(name)))
        return
    found = False
    for entry in examples(images, signature, argument):
        found = True
        yield entry
    if not found:
        raise ValueError(f"`{argument}` is empty; pass at least one image.")


def at_size_of(signature: Signature, given: Any, argument: str = "images") -> Signature:
    """The signature with open lengths of signals and volumes closed by the first example.

    They can't be resampled, as pictures are.

    Args:
        signature: of any sizes.
        given: see `KINDS`, or None.
        argument: its name, for messages.
    """
    if given is None or all(None not in s.shape[1:] for s in signature.inputs):
        return signature
    _, example = next(_sources(given, signature, argument))
    inputs = tuple(_at_size(spec, example.get(spec.name)) for spec in signature.inputs)
    return replace(signature, inputs=inputs)


def _at_size(spec: InputSpec, values: np.ndarray | None) -> InputSpec:
    if values is None or takes_pictures(spec) or values.ndim != len(spec.shape) - 1:
        return spec
    sizes = (own if n is None else n for n, own in zip(spec.shape[1:], values.shape, strict=True))
    return replace(spec, shape=(spec.shape[0], *sizes))


def _double(spec: InputSpec) -> InputSpec:
    """An open height at twice the size of the trial."""
    axis = pixel_axes(spec)[0] if len(spec.shape) == 4 else 0
    if not spec.trial or spec.shape[axis] is not None:
        return spec
    shape = (*spec.shape[:axis], 2 * spec.trial, *spec.shape[axis + 1 :])
    return replace(spec, shape=shape)


def _odd_sizes(rank: int) -> tuple[int, ...]:
    """Of the axes between the batch and the channels: steps; rows and columns; frames before."""
    return {3: (37,), 4: ODD_SIZE, 5: (5, 21, 13)}.get(rank, ())


def _long_enough(example: Example, specs: Sequence[InputSpec]) -> bool:
    """Whether signals, which can't be resampled, reach these sizes."""
    return all(
        takes_pictures(spec)
        or all(
            n >= int(m or 1) for n, m in zip(example[spec.name].shape, spec.shape[1:], strict=False)
        )
        for spec in specs
        if spec.name in example
    )


def _batch_of(example: Example, spec: InputSpec) -> np.ndarray:
    """An example as one input's batch; noise for an input that it does not name."""
    if spec.name in example:
        return _as_input(example[spec.name], spec)
    return _noise(np.random.default_rng(0), spec.shape, spec)


def _exact(values: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Signals and whatever is no picture, as it is; cut to the input's size where it is longer.

    Raises:
        ValueError: it is shorter, or has other channels.
    """
    wanted = tuple(int(n or 1) for n in spec.shape[1:])
    fits = values.ndim == len(wanted) and values.shape[-1:] == wanted[-1:]
    if not fits or any(n < w for n, w in zip(values.shape, wanted, strict=True)):
        raise ValueError(
            f"The input {spec.name!r} takes examples of the shape {wanted}. Received: "
            f"{values.shape}. Pass longer ones, or fix the size by `input_shape`."
        )
    begins = [(n - w) // 2 for n, w in zip(values.shape, wanted, strict=True)]
    cut = tuple(slice(b, b + w) for b, w in zip(begins, wanted, strict=True))
    cast = values[cut].astype(spec.dtype)
    if cast.dtype.kind in "iu" and (cast != values[cut]).any():
        raise ValueError(
            f"The input {spec.name!r} takes whole numbers of {spec.dtype}. Received others, of "
            f"{values.dtype}."
        )
    return np.repeat(cast[None], int(spec.shape[0] or 1), axis=0)


def _as_input(image: np.ndarray, spec: InputSpec) -> np.ndarray:
    """An image as one input's batch: resampled, its channels repeated or cut, scaled to [0, 1] for
    a float input; see `_exact` for what is no image."""
    shape = spec.shape
    dtype = np.dtype(spec.dtype)
    if not takes_pictures(spec):
        return _exact(image, spec)
    if len(shape) == 5:
        return _as_volume(image, spec)
    batch, height, width, channels = (int(n or 1) for n in shape)
    picture = image.dtype in (np.uint8, np.uint16)  # else it is scaled as the network takes it
    values = image.astype("float32")
    if picture and spec.scaling.base != "stored":
        values /= np.iinfo(image.dtype).max
    values = _resample(values, height, width)
    values = np.take(values, np.arange(channels) % values.shape[-1], axis=-1)
    if picture:
        values = _scale(values, spec)
    elif dtype.kind == "u" and spec.scaling == Scaling():
        values = values.clip(0, 1) * np.iinfo(dtype).max
    if dtype.kind == "u":
        values = np.round(values.clip(0, np.iinfo(dtype).max))
    return np.repeat(values[None].astype(dtype), batch, axis=0)


def _as_volume(image: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Frames or slices (N, D, H, W, C): of a volume (D, H, W, C) from its begin, again and again
    where it is too short; of one image, moved a pixel each time."""
    batch, depth, height, width, channels = (int(n or 1) for n in spec.shape)
    plane = replace(spec, shape=(1, height, width, channels))
    if image.ndim == 4:
        frames = [image[n % len(image)] for n in range(depth)]
    else:
        frames = [np.roll(image, n, axis=1) for n in range(depth)]
    values = np.concatenate([_as_input(frame, plane) for frame in frames])
    return np.repeat(values[None], batch, axis=0)


def _scale(values: np.ndarray, spec: InputSpec) -> np.ndarray:
    """Values in [0, 1] -> those that the input takes."""
    scaling = spec.scaling
    if np.dtype(spec.dtype).kind == "u" and scaling == Scaling():
        scaling = Scaling.to_range(0, np.iinfo(spec.dtype).max)
    if scaling.channels not in (None, values.shape[-1]):
        raise ValueError(
            f"The scaling of {spec.name!r} is for {scaling.channels} channels, and it takes "
            f"{values.shape[-1]}. Correct the metadata."
        )
    if scaling == Scaling():
        return values  # to the last bit as it was
    return values * np.asarray(scaling.scale, "float32") + np.asarray(scaling.offset, "float32")


def _resample(values: np.ndarray, height: int, width: int) -> np.ndarray:
    if values.shape[:2] == (height, width):
        return values
    from PIL import Image

    planes = [
        Image.fromarray(np.ascontiguousarray(values[..., channel])).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for channel in range(values.shape[-1])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _noise(rng: np.random.Generator, shape: Sequence[int | None], spec: InputSpec) -> np.ndarray:
    size = [int(n or 1) for n in shape]
    dtype = np.dtype(spec.dtype)
    if dtype.kind == "f":
        noise = rng.random(size, dtype="float32")
        return _scale(noise, spec).astype(dtype) if len(size) == 4 else noise.astype(dtype)
    if dtype.kind == "b":
        return rng.random(size) < 0.5
    # A range that every embedding and every 8-bit image has.
    return rng.integers(0, 2 if dtype.kind == "i" else 256, size).astype(dtype)


def at_other_sizes(specs: Sequence[InputSpec]) -> Iterator[list[InputSpec]]:
    """The inputs at other sizes than their usual ones, for trials.

    Half of one side and 3/2 of the other, where these are multiples of 32, which no usual network's
    stride forbids; else larger whole multiples. All inputs grow by the same factors.
    """
    sides = [s.usual[axis] or 0 for s in specs if s.usual for axis in pixel_axes(s)]
    halves = all(side % 64 == 0 for side in sides)
    for factors in ((1.5, 0.5), (0.5, 1.5)) if halves else ((2, 3), (1, 2)):
        yield [_grow(spec, factors) for spec in specs]


def _grow(spec: InputSpec, factors: tuple[float, float]) -> InputSpec:
    shape = list(spec.shape)
    if spec.usual:
        for axis, factor in zip(pixel_axes(spec), factors, strict=True):
            if shape[axis] is None:
                shape[axis] = int((spec.usual[axis] or 1) * factor)
    return replace(spec, shape=tuple(shape))
