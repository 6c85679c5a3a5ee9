"""What a model and its artefact are both shown: real photographs, noise, odd sizes, batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import photograph
from ..metadata import Scaling
from ._input_shape import InputSpec, closed
from ._signature import Signature

_NAMES = ("astronaut", "chelsea", "coffee")
ODD_SIZE = (101, 77)
"""Height and width of the odd-sized case, in pixels."""

Images = np.ndarray | Sequence[Any] | str | Path | None


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
        images: the user's: an array `(N, H, W, C)`, a list of arrays or files, or a folder of
            pictures; for inputs of 5 axes arrays may be volumes `(D, H, W, C)`; uint8 arrays are
            scaled to [0, 1] for a float input. Default: photographs.

    Raises:
        ValueError: no image, or an image that does not fit the model.
    """
    plain = signature.closed()
    result = [
        Case(label, {spec.name: _as_input(image, spec) for spec in plain.inputs})
        for label, image in _sources(images)
    ]
    rng = np.random.default_rng(20)
    result.append(
        Case(
            "noise",
            {spec.name: _noise(rng, spec.shape, spec) for spec in plain.inputs},
            real=False,
        )
    )
    odd = [closed(spec, _odd_sizes(len(spec.shape))) for spec in signature.inputs]
    image = next(_sources(images))[1]
    if tuple(odd) != plain.inputs:
        feeds = {spec.name: _as_input(image, spec) for spec in odd}
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


def _sources(images: Images) -> Any:
    if images is None:
        for name in _NAMES:
            yield name, photograph(name)
        return
    if isinstance(images, str | Path):
        images = _pictures_in(Path(images))
    if not isinstance(images, np.ndarray | list | tuple):
        raise ValueError(
            "`images` must be an array (N, H, W, C), a list of arrays or files, or a folder. "
            f"Received: {type(images).__name__}."
        )
    if len(images) == 0:
        raise ValueError("`images` is empty; pass at least one image.")
    for index, image in enumerate(images):
        if isinstance(image, str | Path):
            yield Path(image).name, _read(Path(image))
            continue
        array = np.asarray(image)
        if array.ndim not in (3, 4) or 0 in array.shape or array.dtype.kind not in "uif":
            raise ValueError(
                "`images` must hold images (H, W, C), or for networks on volumes and sequences "
                "volumes (D, H, W, C), of numbers and at least 1 pixel. "
                f"Received shape {array.shape}, dtype {array.dtype} at index {index}."
            )
        yield f"image {index}", array


def _pictures_in(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ValueError(f"`images` names {str(folder)!r}, which does not exist.")
    kinds = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in kinds)
    if not found:
        raise ValueError(
            f"`images`: {str(folder)!r} holds no picture ({', '.join(sorted(kinds))})."
        )
    return found


def _read(path: Path) -> np.ndarray:
    from ..predict._claims import open_picture

    try:
        with open_picture(path) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's, and ours of its size
        raise ValueError(f"`images`: {str(path)!r} can't be read as a picture: {error}") from error


def _odd_sizes(rank: int) -> tuple[int, ...]:
    """Of the axes between the batch and the channels: steps; rows and columns; frames before."""
    return {3: (37,), 4: ODD_SIZE, 5: (5, 21, 13)}.get(rank, ())


def _as_input(image: np.ndarray, spec: InputSpec) -> np.ndarray:
    """An image as one input's batch: resampled, its channels repeated or cut, scaled to [0, 1] for
    a float input. Inputs that are no images get noise."""
    shape = spec.shape
    dtype = np.dtype(spec.dtype)
    if len(shape) == 5 and dtype.kind in "fu":
        return _as_volume(image, spec)
    if image.ndim == 4:
        raise ValueError(
            f"`images` holds volumes, and the input {spec.name!r} has the shape {shape} (batch "
            "first). Pass images (H, W, C)."
        )
    if len(shape) != 4 or dtype.kind not in "fu":
        return _noise(np.random.default_rng(0), shape, spec)
    batch, height, width, channels = (int(n or 1) for n in shape)
    picture = image.dtype in (np.uint8, np.uint16)  # else it is scaled as the network takes it
    values = image.astype("float32")
    if picture and spec.scaling.base != "stored":
        values /= np.iinfo(image.dtype).max
    values = _resample(values, height, width)
    values = np.take(values, np.arange(channels) % values.shape[-1], axis=-1)
    if picture:
        values = _scaled(values, spec)
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


def _scaled(values: np.ndarray, spec: InputSpec) -> np.ndarray:
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
        return _scaled(noise, spec).astype(dtype) if len(size) == 4 else noise.astype(dtype)
    if dtype.kind == "b":
        return rng.random(size) < 0.5
    # A range that every embedding and every 8-bit image has.
    return rng.integers(0, 2 if dtype.kind == "i" else 256, size).astype(dtype)
