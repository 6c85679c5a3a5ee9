"""Photographs that ship with the package; `photographs/NOTICE.md` says whose they are."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

PHOTOGRAPHS = {
    "astronaut": "astronaut.png",  # 512 x 512, NASA, public domain
    "chelsea": "chelsea.png",  # 300 x 451, a cat, CC0
    "coffee": "coffee.png",  # 400 x 600, CC0
    "rocket": "rocket.jpg",  # 427 x 640, SpaceX, public domain
    "retina": "retina.jpg",  # 1411 x 1411, CC0
    "hubble": "hubble_deep_field.jpg",  # 872 x 1000, NASA, public domain
    "camera": "camera.png",  # 512 x 512, grey, Lav Varshney, CC0
    "coins": "coins.png",  # 303 x 384, grey, Brooklyn Museum, no known restrictions
    "brick": "brick.png",  # 512 x 512, grey, CC0Textures, CC0
    "grass": "grass.png",  # 512 x 512, grey, CC0
    "gravel": "gravel.png",  # 512 x 512, grey, CC0Textures, CC0
}
"""Name -> file in `photographs/`."""

_FOLDER = Path(__file__).parent / "photographs"


def photograph(name: str, size: tuple[int, int] | None = None) -> np.ndarray:
    """A photograph as RGB; grey ones have three equal channels.

    Args:
        name: one of `PHOTOGRAPHS`.
        size: `(height, width)` in pixels; default the photograph's own. The picture is resampled
            (bilinear, antialiased) to fill it, whatever its aspect ratio.

    Returns:
        uint8 array, `(height, width, 3)`.

    Raises:
        ValueError: the name is unknown, or a size is below 1.

    Example:
        >>> photograph("astronaut").shape
        (512, 512, 3)
    """
    if name not in PHOTOGRAPHS:
        raise ValueError(
            f"`name` must be one of {', '.join(map(repr, PHOTOGRAPHS))}. Received: {name!r}."
        )
    if size is not None and min(size) < 1:
        raise ValueError(f"`size` must be (height, width) of at least 1 pixel. Received: {size!r}.")
    from PIL import Image

    picture = _decoded(name)
    if size is not None and size != (picture.height, picture.width):
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture)


@lru_cache(maxsize=4)  # every verification shows the same three
def _decoded(name: str) -> "Image":
    """A photograph in its own size, as RGB; only read."""
    from PIL import Image

    with Image.open(_FOLDER / PHOTOGRAPHS[name], formats=("PNG", "JPEG")) as file:
        return file.convert("RGB")
