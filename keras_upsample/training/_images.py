"""The sources of a recipe -> images: labelled ones, or pictures for super-resolution."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import DATASETS, LabelledImages, folder, labelled_images, oxford_iiit_pet, photograph
from ..data._labelled import IGNORED
from ..data._lazy import Lazy
from ._data import PARTS, Data, Source
from ._split import split_groups

Images = LabelledImages | Mapping[str, np.ndarray]
"""Images with a class for every pixel, or name -> uint8 (H, W, 3)."""


def images_of(data: Data, parts: Sequence[str] = PARTS) -> dict[str, Images]:
    """The images of each part of a recipe's data; parts without images are left out.

    Args:
        data: the data of a recipe.
        parts: the parts to read: "train", "validation", "test".

    Raises:
        ValueError: a source that can't be read, sources that do not go together, or too few images
            for the fractions.
        FetchError: a labelled set can't be fetched.
    """
    shares = {
        part: share
        for part, share in (
            ("validation", data.validation_fraction),
            ("test", data.test_fraction),
        )
        if share
    }
    found: dict[str, Images] = {}
    if "train" in parts or any(part in shares for part in parts):
        if not data.train:
            raise ValueError("`data.train` names no images to train on.")
        train = read_sources(data.train, "train")
        if shares:
            groups = list(train) if isinstance(train, Mapping) else train.groups or train.names
            chosen = split_groups(groups, shares, data.split_seed)
            found |= {part: _only(train, numbers) for part, numbers in chosen.items()}
        else:
            found["train"] = train
    for part in parts:
        sources = getattr(data, part)
        if part != "train" and sources:
            found[part] = read_sources(sources, part)
    _check_together(found)
    return {part: found[part] for part in parts if part in found}


def read_sources(sources: Sequence[Source], part: str) -> Images:
    """The images of several sources as one.

    Args:
        sources: at least one, all with masks or all without.
        part: part of the labelled sets, if a source names none.

    Raises:
        ValueError: as `images_of`.
        FetchError: as `images_of`.
    """
    if not sources[0].labelled:
        pictures: dict[str, np.ndarray] = {}
        for source in sources:
            pictures |= _pictures(source)
        return pictures
    read = [_labelled(source, part) for source in sources]
    return read[0] if len(read) == 1 else _joined(read)


def words_of(data: Data) -> str:
    """What the training data are, in words, for the metadata: no path of this machine."""
    said = []
    for source in data.train:
        if source.set in DATASETS:
            entry = DATASETS[source.set]
            said.append(f"{entry.package}, {entry.name} ({entry.licence})")
        elif source.set is not None:
            said.append("Oxford-IIIT Pet (CC BY-SA 4.0)")
        elif source.photographs is not None:
            said.append("photographs of scikit-image (public domain and CC0)")
        else:
            place = "/".join(Path(str(source.images)).parts[-2:])
            said.append(f"pictures of the folder {place}")
    return "; ".join(said)


def _labelled(source: Source, part: str) -> LabelledImages:
    if source.set is not None:
        split = source.split or part
        if source.set == "oxford_iiit_pet":
            found = oxford_iiit_pet(split)
        else:
            found = labelled_images(source.set, split)
    else:
        options: dict[str, Any] = {
            name: getattr(source, name)
            for name in ("image_pattern", "mask_pattern", "values", "ignore", "threshold")
            if getattr(source, name) is not None
        }
        found = folder(
            str(source.images),
            str(source.masks),
            classes=source.class_names,
            normalization=source.scaling,
            **options,
        )
    if source.groups is not None:
        found = replace(found, groups=tuple(_group(source.groups, name) for name in found.names))
    if source.channels is not None:
        found = _with_channels(found, list(source.channels))
    if source.class_groups is not None:
        found = _with_class_groups(found, source.class_groups)
    return found


def _group(pattern: str, name: str) -> str:
    match = re.search(pattern, name)
    if match is None:
        raise ValueError(f"`groups`: {pattern!r} does not fit the image {name!r}.")
    return str(match[1] if match.re.groups else match[0])


def _with_channels(labelled: LabelledImages, channels: list[int]) -> LabelledImages:
    count = labelled.images[0].shape[-1]
    if max(channels) >= count:
        raise ValueError(f"`channels` must be of 0 to {count - 1}. Received: {channels}.")
    images = labelled.images
    return replace(labelled, images=Lazy(lambda i: images[i][..., channels], len(labelled)))


def _with_class_groups(
    labelled: LabelledImages, groups: Mapping[str, Sequence[str]]
) -> LabelledImages:
    """The images with these classes; pixels of a class that no group names do not count."""
    table = np.full(256, IGNORED, "uint8")
    for number, (name, joined) in enumerate(groups.items()):
        for old in joined:
            if old not in labelled.classes:
                raise ValueError(
                    f"`class_groups.{name}` must name classes of the data, "
                    f"{', '.join(labelled.classes)}. Received: {old!r}."
                )
            table[labelled.classes.index(old)] = number
    labels = labelled.labels
    return replace(
        labelled, labels=Lazy(lambda i: table[labels[i]], len(labelled)), classes=tuple(groups)
    )


def _joined(parts: Sequence[LabelledImages]) -> LabelledImages:
    first = parts[0]
    for other in parts[1:]:
        _check_alike(first, other)
    places = [(part, i) for part in parts for i in range(len(part))]
    return LabelledImages(
        Lazy(lambda i: places[i][0].images[places[i][1]], len(places)),
        Lazy(lambda i: places[i][0].labels[places[i][1]], len(places)),
        first.classes,
        tuple(name for part in parts for name in part.names),
        groups=tuple(group for part in parts for group in part.groups or part.names),
    )


def _check_together(found: Mapping[str, Images]) -> None:
    labelled = [images for images in found.values() if isinstance(images, LabelledImages)]
    for other in labelled[1:]:
        _check_alike(labelled[0], other)


def _check_alike(first: LabelledImages, other: LabelledImages) -> None:
    channels = [part.images[0].shape[-1] for part in (first, other)]
    if first.classes != other.classes or channels[0] != channels[1]:
        raise ValueError(
            "all images of a recipe must have the same classes and channels. Received: "
            f"{first.names[0]} with {', '.join(first.classes)} and {channels[0]} channels, "
            f"{other.names[0]} with {', '.join(other.classes)} and {channels[1]}. See "
            "`class_groups`, `class_names` and `channels`."
        )


def _only(images: Images, numbers: Sequence[int]) -> Images:
    if isinstance(images, Mapping):
        names = list(images)
        return {names[i]: images[names[i]] for i in numbers}
    pictures, labels = images.images, images.labels
    return replace(
        images,
        images=Lazy(lambda i: pictures[numbers[i]], len(numbers)),
        labels=Lazy(lambda i: labels[numbers[i]], len(numbers)),
        names=tuple(images.names[i] for i in numbers),
        groups=tuple(images.groups[i] for i in numbers) if images.groups else (),
    )


def _pictures(source: Source) -> dict[str, np.ndarray]:
    if source.photographs is not None:
        return {name: photograph(name) for name in source.photographs}
    return pictures_in_folder(Path(str(source.images)))


def pictures_in_folder(place: Path) -> dict[str, np.ndarray]:
    """The pictures of a folder and its subfolders, as RGB: name -> uint8 (H, W, 3).

    Raises:
        ValueError: no folder, no picture, or one that can't be read.
    """
    from PIL import Image

    from ..data._files import pictures_in
    from ..images._claims import open_picture
    from ..images._sources import reading

    found = {}
    for path in pictures_in("images", place, place / "masks"):
        with reading(repr(str(place / path))), open_picture(place / path) as opened:
            from PIL import ImageOps

            picture: Image.Image = ImageOps.exif_transpose(opened)
            found[str(path.with_suffix(""))] = np.asarray(picture.convert("RGB"))
    return found
