"""Channels last or first, from the shapes of a file's tensors."""

from collections.abc import Mapping, Sequence

import numpy as np

from ._runner import TensorInfo

_FEW = 4  # grey, two stains, RGB, RGBA
_MANY = 32  # more than the bands of most pictures, fewer than the pixels of most sides


def likely_layout(shape: Sequence[int | None]) -> str | None:
    """The layout of an image batch by its shape, `"nhwc"` or `"nchw"`; None if it is ambiguous.

    (N, 3, H, W) -> nchw    (1, 16, 16, 3) -> nhwc    (N, 12, 512, 512) -> nchw
    (1, 3, 64, 3) -> None   (N, None, None, None) -> None
    """
    if len(shape) != 4:
        return None
    first, height, width, last = shape[1], shape[2], shape[2], shape[3]
    few_first, few_last = (n is not None and n <= _FEW for n in (first, last))
    if few_first != few_last:
        return "nchw" if few_first else "nhwc"
    if few_first:
        return None
    if _below(first) and not _below(width) and not _below(last):
        return "nchw"
    if _below(last) and not _below(first) and not _below(height):
        return "nhwc"
    return None


def settle_layout(said: str | None, inputs: Sequence[TensorInfo]) -> tuple[str, bool]:
    """The layout of a file, and whether it is known from the metadata or from the shapes.

    Args:
        said: layout in the file's metadata.
        inputs: inputs of the file.
    """
    if said in ("nhwc", "nchw"):
        return said, True
    found = {likely_layout(info.shape) for info in inputs if len(info.shape) == 4}
    if len(found) == 1 and None not in found:
        return str(found.pop()), True
    return "nhwc", not found


def _below(size: int | None) -> bool:
    return size is not None and size < _MANY


def to_layout(array: np.ndarray, layout: str) -> np.ndarray:
    """Transpose an input to the artefact's layout."""
    if layout == "nchw" and array.ndim == 4:
        return np.ascontiguousarray(array.transpose(0, 3, 1, 2))
    return array


def from_layout(outputs: Mapping[str, np.ndarray], layout: str) -> dict[str, np.ndarray]:
    """Transpose an artefact's outputs to channels last."""
    if layout != "nchw":
        return dict(outputs)
    return {
        name: array.transpose(0, 2, 3, 1) if array.ndim == 4 else array
        for name, array in outputs.items()
    }
