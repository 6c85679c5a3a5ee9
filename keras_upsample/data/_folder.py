"""Two folders, of images and of masks -> labelled images."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ._labelled import LabelledImages
from ._lazy import Lazy
from ._matching import first, matched, pictures_in

_KEPT_BYTES = 2**31


def folder(
    images: str | os.PathLike,
    masks: str | os.PathLike,
    *,
    classes: Sequence[str] | None = None,
    values: Sequence[int] | None = None,
    ignore: int | None = None,
    normalization: str = "full_range",
) -> LabelledImages:
    """Images and masks of your own, matched by file name without its ending.

        images/a.jpg  images/b.tif        masks/a.png  masks/b.tif

    A pixel of a mask is a class number: the grey value, or the index of an indexed PNG. Masks that
    hold 0 and 255 alone have classes 0 and 1. Every file is read once before anything else is
    done, and all that is wrong is told together. Up to 2 GiB of pixels stay in memory; what does
    not fit is read anew for every crop.

    Args:
        images: folder of PNG, JPEG, TIFF, ... of the same number of channels; opacity is left out.
            A TIFF with several frames goes with a mask of as many.
        masks: folder of masks, not JPEG.
        classes: names, by number; default "class 0", "class 1", ... up to the highest number.
        values: the pixel value of each class, where these are not 0, 1, 2, ...
        ignore: pixel value that is no class; it becomes 255, for Keras' `ignore_class=255`.
        normalization: `"full_range"`, `"percentiles"` or `"none"`, as in `predict`.

    Raises:
        ValueError: no such folder, images or masks without their other half, or pairs that can't
            be used.
    """
    from ..predict._scaling import check_normalization
    from ._numbers import Numbers

    check_normalization(normalization)
    numbers = Numbers(classes, values, ignore)
    pairs = matched(pictures_in("images", Path(images)), pictures_in("masks", Path(masks)))
    kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    places: list[tuple[Path, Path, int]] = []
    names: list[str] = []
    problems: list[str] = []
    channels, room = None, _KEPT_BYTES
    for picture, mask_file in pairs:
        try:
            for number, (name, image, mask) in enumerate(_read(picture, mask_file, normalization)):
                channels = channels or image.shape[2]
                if image.shape[2] != channels:
                    raise ValueError(f"has {image.shape[2]} channels, those before it {channels}.")
                numbers.take(set(np.unique(mask).tolist()))
                room -= image.nbytes + mask.nbytes // 2
                if room >= 0:
                    kept[len(names)] = (image, mask)
                places.append((picture, mask_file, number))
                names.append(name)
        except (ValueError, OSError) as error:
            problems.append(f"{picture.name}, {mask_file.name}: {error}")
    if problems:
        raise ValueError(
            f"{len(problems)} of {len(pairs)} pairs of `images` and `masks` can't be used:\n  "
            + "\n  ".join(first(problems))
        )
    table = numbers.table()
    labels = {i: table[mask] for i, (_, mask) in kept.items()}
    floats = {i: image for i, (image, _) in kept.items()}
    kept.clear()

    def again(i: int) -> tuple[np.ndarray, np.ndarray]:
        picture, mask_file, number = places[i]
        _, image, mask = list(_read(picture, mask_file, normalization))[number]
        return image, table[mask]

    return LabelledImages(
        Lazy(lambda i: floats[i] if i in floats else again(i)[0], len(names)),
        Lazy(lambda i: labels[i] if i in labels else again(i)[1], len(names)),
        numbers.classes(),
        tuple(names),
    )


def _read(
    picture: Path, mask_file: Path, normalization: str
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """The name, image and raw mask of each frame."""
    from ..predict._pictures import sources_in
    from ..predict._scaling import scaling_of
    from ._masks import read_masks

    sources, masks = sources_in(picture, None), read_masks(mask_file)
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
        name = f"{picture.stem} {source.frame}".rstrip()
        yield name, image[..., : channels - source.alpha], mask
