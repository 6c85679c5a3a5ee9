"""Checks that the measures share; no Keras here, for the functions are plain NumPy."""

import math
import operator
from typing import Any

import numpy as np


def whole(value: Any, name: str, minimum: int) -> int:
    """Return `value` as an int, or raise if it is not a whole number >= `minimum`."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < minimum:
        raise ValueError(
            f"`{name}` must be an int >= {minimum}. Received: {value!r}. Pass a whole number."
        )
    return operator.index(value)


def ratio(value: Any, name: str) -> float:
    """Return `value` as a float in (0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(
            f"`{name}` must be a number in (0, 1]. Received: {value!r}. The usual one is 0.02."
        )
    return float(value)


def check_ignored(value: Any) -> int | None:
    """Return the label that is left out, any whole number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(
            f"`ignore_class` must be an int or None. Received: {value!r}. Pass the label to leave "
            "out, e.g. 255."
        )
    return operator.index(value)


def band_width(height: int, width: int, dilation_ratio: float) -> int:
    """Return the band's width: the ratio of the diagonal, rounded as the authors do, from 1 up."""
    return max(1, round(dilation_ratio * math.hypot(height, width)))


def label_maps(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as integer arrays (N, H, W)."""
    maps = []
    for name, value in (("y_true", y_true), ("y_pred", y_pred)):
        labels = np.asarray(value)
        if labels.dtype.kind not in "iub":
            raise TypeError(
                f"`{name}` must hold integer labels. Received dtype {labels.dtype}. Take the "
                "`argmax` over the channels of scores first."
            )
        if labels.ndim not in (2, 3) or labels.size == 0:
            raise ValueError(
                f"`{name}` must have shape (height, width) or (batch, height, width), none of them "
                f"0. Received: {labels.shape}."
            )
        maps.append(labels.reshape(-1, *labels.shape[-2:]).astype(np.int64))
    if maps[0].shape != maps[1].shape:
        raise ValueError(
            "`y_true` and `y_pred` must have one shape. Received: "
            f"{np.shape(y_true)} and {np.shape(y_pred)}."
        )
    return maps[0], maps[1]


def check_labels(labels: np.ndarray, name: str, num_classes: int) -> None:
    """Raise unless all labels are in [0, num_classes)."""
    if labels.size and (labels.min() < 0 or labels.max() >= num_classes):
        outside = labels.min() if labels.min() < 0 else labels.max()
        raise ValueError(
            f"`{name}` must hold labels from 0 to {num_classes - 1}. Received: {outside}. Raise "
            "`num_classes`, or leave a label of the truth out by `ignore_class`."
        )


def images(value: Any, name: str) -> np.ndarray:
    """Return floats (N, H, W, C) from (H, W), (H, W, C) or (N, H, W, C), as float64."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        raise TypeError(
            f"`{name}` must hold floats. Received dtype {array.dtype}. Divide bytes by 255 first."
        )
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise ValueError(
            f"`{name}` must have shape (height, width), (height, width, channels) or (batch, "
            f"height, width, channels), none of them 0. Received: {array.shape}."
        )
    if array.ndim == 2:
        array = array[..., None]
    return array.reshape(-1, *array.shape[-3:]).astype(np.float64)
