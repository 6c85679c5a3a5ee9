"""From pixels to map coordinates, and what the coordinate reference system is called."""

import re
from dataclasses import dataclass

import numpy as np

from ._georeference import KEYS, PIXEL_SCALE, TIEPOINTS, TRANSFORMATION, Georeference

_PROJECTED, _GEOGRAPHIC, _LINEAR_UNIT, _ANGULAR_UNIT = 3072, 2048, 3076, 2054
_UNITS = {9001: "metre", 9002: "foot", 9003: "US survey foot", 9102: "degree", 9101: "radian"}
_USER_DEFINED = 32767


@dataclass(frozen=True)
class MapGrid:
    """x = a·i + b·j + c, y = d·i + e·j + f of the point i pixels right and j down of the image's
    outer corner.

    Attributes:
        matrix: ((a, b, c), (d, e, f)).
        crs: e.g. `"EPSG:32633"`; "" where the file names none by a code.
        unit: of x and y, e.g. `"metre"`; "" where the file does not say it.
    """

    matrix: tuple[tuple[float, float, float], tuple[float, float, float]]
    crs: str = ""
    unit: str = ""

    def points(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 2) of (i, j) -> (n, 2) of (x, y), float64."""
        matrix = np.array(self.matrix)
        return np.asarray(pixels, "float64") @ matrix[:, :2].T + matrix[:, 2]

    @property
    def pixel_area(self) -> float:
        """Of one pixel, in squared units; negative where y goes up as rows go down."""
        (a, b, _), (d, e, _) = self.matrix
        return a * e - b * d


def grid_of(place: Georeference | None) -> MapGrid | None:
    """The map grid of an image; None where it has none, or control points alone."""
    if place is None:
        return None
    tags = place.tags
    shift = 0.5 if place.is_point else 0.0  # (0, 0) is then the first pixel's centre
    if TRANSFORMATION in tags:
        rows = np.array(tags[TRANSFORMATION], "float64").reshape(4, 4)[:2]
        linear, offset = rows[:, :2], rows[:, 3]
        offset = offset - linear.sum(axis=1) * shift
    elif PIXEL_SCALE in tags and len(tags.get(TIEPOINTS, ())) >= 6:
        i, j, _, x, y, _ = tags[TIEPOINTS][:6]
        linear = np.diag([tags[PIXEL_SCALE][0], -tags[PIXEL_SCALE][1]])
        offset = np.array([x, y]) - linear @ (i + shift, j + shift)
    else:
        return None
    (a, b), (d, e) = linear.tolist()
    c, f = offset.tolist()
    crs, unit = _crs_of(place)
    return MapGrid(((a, b, c), (d, e, f)), crs, unit)


def _crs_of(place: Georeference) -> tuple[str, str]:
    """Its code and unit, as far as the file says them."""
    keys = place.tags.get(KEYS, ())
    entries = {keys[i]: keys[i + 3] for i in range(4, len(keys) - 3, 4) if keys[i + 1] == 0}
    projected = entries.get(_PROJECTED)
    code = projected or entries.get(_GEOGRAPHIC)
    unit = _UNITS.get(entries.get(_LINEAR_UNIT if projected else _ANGULAR_UNIT, 0), "")
    if code is None:
        return _crs_of_text(place.crs)
    if not projected:
        unit = unit or "degree"
    return ("" if code == _USER_DEFINED else f"EPSG:{code}"), unit


def _crs_of_text(text: str) -> tuple[str, str]:
    """Of well-known text: the identifier at its very end, and the unit."""
    found = re.search(r'(?:AUTHORITY|ID)\[\s*"EPSG"\s*,\s*"?(\d+)"?\s*\]\s*\]\s*$', text)
    units = re.findall(r'(?:LENGTHUNIT|ANGLEUNIT|UNIT)\[\s*"([^"]+)"', text)
    return (f"EPSG:{found[1]}" if found else ""), (units[-1].lower() if units else "")
