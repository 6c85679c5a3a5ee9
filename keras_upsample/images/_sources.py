"""An image source, from which any rows can be read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import first_line
from ._missing import missing_values

if TYPE_CHECKING:
    from ._georeference import Georeference


class ImageError(ValueError):
    """A file is no image that can be read here, or it does not fit the model."""


@dataclass(frozen=True)
class Source:
    """One image, read by bands of rows.

    Attributes:
        shape: (height, width, channels).
        dtype: of its values.
        read: (top, bottom) -> (bottom − top, width, channels).
        frame: what tells it from the other images of the same file, e.g. `"t03"`; else "".
        alpha: whether the last channel is opacity.
        nodata: the value that stands for no data, None for none; of floats NaN always does.
        opaque: (top, bottom) -> (bottom − top, width), whether a pixel is to be seen; None: all.
        place: where on earth it lies, None for nowhere.
        turned: whether it was turned upright, so that the file's rows are not these.
        notes: what was found in the file and is not used, in words.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype
    read: Callable[[int, int], np.ndarray]
    frame: str = ""
    alpha: bool = False
    nodata: float | None = None
    opaque: Callable[[int, int], np.ndarray] | None = None
    place: "Georeference | None" = None
    turned: bool = False
    notes: tuple[str, ...] = ()

    @property
    def may_lack(self) -> bool:
        """Whether a pixel can be without data."""
        return self.nodata is not None or self.opaque is not None or self.dtype.kind == "f"

    def missing(self, top: int, band: np.ndarray) -> np.ndarray | None:
        """Of the rows from `top` on, which values are no data: like `band`, or None for none.

        Args:
            top: the first row.
            band: these rows, as `rows` gives them.

        Raises:
            ImageError: the file is damaged there.
        """
        found = missing_values(band, self.nodata)
        if self.opaque is None:
            return found
        with reading("The image"):
            hidden = ~self.opaque(top, top + len(band))[..., None]
        if not hidden.any():
            return found
        return np.broadcast_to(hidden, band.shape) if found is None else found | hidden

    def rows(self, top: int, bottom: int) -> np.ndarray:
        """(bottom − top, width, channels).

        Raises:
            ImageError: the file is damaged there.
        """
        with reading("The image"):
            return self.read(top, bottom)


def of_array(array: Any) -> Source:
    """An array (H, W) or (H, W, C) of numbers.

    Raises:
        ValueError: it is something else.
    """
    values = np.asarray(array)
    if values.ndim not in (2, 3) or 0 in values.shape or values.dtype.kind not in "buif":
        raise ValueError(
            "`image` must be an array (H, W) or (H, W, C) of numbers and at least 1 pixel, or a "
            f"path. Received: shape {values.shape}, dtype {values.dtype}."
        )
    if values.dtype.kind == "b":
        values = values.astype("uint8") * np.uint8(255)
    if values.ndim == 2:
        values = values[..., None]
    return Source(values.shape, values.dtype, lambda top, bottom: values[top:bottom])


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Turn whatever a decoder stumbles over into an `ImageError` of one line."""
    try:
        yield
    except ImageError:
        raise
    except Exception as error:  # zlib, struct, Pillow and tifffile raise kinds of their own
        said = first_line(error)
        if isinstance(error, LookupError | AttributeError | TypeError):
            # A decoder met what it does not check: its own words, "0", say nothing to a reader.
            said = f"its structure is damaged ({type(error).__name__}: {said})."
        raise ImageError(f"{name} can't be read: {said}") from error
