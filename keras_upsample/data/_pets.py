"""Oxford-IIIT Pet, by TensorFlow Datasets: photographs of cats and dogs with trimaps."""

import importlib
import os
from typing import Any

import numpy as np

from .._installed import need
from ..errors import FetchError, first_line
from ._labelled import LabelledImages
from ._lazy import Lazy

_CLASSES = ("background", "pet", "outline")
_SPLITS = {"train": "train[:90%]", "validation": "train[90%:]", "test": "test"}


def oxford_iiit_pet(
    split: str,
    *,
    size: int = 160,
    data_dir: str | os.PathLike | None = None,
    download: bool = True,
) -> LabelledImages:
    """37 breeds of cats and dogs: 3,312 images to train on, 368 to validate, 3,669 to test.

    The trimap's 1 (pet), 2 (background) and 3 (outline, or not sure) become

        1 2 3  ->  1 0 2        classes: background, pet, outline

    Whole images are resized to a square by Keras' `Resizing`, whatever their aspect ratio: images
    by antialiased bilinear, class numbers by nearest. They stay in memory as bytes, 0.1 MB each.

    Args:
        split: "train", "validation" (the last tenth of the official training set) or "test" (the
            official one).
        size: rows and columns in pixels.
        data_dir: folder of TensorFlow Datasets' data; default its own.
        download: False to use only data that are already there.

    Raises:
        ValueError: an unknown split, or a size below 1.
        ModuleNotFoundError: TensorFlow Datasets is not installed.
        FetchError: the data are not there and can't be downloaded (0.8 GB).

    Reference:
        Parkhi et al., Cats and Dogs, CVPR 2012; CC BY-SA 4.0.
    """
    if split not in _SPLITS:
        raise ValueError(f"`split` must be one of {', '.join(_SPLITS)}. Received: {split!r}.")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"`size` must be a whole number from 1 up. Received: {size!r}.")
    images, labels, names = [], [], []
    for image, label, name in _resize(_load(split, data_dir, download), size):
        images.append(np.rint(image).astype("uint8"))
        labels.append(np.array([0, 1, 0, 2], "uint8")[label[..., 0].astype(int)])
        names.append(name.decode())
    return LabelledImages(
        Lazy(lambda i: images[i] / np.float32(255), len(images)),
        tuple(labels),
        _CLASSES,
        tuple(names),
    )


def _load(split: str, data_dir: str | os.PathLike | None, download: bool) -> Any:
    reason = "oxford_iiit_pet is read by TensorFlow Datasets."
    need("tensorflow_datasets", reason, "tensorflow-datasets importlib-resources")
    tfds: Any = importlib.import_module("tensorflow_datasets")
    try:
        return tfds.load(
            "oxford_iiit_pet:4.*.*",
            split=_SPLITS[split],
            data_dir=None if data_dir is None else os.fspath(data_dir),
            download=download,
            shuffle_files=False,
        )
    except Exception as error:  # of requests, TensorFlow and its own
        raise FetchError(
            f"oxford_iiit_pet can't be loaded by TensorFlow Datasets: {first_line(error)}. Check "
            "the network, or pass `data_dir`, a folder that was prepared on another machine."
        ) from error


def _resize(dataset: Any, size: int) -> Any:
    """(image, mask, file name), NumPy."""
    import keras

    resize = keras.layers.Resizing(size, size, antialias=True)

    def pair(record: Any) -> Any:
        both = resize(
            {"images": record["image"], "segmentation_masks": record["segmentation_mask"]}
        )
        return both["images"], both["segmentation_masks"], record["file_name"]

    return dataset.map(pair).as_numpy_iterator()
