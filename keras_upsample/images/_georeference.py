"""Georeferences: read from GeoTIFF tags or a world file, written to results.

GeoTIFF maps raster coordinates (column i, row j) to a map by one of

    x = X + (i − I) · scale_x,  y = Y − (j − J) · scale_y     ModelPixelScale, ModelTiepoint
    (x, y, z, 1)ᵀ = M · (i, j, k, 1)ᵀ                         ModelTransformation

where (0, 0) is the outer corner of the first pixel, or its centre if the key GTRasterType says
"point". Reference: OGC GeoTIFF 1.1 (19-008r4), sections 7.1.1.2 and 7.5.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

PIXEL_SCALE, TIEPOINTS, TRANSFORMATION = 33550, 33922, 34264
KEYS, DOUBLES, ASCII = 34735, 34736, 34737
RPC = 50844
GDAL_METADATA, GDAL_NODATA = 42112, 42113

_KINDS = {
    PIXEL_SCALE: "d", TIEPOINTS: "d", TRANSFORMATION: "d", KEYS: "H", DOUBLES: "d", RPC: "d",
}  # fmt: skip
_PLACES = (PIXEL_SCALE, TIEPOINTS, TRANSFORMATION, RPC)
_RASTER_TYPE, _POINT = 1025, 2
_GEOGRAPHIC, _PROJECTED, _USER_DEFINED = 2048, 3072, 32767
_MOST_TEXT = 2**20
"""Bytes of a file beside an image that is read as text."""


@dataclass(frozen=True)
class Georeference:
    """A place on earth as GeoTIFF tags.

    Attributes:
        tags: number -> values, as `_KINDS` has their types; text for `ASCII` and `GDAL_METADATA`.
        crs: of a picture: the coordinate reference system as well-known text, which has no tag.
    """

    tags: dict[int, Any]
    crs: str = ""

    @property
    def extra_tags(self) -> list[tuple[int, str, Any]]:
        """(number, type, values) for a TIFF writer; the type "s" is text."""
        return [(code, _KINDS.get(code, "s"), value) for code, value in self.tags.items()]

    def enlarged(self, scale: int) -> "Georeference":
        """Of the same image with `scale` pixels for each along both axes.

        Pixels shrink, and the outer corner stays: with "point" rasters, whose origin is the centre
        of the first pixel, that origin moves by (scale − 1) / 2 of the new pixels.
        """
        if scale == 1:
            return self
        shift = (scale - 1) / 2 if self.is_point else 0.0
        tags = {code: value for code, value in self.tags.items() if code != RPC}
        if PIXEL_SCALE in tags:
            x, y, *rest = tags[PIXEL_SCALE]
            tags[PIXEL_SCALE] = (x / scale, y / scale, *rest)
        if TIEPOINTS in tags:
            points = np.array(tags[TIEPOINTS], "float64").reshape(-1, 6)
            points[:, :2] = points[:, :2] * scale + shift
            tags[TIEPOINTS] = tuple(points.ravel().tolist())
        if TRANSFORMATION in tags:
            matrix = np.array(tags[TRANSFORMATION], "float64").reshape(4, 4)
            matrix[:, :2] /= scale
            matrix[:, 3] -= matrix[:, :2].sum(axis=1) * shift
            tags[TRANSFORMATION] = tuple(matrix.ravel().tolist())
        return replace(self, tags=tags)

    @property
    def is_point(self) -> bool:
        """Whether raster coordinates count from the centre of the first pixel."""
        return self._key(_RASTER_TYPE) == _POINT

    @property
    def epsg(self) -> int | None:
        """EPSG's number of the reference system, None if it has none or the tags do not say it."""
        for key in (_PROJECTED, _GEOGRAPHIC):
            code = self._key(key)
            if code is not None:
                return code if 0 < code < _USER_DEFINED else None
        return None

    @property
    def affine(self) -> tuple[float, float, float, float, float, float] | None:
        """(a, b, c, d, e, f) of x = a·i + b·j + c, y = d·i + e·j + f, (0, 0) the outer corner of
        the first pixel; None if points or polynomials map the raster."""
        if TRANSFORMATION in self.tags:
            a, b, _, c, d, e, _, f = self.tags[TRANSFORMATION][:8]
        elif PIXEL_SCALE in self.tags and len(self.tags.get(TIEPOINTS, ())) == 6:
            i, j, _, x, y, _ = self.tags[TIEPOINTS]
            a, e, b, d = self.tags[PIXEL_SCALE][0], -self.tags[PIXEL_SCALE][1], 0.0, 0.0
            c, f = x - i * a, y - j * e
        else:
            return None
        if self.is_point:
            c, f = c - (a + b) / 2, f - (d + e) / 2
        return a, b, c, d, e, f

    def _key(self, wanted: int) -> int | None:
        """The value of a GeoKey that is a number of 16 bits."""
        keys = self.tags.get(KEYS, ())
        entries = [keys[i : i + 4] for i in range(4, len(keys), 4)]
        return next((e[3] for e in entries if len(e) == 4 and e[0] == wanted and e[1] == 0), None)


