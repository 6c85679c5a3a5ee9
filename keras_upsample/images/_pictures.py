"""Files -> sources: Pillow for pictures, `_tiff` for TIFF, `_zarr` for Zarr."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ._claims import open_picture, without_limit
from ._georeference import beside
from ._sources import ImageError, Source, reading
from ._zarr import check_zarr, is_zarr, zarr_sources

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def sources_in(path: Path, channels: int | None) -> list[Source]:
    """The images in a file: one, but for a TIFF with several frames (see `_tiff`).

    A picture's EXIF orientation is applied, a palette becomes RGB, CMYK becomes RGB; of an
    animation the first picture is taken.

    Args:
        path: the file.
        channels: that the model takes: tells what an unnamed axis of a TIFF is.

    Raises:
        ImageError: it can't be read.
    """
    if not path.exists():
        raise ImageError(f"{str(path)!r} does not exist.")
    if is_zarr(path):
        check_zarr(path)
        with reading(repr(str(path))):
            return zarr_sources(path, channels)
    if path.is_dir():
        raise ImageError(f"{str(path)!r} is a folder, not an image.")
    with reading(repr(str(path))):
        if path.suffix.lower() in (".tif", ".tiff"):
            from ._tiff import tiff_sources
            from ._tiff_facts import single_page

            found = tiff_sources(path, channels)
            if found is None:
                found = [single_page(path, _picture)]
        else:
            found = [_picture(path)]
        return [_place(path, source) for source in found]


def _place(path: Path, source: Source) -> Source:
    """With the place that a world file beside it says, where it has none of its own."""
    place = beside(path) if source.place is None else None
    if place is None:
        return source
    if source.turned:
        note = "its world file is not used, because the picture is turned (EXIF orientation)"
        return replace(source, notes=(*source.notes, note))
    return replace(source, place=place)


def _picture(path: Path) -> Source:
    from PIL import ImageOps

    opened = open_picture(path)
    with opened:
        opened.load()
        turned = opened.getexif().get(0x0112, 1) != 1
        picture = ImageOps.exif_transpose(opened) if turned else opened
    mode = _mode(picture)
    first = _band(picture, mode, 0, 1)

    def read(top: int, bottom: int) -> np.ndarray:
        return _band(picture, mode, top, bottom)

    shape = (picture.height, picture.width, first.shape[2])
    return Source(shape, first.dtype, read, alpha=shape[2] in (2, 4), turned=turned)


def _mode(picture: Any) -> str | None:
    """What each band is converted to; None for nothing."""
    if picture.mode in ("L", "LA", "RGB", "RGBA", "F") or picture.mode.startswith("I"):
        return None
    if picture.mode == "1":
        return "L"
    return "RGBA" if picture.has_transparency_data else "RGB"


def _band(picture: Any, mode: str | None, top: int, bottom: int) -> np.ndarray:
    with without_limit():
        band = picture.crop((0, top, picture.width, bottom))
    values = np.asarray(band if mode is None else band.convert(mode))
    if values.dtype.kind in "ui" and values.dtype.itemsize > 1:
        # Pillow has 16-bit greys as 32-bit integers too.
        values = values.clip(0, 65535).astype("uint16")
    return values[..., None] if values.ndim == 2 else values
