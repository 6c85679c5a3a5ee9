"""GeoTIFF scenes for the tests, written by tifffile."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile

SCALE, TIE = (2.0, 3.0, 0.0), (0.0, 0.0, 0.0, 440000.0, 4500000.0, 0.0)
KEYS = (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633)
POINT_KEYS = (*KEYS[:11], 2, *KEYS[12:])
PLACED = [(33550, "d", 3, SCALE, True), (33922, "d", 6, TIE, True), (34735, "H", 16, KEYS, True)]


def nodata_tag(value: Any) -> tuple:
    return (42113, "s", 0, str(value), True)


def write(path: Path, image: np.ndarray, *tags: tuple, **options: Any) -> Path:
    """A scene (H, W, C) with these extra tags."""
    photometric = "rgb" if image.shape[2] == 3 else "minisblack"
    values = image if image.shape[2] > 1 else image[..., 0]
    tifffile.imwrite(path, values, photometric=photometric, extratags=tags, **options)
    return path
