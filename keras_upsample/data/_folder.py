"""Two folders, of images and of masks -> labelled images."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._labelled import LabelledImages
from ._lazy import Lazy
from ._match import first
from ._matching import pair

_KEPT_BYTES = 2**31


def folder(
    images: str | os.PathLike,
    masks: str | os.PathLike,
    *,
    image_pattern: str | None = None,
    mask_pattern: str | None = None,
    classes: Sequence[str] | None = None,
    values: Sequence[Any] | Mapping[str, Any] | None = None,
    ignore: Any = None,
    threshold: float | None = None,
    normalization: str = "full_range",
) -> LabelledImages:
    """Images and masks of your own, matched by file name without its ending.

        images/a.jpg  images/x/b.tif        masks/a.png  masks/x/b.tif

    Sub-folders must be the same. Where the names are not, one of the well-known conventions
    (`{name}.jpg` with `{name}_mask.gif`, Cityscapes, ...) is taken if all files fit it and no
    other; a warning and `.pairing` say which. Anything else needs a pattern.

    A pixel of a mask is a class number: the grey value, or the index of an indexed PNG; with
    colours as `values` its colour; with a `threshold` a strength. Masks that hold 0 and 255 alone
    have classes 0 and 1. Every file is read once before anything else is done, and all that is
    wrong is told together. Up to 2 GiB of pixels stay in memory; what does not fit is read anew for
    every crop.

    Args:
        images: folder of PNG, JPEG, TIFF, ... of the same number of channels; opacity is left out.
            A TIFF with several frames goes with a mask of as many.
        masks: folder of masks; no JPEG, but with a `threshold`. It may be the folder of the images.
        image_pattern: name of an image with `{name}` for what it shares with its mask, e.g.
            `"{name}_leftImg8bit"`; with an ending (`"{name}.jpg"`) only such files. A pattern with
            a slash is of the path from the folder and may have `{folder}`:
            `"{folder}/images/{name}"`. Files that do not fit are left out. None for `"{name}"`.
        mask_pattern: the same of a mask, e.g. `"{name}_gtFine_labelIds"`.
        classes: names, by number; default "class 0", "class 1", ... up to the highest number.
        values: the pixel value of each class, where these are not 0, 1, 2, ...; or its colour,
            [red, green, blue] from 0 to 255; by number, or a dict by name. A colour that is in none
            is an error. Of an indexed picture the palette's colours are taken then.
        ignore: pixel value or colour, or several, of no class; they become 255, for
            `ignore_class=255` of Keras and of `losses`.
        threshold: of soft masks: class 1 from this value up, in the units of the files (128 of
            bytes, 0.5 of floats).
        normalization: `"full_range"`, `"percentiles"` or `"none"`, as in `predict`.

    Raises:
        ValueError: no such folder, images or masks without their other half, names that can be
            matched in several ways, or pairs that can't be used.
    """
    from ..images._scaling import check_normalization
    from ._mask_classes import mask_classes

    check_normalization(normalization)
    how = mask_classes(classes, values, ignore, threshold)
    pairing = pair(Path(images), Path(masks), image_pattern, mask_pattern)
    pairs = pairing.pairs
    kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    places: list[tuple[Path, Path, int]] = []
    names: list[str] = []
    problems: list[str] = []
    channels, room = None, _KEPT_BYTES
    for title, (picture, mask_file) in zip(pairing.names, pairs, strict=True):
        try:
            frames = _read(picture, mask_file, normalization, how.kind)
            for number, (frame, image, mask) in enumerate(frames):
                channels = channels or image.shape[2]
                if image.shape[2] != channels:
                    raise ValueError(f"has {image.shape[2]} channels, those before it {channels}.")
                how.take(mask)
                room -= image.nbytes + mask.size
                if room >= 0:
                    kept[len(names)] = (image, mask)
                places.append((picture, mask_file, number))
                names.append(f"{title} {frame}".rstrip())
        except (ValueError, OSError) as error:
            problems.append(f"{title}{picture.suffix}, {mask_file.name}: {error}")
    if problems:
        raise ValueError(
            f"{len(problems)} of {len(pairs)} pairs of `images` and `masks` can't be used:\n  "
            + "\n  ".join(first(problems))
        )
    how.close()
    labels = {i: how.labels(mask) for i, (_, mask) in kept.items()}
    floats = {i: image for i, (image, _) in kept.items()}
    kept.clear()

    def again(i: int) -> tuple[np.ndarray, np.ndarray]:
        picture, mask_file, number = places[i]
        _, image, mask = list(_read(picture, mask_file, normalization, how.kind))[number]
        return image, how.labels(mask)

    return LabelledImages(
        Lazy(lambda i: floats[i] if i in floats else again(i)[0], len(names)),
        Lazy(lambda i: labels[i] if i in labels else again(i)[1], len(names)),
        how.classes(),
        tuple(names),
        pairing.said,
    )


def _read(
    picture: Path, mask_file: Path, normalization: str, kind: str
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The frame's name, image and raw mask of each frame."""
    from ..images._pictures import sources_in
    from ..images._scaling import scaling_of
    from ._masks import read_masks

    sources, masks = sources_in(picture, None), read_masks(mask_file, kind)
    if len(masks) == 1 < len(sources):  # an axis without a name may be the channels
        sources = sources_in(picture, len(sources))
    if len(sources) != len(masks):
        raise ValueError(f"the image has {len(sources)} frames, the mask {len(masks)}.")
    for source, mask in zip(sources, masks, strict=True):
        height, width, channels = source.shape
        if mask.shape != (height, width):
            raise ValueError(
                f"the image is {height}x{width}, the mask {mask.shape[0]}x{mask.shape[1]} (rows x "
                "columns)."
            )
        image = scaling_of(source, normalization)(source.rows(0, height))
        yield source.frame, image[..., : channels - source.alpha], mask
