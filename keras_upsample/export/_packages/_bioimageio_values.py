"""Axes, values and scaling of tensors as bioimage.io describes them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...metadata import Output, Scaling

_EPS = 1e-9
"""Added to the span between percentiles, where this package adds nothing."""


def axes_of(
    shape: Sequence[int], layout: str, names: Sequence[str], batch: int | None
) -> list[dict[str, Any]]:
    """Axes of a tensor (N, H, W, C) or (N, H, W); those of space have no size yet.

    Args:
        shape: sizes, channels last.
        layout: layout of the file.
        names: names of the channels; others are numbered if there are not as many.
        batch: the batch, None for any.
    """
    first: dict[str, Any] = {"type": "batch"} if batch is None else {"type": "batch", "size": batch}
    space: list[dict[str, Any]] = [{"type": "space", "id": axis} for axis in "yx"]
    if len(shape) == 3:
        return [first, *space]
    if len(names) != shape[3] or len(set(names)) != len(names):
        names = [f"channel_{number}" for number in range(shape[3])]
    channel = {"type": "channel", "channel_names": list(names)}
    return [first, channel, *space] if layout == "nchw" else [first, *space, channel]


def data_of(dtype: np.dtype[Any], output: Output | None) -> dict[str, Any]:
    """Dtype of an output; of a class map the names of its values too."""
    if (
        output is not None
        and output.kind == "class_map"
        and output.class_names
        and dtype.kind == "u"
    ):
        return {"type": str(dtype), "values": list(output.class_names)}
    return {"type": str(dtype)}


def raw_image(shape: Sequence[int], scaling: Scaling | None, dtype: np.dtype[Any]) -> np.ndarray:
    """An image before its scaling: bytes of the full range, or numbers."""
    rng = np.random.default_rng(0)
    coarse = rng.random((shape[0], shape[1] // 8 + 2, shape[2] // 8 + 2, shape[3]))
    image = coarse.repeat(8, 1).repeat(8, 2)[:, : shape[1], : shape[2]]
    image = 0.8 * image + 0.2 * rng.random(image.shape)
    if dtype == np.uint8 or (scaling is not None and scaling.base == "full_range"):
        return np.round(image * 255).astype("uint8")
    return image.astype("float32") if dtype.kind == "f" else np.round(image * 100).astype(dtype)


def processed(image: np.ndarray, scaling: Scaling | None, dtype: np.dtype[Any]) -> np.ndarray:
    """What the network gets of it."""
    if scaling is None or dtype.kind != "f":
        return image.astype(dtype)
    values = image.astype("float64")
    if scaling.base == "percentiles":
        low, high = np.percentile(values, scaling.percentiles, axis=(1, 2), keepdims=True)
        values = np.clip((values - low) / (high - low + _EPS), 0, 1)
    elif scaling.base == "full_range":
        values = values / 255
    return (values * np.array(scaling.scale) + np.array(scaling.offset)).astype(dtype)


def preprocessing_of(scaling: Scaling | None, dtype: np.dtype[Any]) -> list[dict[str, Any]]:
    """The same as steps of bioimage.io."""
    if scaling is None or dtype.kind != "f":
        return []
    steps: list[dict[str, Any]] = []
    if scaling.base == "percentiles":
        low, high = scaling.percentiles
        span = {"min_percentile": low, "max_percentile": high, "axes": ["y", "x"], "eps": _EPS}
        steps.append({"id": "scale_range", "kwargs": span})
        steps.append({"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}})
    unit = 255.0 if scaling.base == "full_range" else 1.0
    gain, offset = [value / unit for value in scaling.scale], list(scaling.offset)
    count = max(len(gain), len(offset))
    gain, offset = gain * (count // len(gain)), offset * (count // len(offset))
    if set(gain) != {1.0} or set(offset) != {0.0}:
        kwargs: dict[str, Any] = {"gain": gain[0], "offset": offset[0]}
        if count > 1:
            kwargs = {"axis": "channel", "gain": gain, "offset": offset}
        steps.append({"id": "scale_linear", "kwargs": kwargs})
    return [*steps, {"id": "ensure_dtype", "kwargs": {"dtype": str(dtype)}}]
