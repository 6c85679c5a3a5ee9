"""The values of an image -> those that a network was trained on, band by band."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..metadata import _scaling as meaning
from ..metadata._scaling import scaling_named
from ._sources import Source

_WHOLE = 2**22
"""Pixels. Of larger images the percentiles are those of evenly spaced rows."""

_ROWS = 64
"""Few, because reading one row of a compressed file decodes all strips or tiles that it meets."""


@dataclass(frozen=True)
class Scaling:
    """y = scale · u + offset, u = (x − low) / span, cut to [0, 1] where `clip` is set.

    `low`, `span`, `scale` and `offset` are (C,), the last two None for u itself. As
    `data.normalize`, but computed once for the whole image.
    """

    low: np.ndarray
    span: np.ndarray
    clip: bool
    scale: np.ndarray | None = None
    offset: np.ndarray | None = None

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(h, w, C) of any dtype -> float32, a new array."""
        result = values.astype("float32", order="C")  # so that `rows` is a view of it
        # A row of the image at a time: a last axis of 3 would take NumPy ten times as long.
        width = values.shape[1]
        rows = result.reshape(values.shape[0], -1)  # (h, w · C)
        if self.clip:  # else `low` is 0
            rows -= np.tile(self.low, width)
        rows /= np.tile(self.span, width)
        if self.clip:
            np.clip(result, 0, 1, out=result)
        if self.scale is not None and self.offset is not None:
            rows *= np.tile(self.scale, width)
            rows += np.tile(self.offset, width)
        return result


def scaling_of(source: Source, normalization: Any) -> Scaling:
    """The scaling of one image.

    Args:
        source: the image.
        normalization: a `keras_upsample.metadata.Scaling`, or what names one: `"full_range"`
            divides by the dtype's largest value (floats are taken to be in [0, 1]);
            `"percentiles"` takes percentile 1 to 0 and 99.8 to 1, channel by channel, and cuts off
            the rest; `"none"` leaves the values as they are; `"imagenet"`, ... see
            `keras_upsample.predict.load_model`.

    Raises:
        ValueError: an unknown `normalization`, floats outside [0, 1] for `"full_range"`, or a
            scaling for another number of channels.
    """
    wanted = scaling_named(normalization)
    channels = source.shape[2]
    if wanted.channels not in (None, channels):
        raise ValueError(
            f"The scaling is for {wanted.channels} channels, and the image has {channels}. Choose "
            "as many by `channels` (--channels), or another `normalization`."
        )
    unscaled = _of_base(source, wanted)
    if wanted.scale == (1.0,) and wanted.offset == (0.0,):
        return unscaled
    one = np.ones(channels, "float32")
    scale, offset = (np.asarray(n, "float32") * one for n in (wanted.scale, wanted.offset))
    return replace(unscaled, scale=scale, offset=offset)


def _of_base(source: Source, wanted: meaning.Scaling) -> Scaling:
    """Of u alone."""
    channels = source.shape[2]
    zero, one = np.zeros(channels, "float32"), np.ones(channels, "float32")
    if wanted.base == "stored":
        return Scaling(zero, one, clip=False)
    if wanted.base == "full_range":
        if source.dtype.kind in "ui":
            return Scaling(zero, one * np.iinfo(source.dtype).max, clip=False)
        parts = [part for part in _sample(source) if part.size]
        low, high = (min(p.min() for p in parts), max(p.max() for p in parts)) if parts else (0, 1)
        if low < 0 or high > 1:
            raise ValueError(
                f"The image holds floats from {low:.4g} to {high:.4g}; with "
                "normalization 'full_range' they must be in [0, 1]. Divide them, or choose "
                "'percentiles' or 'none' if that is what the model was trained on."
            )
        return Scaling(zero, one, clip=False)
    sample = _sample(source)
    low, high = np.array(
        [np.percentile(part, wanted.percentiles) if part.size else (0, 0) for part in sample],
        "float32",
    ).T
    # A channel without contrast becomes 0, not a division by zero.
    return Scaling(low, np.where(high > low, high - low, np.float32(np.inf)), clip=True)


def check_normalization(normalization: str) -> None:
    """Raises `ValueError` for an unknown one."""
    scaling_named(normalization)


def _sample(source: Source) -> list[np.ndarray]:
    """The data of each channel: of the whole image, or of evenly spaced rows of a large one.

    The same every time. Where these rows hold no data (a scene in a corner of its raster), more of
    them are read.
    """
    height, width, channels = source.shape
    if height * width <= _WHOLE:
        return _data(source, 0, height, 1)
    step = -(-width * _ROWS // _WHOLE)
    count = min(height, _ROWS)
    while True:
        rows = np.unique(np.linspace(0, height - 1, count).round().astype(int)).tolist()
        bands = [_data(source, row, row + 1, step) for row in rows]
        sample = [np.concatenate([band[c] for band in bands]) for c in range(channels)]
        if all(part.size for part in sample) or count == height:
            return sample
        count = min(height, 8 * count)


def _data(source: Source, top: int, bottom: int, step: int) -> list[np.ndarray]:
    """The values of each channel that are data, (n,)."""
    band = source.rows(top, bottom)
    missing = source.missing(top, band)
    band = band[:, ::step]
    if missing is None:
        return [band[..., c].ravel() for c in range(band.shape[2])]
    there = ~missing[:, ::step]
    return [band[..., c][there[..., c]] for c in range(band.shape[2])]
