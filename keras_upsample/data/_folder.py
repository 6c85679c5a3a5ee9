"""Labelled images from a folder of images and a folder of masks."""

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
    """Your own images and masks, matched by file name without suffix.

        images/a.jpg  images/x/b.tif        masks/a.png  masks/x/b.tif

    Sub-folders must be the same. If the names differ, a well-known convention (`{name}.jpg` with
    `{name}_mask.gif`, Cityscapes, ...) is used if all files fit this convention and no other; a
    warning and `.pairing` name it. Anything else needs a pattern.

    A pixel of a mask is a class number: the grey value, or the index of an indexed PNG. With
    colours as `values`, the pixel's colour gives the class. With a `threshold`, the grey value is
    compared with it. Masks with only 0 and 255 have classes 0 and 1. Every file is read once at the
    beginning, and all problems are reported together. Up to 2 GiB of pixels stay in memory; the
    remaining files are read again for every crop.

    Args:
        images: folder of PNG, JPEG, TIFF, ... with the same number of channels. Alpha channels are
            dropped. A TIFF with several frames needs a mask with as many.
        masks: folder of masks, which may be the folder of the images. JPEG only with a `threshold`.
        image_pattern: pattern of the image names, where `{name}` is the part shared with the mask,
            e.g. `"{name}_leftImg8bit"`; with a suffix (`"{name}.jpg"`) only such files. A pattern
            with a slash matches the path inside the folder and may have `{folder}`:
            `"{folder}/images/{name}"`. Other files are skipped. None means `"{name}"`.
        mask_pattern: pattern of the mask names, e.g. `"{name}_gtFine_labelIds"`.
        classes: class names by number. Default: "class 0", "class 1", ... up to the highest number.
        values: pixel value of each class if these are not 0, 1, 2, ..., or its colour [red, green,
            blue] from 0 to 255; a list by class number, or a dict by class name. A colour outside
            the list is an error. Indexed pictures are read by their palette's colours then.
        ignore: pixel values or colours without a class. They become 255, the `ignore_class` of
            Keras and of `losses`.
        threshold: for soft masks: pixels from this value up are class 1, in the units of the files
            (128 for bytes, 0.5 for floats).
        normalization: `"full_range"`, `"percentiles"` or `"none"`, as in `predict`.

    Raises:
        ValueError: no such folder, images without a mask or masks without an image, names that can
            be matched in several ways, or pairs that can't be used.
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
    groups: list[str] = []
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
                groups.append(title)
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
        tuple(groups),
    )


def _read(
    picture: Path, mask_file: Path, normalization: str, kind: str
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The name, image and raw mask of each frame."""
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
