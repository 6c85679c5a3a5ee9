"""TIFF tags beyond the pixels: nodata, mask, georeference."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ._claims import ClaimError, open_picture, open_tiff
from ._georeference import nodata_of, of_page
from ._nodata import as_value
from ._sources import ImageError, Source
from ._tiff_pages import decodable, page_reader

_MASK_BIT = 4
"""Of NewSubfileType: the page tells which pixels of another page are data."""


def facts_of(path: Path, file: Any, page: Any, dtype: np.dtype) -> dict[str, Any]:
    """Fields of `Source` that the file says: `nodata`, `opaque` (a mask), `place`, `notes`."""
    text = nodata_of(page)
    nodata = as_value(text, dtype) if text else None
    notes = []
    if text and nodata is None:
        notes.append(f"its nodata value {text!r} is no value of {dtype} and is not used")
    try:
        opaque = _mask(path, file, page)
    except (ImageError, ClaimError) as error:
        opaque = None
        notes.append(str(error))
    return {"nodata": nodata, "opaque": opaque, "place": of_page(page), "notes": tuple(notes)}


def _mask(path: Path, file: Any, page: Any) -> Callable[[int, int], np.ndarray] | None:
    """Which pixels are data by a mask page in the file, or in `NAME.tif.msk`, as GDAL writes them.

    Raises:
        ImageError: there is one, and it can't be used.
    """

    size = (page.imagelength, page.imagewidth)
    for number, other in enumerate(file.pages):
        if other.subfiletype & _MASK_BIT and (other.imagelength, other.imagewidth) == size:
            if not decodable(other):
                raise ImageError("its mask of valid pixels can't be decoded and is not used")
            return _shown(path, number)
    beside = path.with_name(f"{path.name}.msk")
    if not beside.is_file():
        return None
    with open_tiff(beside) as masks:
        first = masks.pages[0]
        if (first.imagelength, first.imagewidth) != size or not decodable(first):
            raise ImageError(f"the mask in {beside.name} can't be decoded and is not used")
    return _shown(beside, 0)


def _shown(path: Path, number: int) -> Callable[[int, int], np.ndarray]:
    rows = page_reader(path, number)
    return lambda top, bottom: rows(top, bottom)[..., 0] != 0


def single_page(path: Path, decode: Callable[[Path], Source]) -> Source:
    """A TIFF that Pillow decodes (a palette, LZW, turned, inverted), with its own tags.

    Raises:
        ImageError: Pillow has not its codec either.
    """
    import tifffile

    with open_tiff(path) as file:
        page = file.pages[0]
        try:
            picture = decode(path)
        except (ImageError, ClaimError):
            raise
        except Exception as error:  # Pillow's, of several kinds
            if decodable(page):
                raise
            codec = getattr(page.compression, "name", page.compression)  # a number if unknown
            raise ImageError(
                f"{str(path)!r} can't be read: it is compressed by {codec}, which "
                f"needs imagecodecs for {page.dtype} (pip install imagecodecs), or it is damaged."
            ) from error
        stored = np.dtype(page.dtype or "uint8")
        facts = facts_of(path, file, page, stored)
        if picture.turned and (facts["place"] is not None or facts["opaque"] is not None):
            note = "its place on earth and its mask are not used: the picture is turned"
            facts.update(place=None, opaque=None, notes=(*facts["notes"], note))
        if facts["nodata"] is not None and page.photometric not in (
            tifffile.PHOTOMETRIC.MINISBLACK,
            tifffile.PHOTOMETRIC.RGB,
        ):
            # The values are not those of the file: what the file calls nodata is looked up there.
            nodata = facts["nodata"]
            facts["nodata"] = None
            if page.photometric == tifffile.PHOTOMETRIC.PALETTE and not picture.turned:
                facts["opaque"] = _index_is_not(path, nodata)
            else:
                note = f"its nodata value {nodata:g} is not used ({page.photometric.name} pixels)"
                facts["notes"] = (*facts["notes"], note)
    return replace(picture, **facts)


def _index_is_not(path: Path, nodata: float) -> Callable[[int, int], np.ndarray]:
    with open_picture(path) as picture:
        indices = np.asarray(picture)
    return lambda top, bottom: indices[top:bottom] != nodata
