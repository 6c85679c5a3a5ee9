"""TIFF, read in windows: straight from the file where it is uncompressed, else by its strips or
tiles."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ._claims import check_description, check_series, open_tiff
from ._frames import channels_last, frame_label
from ._sources import ImageError, Source
from ._tiff_facts import facts_of
from ._tiff_pages import View, decodable, decode

_BESIDE = 1 | 4  # of NewSubfileType: smaller copies and masks, which are no images of their own


def tiff_sources(path: Path, channels: int | None) -> list[Source] | None:
    """One source a frame of the file's first series, or None for what Pillow reads better.

    The axes are those that the file names (OME, ImageJ, tifffile). Y and X are the image, S and C
    its channels, and every other axis (T, Z) counts frames. An axis without a name is the channels
    if it is as long as the model takes channels, else it counts frames.

    Args:
        path: the file.
        channels: that the model takes, None for any number.

    Raises:
        ImageError: the file's axes make no image.
    """
    import tifffile

    with open_tiff(path) as file:
        check_description(file.pages.first)
        series = file.series[0]
        page = series.keyframe
        if (
            page.photometric not in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
            or page.bitspersample not in (8, 16, 32, 64)
            or getattr(page.tags.get("Orientation"), "value", 1) != 1
        ):
            _check_single(path, sum(not page.subfiletype & _BESIDE for page in file.pages))
            return None
        shape, axes = tuple(series.shape), _axes(series.axes, tuple(series.shape), channels)
        if series.dtype.kind not in "uif":
            raise ImageError(f"its values are {series.dtype}, which are no image.")
        if "Y" not in axes or "X" not in axes or axes.count("C") > 1:
            raise ImageError(f"its axes {series.axes} {shape} are not those of images.")
        dtype = series.dtype.newbyteorder("=")
        size = dict(zip(axes, shape, strict=True))
        check_series(path, series, math.prod(n for name, n in size.items() if name not in "YXC"))
        rgb = page.photometric == tifffile.PHOTOMETRIC.RGB
        alpha = size.get("C") in (2, 4) and (rgb or bool({1, 2} & {*page.extrasamples}))
        if series.dataoffset is not None:
            stored = np.dtype(series.dtype).newbyteorder(file.byteorder)
            view = _map_pixels(path, stored, series.dataoffset, shape, axes)
        elif decodable(page):
            view = decode(path, series, axes)
        elif len(file.pages) == 1:
            return None
        else:
            view = decode(path, series, axes, by_pillow=True)
        facts = facts_of(path, file, page, dtype)
    counts = [(name, size) for name, size in zip(axes, shape, strict=True) if name not in "YXC"]
    image = (size["Y"], size["X"], size.get("C", 1))
    return [
        Source(image, dtype, view(index), frame_label(counts, index), alpha, **facts)
        for index in np.ndindex(*(n for _, n in counts))
    ]


def _axes(axes: str, shape: tuple[int, ...], channels: int | None) -> str:
    """The file's axes with one name for channels.

    `CTYX` stays; `YXS` -> `YXC`; `QYX` (2, 210, 576) -> `CYX` for a model of 2 channels; and
    tifffile's `QYX` for an array (210, 576, 2) -> `YXC`.
    """
    if "S" in axes:  # colour samples; then C counts whole pictures in colour
        return axes.replace("C", "c").replace("S", "C")
    if axes in ("QYX", "IYX") and channels is not None:
        if shape[0] == channels:
            return "CYX"
        if shape[2] == channels and shape[2] < 8:
            return "YXC"
    return axes


def _map_pixels(
    path: Path, dtype: np.dtype, offset: int, shape: tuple[int, ...], axes: str
) -> View:
    """Of an uncompressed file. Mapped anew for every band, so that nothing stays in memory."""

    def view(index: Sequence[int]) -> Callable[[int, int], np.ndarray]:
        def read(top: int, bottom: int) -> np.ndarray:
            whole = np.memmap(path, dtype, "r", offset, shape)
            return np.array(channels_last(whole, axes, index)[top:bottom], dtype.newbyteorder("="))

        return read

    return view


def _check_single(path: Path, pages: int) -> None:
    """Pillow is asked for one page."""
    if pages > 1:
        raise ImageError(
            f"{str(path)!r} has {pages} pages in a form (palette, 1 bit, inverted, rotated) of "
            "which only single pages can be read. Split the file."
        )
