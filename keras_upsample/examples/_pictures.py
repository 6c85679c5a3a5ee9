"""Pictures in files and in memory -> arrays."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import first_line


def is_picture(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "PIL"


def pictures_in(folder: Path, argument: str) -> list[Path]:
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ValueError(f"`{argument}` names {str(folder)!r}, which does not exist.")
    kinds = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in kinds)
    if not found:
        raise ValueError(
            f"`{argument}`: {str(folder)!r} holds no picture ({', '.join(sorted(kinds))})."
        )
    return found


def read_picture(path: Path, channels: int | None, argument: str) -> np.ndarray:
    """(H, W, C) of a file, without its opacity unless the model takes that; 16 bits stay 16.

    Raises:
        ValueError: it can't be read, or holds several images.
    """
    from ..images._pictures import sources_in

    try:
        sources = sources_in(path, channels)
        if len(sources) == 1:
            (source,) = sources
            values = source.rows(0, source.shape[0])
            return _without_opacity(values, channels) if source.alpha else values
    except (OSError, ValueError, SyntaxError) as error:  # Pillow's, and ours of its size
        raise ValueError(
            f"`{argument}`: {str(path)!r} can't be read as a picture: {first_line(error)}"
        ) from error
    raise ValueError(
        f"`{argument}`: {str(path)!r} holds {len(sources)} images. Pass them as an array."
    )


def of_pillow(picture: Any, channels: int | None) -> np.ndarray:
    """(H, W, C), as `read_picture` has it."""
    from ..images._pictures import _band, _mode

    values = _band(picture, _mode(picture), 0, picture.height)
    return _without_opacity(values, channels) if values.shape[-1] in (2, 4) else values


def _without_opacity(values: np.ndarray, channels: int | None) -> np.ndarray:
    return values if values.shape[-1] == channels else values[..., :-1]