def of_page(page: Any) -> Georeference | None:
    """The place of a TIFF page as tifffile has it, or None where it has none."""
    tags: dict[int, Any] = {}
    for code, kind in {**_KINDS, ASCII: "s"}.items():
        value = _tag(page, code)
        if value is None:
            continue
        if kind == "s":
            tags[code] = _text(value)
        else:
            tags[code] = tuple(np.atleast_1d(value).tolist())
    if not any(code in tags for code in _PLACES) or not _is_sound(tags):
        return None
    described = _own_items(_text(_tag(page, GDAL_METADATA) or ""))
    return Georeference({**tags, **({GDAL_METADATA: described} if described else {})})


def nodata_of(page: Any) -> str:
    """What the page's GDAL_NODATA says, "" for nothing."""
    value = _tag(page, GDAL_NODATA)
    return "" if value is None else _text(value).strip("\0 \n")


def beside(path: Path) -> Georeference | None:
    """The place of an image by its world file (`x.pgw`, `x.pngw`, `x.wld`), or None.

    The six lines A, D, B, E, C, F are x = A·i + B·j + C, y = D·i + E·j + F, (0, 0) the centre of
    the first pixel. The coordinate reference system is that of `x.png.aux.xml` or `x.prj`.
    """
    numbers = next((n for n in map(_world, _world_files(path)) if n is not None), None)
    if numbers is None:
        return None
    a, d, b, e, c, f = numbers
    x, y = c - (a + b) / 2, f - (d + e) / 2  # of the outer corner
    if b == d == 0 and a > 0 and e < 0:
        tags = {PIXEL_SCALE: (a, -e, 0.0), TIEPOINTS: (0.0, 0.0, 0.0, x, y, 0.0)}
    else:
        matrix = (a, b, 0.0, x, d, e, 0.0, y, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
        tags = {TRANSFORMATION: matrix}
    return Georeference(tags, _crs(path))


def as_aux_xml(crs: str) -> str:
    """The text of `NAME.tif.aux.xml`, where GDAL keeps a reference system that has no tag."""
    from xml.sax.saxutils import escape

    return f"<PAMDataset>\n  <SRS>{escape(crs)}</SRS>\n</PAMDataset>\n"


def _tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text.rstrip("\0")


def _is_sound(tags: dict[int, Any]) -> bool:
    """Whether the tags have the lengths that the standard asks for."""
    return (
        len(tags.get(PIXEL_SCALE, (0, 0, 0))) == 3
        and len(tags.get(TIEPOINTS, ())) % 6 == 0
        and len(tags.get(TRANSFORMATION, (0,) * 16)) == 16
        and len(tags.get(KEYS, (0,) * 4)) % 4 == 0
    )


def _own_items(text: str) -> str:
    """GDAL's metadata of the whole image, without that of bands (statistics, scales, units)."""
    from xml.etree import ElementTree

    if not text or len(text) > _MOST_TEXT or "<!" in text:
        return ""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return ""
    for item in [item for item in root if item.get("sample") or item.get("domain")]:
        root.remove(item)
    return ElementTree.tostring(root, encoding="unicode") if len(root) else ""


def _world_files(path: Path) -> list[Path]:
    suffix = path.suffix[1:]
    names = [f"{suffix[:1]}{suffix[-1:]}w", f"{suffix}w", "wld"]
    return [path.with_suffix(f".{name}") for name in (*names, *map(str.upper, names))]


def _world(path: Path) -> Sequence[float] | None:
    text = _small_text(path)
    try:
        numbers = [float(word.replace(",", ".")) for word in text.split()]
    except ValueError:
        return None
    regular = len(numbers) == 6 and np.isfinite(numbers).all()
    return numbers if regular and numbers[0] * numbers[3] != numbers[1] * numbers[2] else None


def _crs(path: Path) -> str:
    from xml.sax.saxutils import unescape

    described = re.search(
        r"<SRS[^>]*>(.*?)</SRS>", _small_text(path.with_name(f"{path.name}.aux.xml")), re.DOTALL
    )
    if described:
        return unescape(described[1], {"&quot;": '"', "&apos;": "'"}).strip()
    return _small_text(path.with_suffix(".prj")).strip()


def _small_text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_TEXT:
            return ""
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
