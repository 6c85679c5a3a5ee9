"""The labelled sets: images in [0, 1], class numbers by pixel, fixed splits."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ._catalogue import DATASETS
from ._fetch import fetch

PERCENTILES = (1.0, 99.8)
IGNORED = 255

SPLITS: dict[str, dict[str, tuple[int, ...]]] = {
    # Frames of a film of a wound that closes, 10 in all, from 28% of the area covered to 80%. The
    # held-out frames lie between those to train on, not behind them; neighbours look alike, so that
    # 2, 4 and 6 are left unused between the parts.
    "cells": {"train": (0, 1, 7, 8, 9), "validation": (3,), "test": (5,)},
    # Slices of a stack. Below 24 and above 45 the labels are of nuclei out of focus, or missing;
    # 38 to 40 lie between the parts, unused.
    "nuclei": {"train": tuple(range(24, 38)), "validation": (41, 42, 43, 44, 45)},
    "nuclei_stardist": {"test": (0,)},
}
"""Data set -> split -> numbers of its frames or slices."""


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images with a class for every pixel.

    Attributes:
        images: float32 arrays (H, W, C) in [0, 1]; large sets are read on access.
        labels: uint8 arrays (H, W) of class numbers; 255 for pixels without a class.
        classes: class names by number.
        names: name of each image, which says where it comes from.
        pairing: how `folder` matched images and masks, if their names differ.
        groups: name of the film or stack to which each image belongs; empty if the images are
            independent. Images of one group look alike, and `training` never splits them.

    Raises:
        ValueError: the number of labels, names or groups differs from that of the images.
    """

    images: Sequence[np.ndarray]
    labels: Sequence[np.ndarray]
    classes: tuple[str, ...]
    names: tuple[str, ...]
    pairing: str = ""
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        counts = [len(self.images), len(self.labels), len(self.names)]
        if len({*counts}) > 1:
            raise ValueError(
                "`images`, `labels` and `names` must be equally many. Received: "
                f"{counts[0]}, {counts[1]} and {counts[2]}."
            )
        if self.groups and len(self.groups) != len(self.names):
            raise ValueError(
                "`groups` must name the film of each image, or be empty. Received: "
                f"{len(self.groups)} for {len(self.names)} images."
            )

    def __len__(self) -> int:
        return len(self.names)


def normalize(image: np.ndarray, method: str = "full_range") -> np.ndarray:
    """An image as float32 in [0, 1].

    Args:
        image: (H, W, C), integers or floats.
        method: "full_range" divides integers by the largest value of their dtype and leaves floats
            as they are; "percentiles" maps percentile 1 to 0 and percentile 99.8 to 1, channel by
            channel, and clips the rest (a constant channel becomes 0).

    Raises:
        ValueError: an unknown method, an image that is not (H, W, C), or floats outside [0, 1] for
            "full_range".
    """
    if image.ndim != 3:
        raise ValueError(f"`image` must be (height, width, channels). Received: {image.shape}.")
    if method == "full_range":
        if image.dtype.kind in "ui":
            return (image / np.float32(np.iinfo(image.dtype).max)).astype("float32")
        if image.size and not (image.min() >= 0 and image.max() <= 1):
            raise ValueError(
                f"`image` holds floats from {image.min():.4g} to {image.max():.4g}; for "
                "'full_range' they must be in [0, 1]. Scale them, or pass method='percentiles'."
            )
        return image.astype("float32")
    if method == "percentiles":
        low, high = np.percentile(image, PERCENTILES, axis=(0, 1))
        span = np.where(high > low, high - low, 1)
        scaled = np.clip((image.astype("float64") - low) / span, 0, 1)
        return np.where(high > low, scaled, 0).astype("float32")
    raise ValueError(f"`method` must be 'full_range' or 'percentiles'. Received: {method!r}.")


def labelled_images(name: str, split: str) -> LabelledImages:
    """A split of a data set, fetched at the first call; each channel normalized by percentiles.

    Args:
        name: "cells" (channels: nuclei stain, oblique light), "nuclei" or "nuclei_stardist" (one
            channel).
        split: a key of `SPLITS[name]`: "train", "validation" or "test".

    Raises:
        ValueError: an unknown name or split.
        FetchError: the data are not in the cache and can't be downloaded.

    Example:
        >>> labelled_images("cells", "test").images[0].shape  # doctest: +SKIP
        (210, 576, 2)
    """
    if name not in SPLITS:
        raise ValueError(f"`name` must be one of {', '.join(SPLITS)}. Received: {name!r}.")
    if split not in SPLITS[name]:
        raise ValueError(
            f"`split` of {name!r} must be one of {', '.join(SPLITS[name])}. Received: {split!r}."
        )
    images, labels = _cells() if name == "cells" else _nuclei(name)
    chosen = SPLITS[name][split]
    return LabelledImages(
        tuple(normalize(images[i], "percentiles") for i in chosen),
        tuple(labels[i] for i in chosen),
        DATASETS[name].classes,
        tuple(f"{name} {i}" for i in chosen),
        groups=(name,) * len(chosen),
    )


def _cells() -> tuple[np.ndarray, np.ndarray]:
    """All frames, (10, 210, 576, 2), and their classes; where both are marked, the nucleus wins."""
    from tifffile import imread

    (path,) = fetch("cells")
    stain, oblique, nuclei, cytoplasm = imread(path)  # (4, T, H, W)
    labels = np.where(nuclei > 0, 2, np.where(cytoplasm > 0, 1, 0)).astype("uint8")
    return np.stack([stain, oblique], axis=-1), labels  # (T, H, W, 2), (T, H, W)


def _nuclei(name: str) -> tuple[np.ndarray, np.ndarray]:
    """All slices, (N, H, W, 1), and where a nucleus is."""
    from tifffile import imread

    images, labels = (imread(path) for path in fetch(name))
    if images.ndim == 2:
        images, labels = images[None], labels[None]
    return images[..., None], (labels > 0).astype("uint8")
