"""Nodata pixels: which they are, and what results hold there.

A value is missing where it is the image's nodata value, NaN or infinite, or where the image is
transparent there. For the network it is the low end of the scaling (black: 0 of whole numbers and
of [0, 1], the lower percentile), so that a scene is the same whatever number its file writes there.
It counts for no percentile and no check of ranges, and its pixel has no data in the result either.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from ._sources import ImageError, Source


def without_data(missing: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """(h, w, C) missing values -> (h, w) pixels without data.

    A nodata value of unsigned integers (0, 255, 65535) is also what a channel can really hold, so
    that a pixel has none only where all its channels say so, as GDAL and rasterio's `dataset_mask`
    have it. NaN, -9999 and the like are no accident: one channel is enough.
    """
    return np.asarray(missing.all(axis=2) if dtype.kind == "u" else missing.any(axis=2))


def with_nodata(source: Source, nodata: float | str | None) -> Source:
    """The image with the nodata value that the user names in place of its own.

    Args:
        source: the image.
        nodata: a number; `"none"` for no value; None for what the file says.

    Raises:
        ImageError: it is something else, or no value of the image's dtype.
    """
    if nodata is None:
        return source
    if isinstance(nodata, str) and nodata.strip().lower() == "none":
        return replace(source, nodata=None)
    value = None if isinstance(nodata, bool) else as_value(nodata, source.dtype)
    if value is None:
        raise ImageError(
            f"`nodata` must be a value of the image, which holds {source.dtype}, or 'none'. "
            f"Received: {nodata!r}."
        )
    return replace(source, nodata=value)


def as_value(nodata: float | str, dtype: np.dtype) -> float | None:
    """A nodata value as a number, or None where the dtype has no such value."""
    try:
        value = float(nodata)
    except (TypeError, ValueError):
        return None
    if dtype.kind == "f":
        return value
    if not value.is_integer():  # NaN and infinity neither
        return None
    whole = int(nodata) if isinstance(nodata, int) or _is_whole(nodata) else int(value)
    limits = np.iinfo(dtype)
    return whole if limits.min <= whole <= limits.max else None


def _is_whole(text: float | str) -> bool:
    """Whether it has all its digits: 64 bits do not fit into a float."""
    return isinstance(text, str) and text.strip().lstrip("+-").isdigit()


@dataclass
class Gaps:
    """Counts the pixels without data of one image while its bands go by.

    Attributes:
        source: the image.
        scale: output pixels per input pixel.
        pixels: of the image, those without data.
        partly: those where single channels are missing and the others have a result.
    """

    source: Source
    scale: int = 1
    pixels: int = 0
    partly: int = 0

    def of(self, missing: np.ndarray | None) -> np.ndarray | None:
        """(h, w, C) missing values -> (h·scale, w·scale) pixels of the result without data."""
        if missing is None:
            return None
        none = without_data(missing, self.source.dtype)
        count = int(none.sum())
        self.pixels += count
        self.partly += int(missing.any(axis=2).sum()) - count
        if not count:
            return None
        return none.repeat(self.scale, axis=0).repeat(self.scale, axis=1)

    def __str__(self) -> str:
        """One line, or "" where nothing is missing."""
        kinds = []
        if self.source.nodata is not None and not math.isnan(self.source.nodata):
            kinds.append(f"nodata {self.source.nodata:g}")
        if self.source.opaque is not None:
            kinds.append("transparent or masked")
        if self.source.dtype.kind == "f":
            kinds.append("NaN")
        whole = self.source.shape[0] * self.source.shape[1]
        said = []
        if self.pixels:
            said.append(
                f"{self.pixels:,} of {whole:,} pixels hold no data ({' or '.join(kinds)}), and "
                "have none in the results"
            )
        if self.partly:
            said.append(
                f"{self.partly:,} pixels lack some channels, which were black for the network"
            )
        return "; ".join(said)
