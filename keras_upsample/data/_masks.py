"""A file of class numbers -> arrays of whole numbers."""

from pathlib import Path
from typing import Any

import numpy as np

from ..predict._pictures import sources_in
from ..predict._sources import ImageError, reading


def read_masks(path: Path) -> list[np.ndarray]:
    """The masks in a file, uint16 (H, W): one, but for a TIFF with several frames.

    Pixels are numbers: grey values, or the indices of an indexed picture, whatever its palette
    shows. Three equal channels are one.

    Raises:
        ImageError: it can't be read, or its pixels are no numbers from 0 to 65,535.
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise ImageError("JPEG changes class numbers. Save masks as PNG or TIFF.")
    with reading(repr(str(path))):
        return [_numbers(mask) for mask in _indexed(path) or _grey(path)]


def _indexed(path: Path) -> list[np.ndarray] | None:
    """The indices of a picture with a palette or of 1 bit; None for any other."""
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        with tifffile.TiffFile(path) as file:
            if file.pages.first.photometric != tifffile.PHOTOMETRIC.PALETTE:
                return None
            return [page.asarray() for page in file.pages]
    from PIL import Image, ImageOps

    opened: Any = Image.open(path)
    with opened:
        if opened.mode not in ("1", "P"):
            return None
        return [np.asarray(ImageOps.exif_transpose(opened))]


def _grey(path: Path) -> list[np.ndarray]:
    """Of a picture without a palette; opacity is left out."""
    masks = []
    for source in sources_in(path, None):
        values = source.rows(0, source.shape[0])
        values = values[..., : source.shape[2] - source.alpha]
        if (values != values[..., :1]).any():
            raise ImageError(
                f"its {values.shape[2]} channels are colours. Save class numbers: an indexed or "
                "grey picture."
            )
        masks.append(values[..., 0])
    return masks


def _numbers(mask: np.ndarray) -> np.ndarray:
    if mask.dtype.kind == "f" and not (mask == np.rint(mask)).all():
        raise ImageError("its values are not whole numbers.")
    if mask.size and (mask.min() < 0 or mask.max() > 65535):
        raise ImageError(
            f"its values go from {mask.min()} to {mask.max()}, and class numbers from 0 to 254."
        )
    return mask.astype("uint16")
