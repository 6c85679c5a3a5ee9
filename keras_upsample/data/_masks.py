"""A file of a mask -> arrays of numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from ..images._claims import open_picture, open_tiff, whole_page
from ..images._pictures import sources_in
from ..images._sources import ImageError, reading


def read_masks(path: Path, kind: str = "numbers") -> list[np.ndarray]:
    """The masks in a file, (H, W): one, but for a TIFF with several frames.

    Args:
        path: the file.
        kind: "numbers" gives uint16: grey values, or the indices of an indexed picture but GIF,
            whatever its palette shows; three equal channels are one. "colours" gives int32,
            65536 red + 256 green + blue, of an indexed picture its palette's. "strengths" gives
            grey values as they are, in any number format.

    Raises:
        ImageError: it can't be read, or its pixels are not of that kind.
    """
    # Compression mixes neighbours, which only a threshold forgives.
    if path.suffix.lower() in (".jpg", ".jpeg") and kind != "strengths":
        what = "colours" if kind == "colours" else "class numbers"
        raise ImageError(
            f"JPEG changes {what}. Save masks as PNG or TIFF, or pass a `threshold` for soft masks."
        )
    with reading(repr(str(path))):
        if kind == "colours":
            return [_codes(mask) for mask in _palette_colours(path) or _all_channels(path)]
        if kind == "strengths":
            return _grey(path)
        return [_numbers(mask) for mask in _index_colours(path) or _grey(path)]


def _index_colours(path: Path) -> list[np.ndarray] | None:
    """The indices of a picture with a palette or of 1 bit; None for any other.

    Of a GIF the greys are taken: whoever writes one numbers its colours anew, so that the grey
    values 0 and 2 are indices 0 and 1.
    """
    if path.suffix.lower() == ".gif":
        return None
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        with open_tiff(path) as file:
            if file.pages.first.photometric != tifffile.PHOTOMETRIC.PALETTE:
                return None
            return [whole_page(page) for page in file.pages]
    from PIL import ImageOps

    with open_picture(path) as opened:
        if opened.mode not in ("1", "P"):
            return None
        return [np.asarray(ImageOps.exif_transpose(opened))]


def _palette_colours(path: Path) -> list[np.ndarray] | None:
    """(H, W, 3) of a TIFF with a palette; None for any other file."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return None
    import tifffile

    with open_tiff(path) as file:
        if file.pages.first.photometric != tifffile.PHOTOMETRIC.PALETTE:
            return None
        pages: Any = file.pages
        # Its palette counts to 65,535: 257 times a byte, in old files 256 times.
        return [(page.colormap.T >> 8).astype("uint8")[whole_page(page)] for page in pages]


def _all_channels(path: Path) -> list[np.ndarray]:
    """(H, W, C), without opacity."""
    return [
        source.rows(0, source.shape[0])[..., : source.shape[2] - source.alpha]
        for source in sources_in(path, None)
    ]


def _grey(path: Path) -> list[np.ndarray]:
    """Of a picture without colours."""
    masks = []
    for values in _all_channels(path):
        if values.shape[2] > 1 and (values != values[..., :1]).any():
            raise ImageError(
                f"its {values.shape[2]} channels are colours{_found(values)}. Pass "
                "`values=[[red, green, blue], ...]`, the colour of each class, or save class "
                "numbers: an indexed or grey picture."
            )
        masks.append(values[..., 0])
    return masks


def _found(values: np.ndarray) -> str:
    """The colours of a mask, where they are few enough to be classes."""
    if values.shape[2] != 3:
        return ""
    colours = np.unique(values.reshape(-1, 3), axis=0).tolist()
    return f", {len(colours)} different: {colours}" if len(colours) <= 8 else ""


def _codes(pixels: np.ndarray) -> np.ndarray:
    from ._colour_table import codes

    if pixels.dtype != np.uint8 or pixels.shape[2] not in (1, 3):
        raise ImageError(
            f"its {pixels.shape[2]} channels of {pixels.dtype} are no colours of 8 bits."
        )
    return codes(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def _numbers(mask: np.ndarray) -> np.ndarray:
    if mask.dtype.kind == "f" and not (mask == np.rint(mask)).all():
        raise ImageError("its values are not whole numbers. Pass a `threshold` for soft masks.")
    if mask.size and (mask.min() < 0 or mask.max() > 65535):
        raise ImageError(
            f"its values go from {mask.min()} to {mask.max()}, and class numbers from 0 to 254."
        )
    return mask.astype("uint16")
