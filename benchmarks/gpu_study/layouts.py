"""(N, H, W, C) arrays in the order of axes that a layer takes, and back."""

from typing import Any

import numpy as np

FORMATS = ("channels_first", "channels_last")


def placed(images: np.ndarray, data_format: str) -> np.ndarray:
    """(N, H, W, C) as `data_format` has it."""
    if data_format == "channels_last":
        return images
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def as_images(tensor: Any, data_format: str) -> Any:
    """A tensor in `data_format` as (N, H, W, C); of PyTorch or JAX."""
    if data_format == "channels_last":
        return tensor
    if hasattr(tensor, "permute"):
        return tensor.permute(0, 2, 3, 1)
    return tensor.transpose(0, 2, 3, 1)
