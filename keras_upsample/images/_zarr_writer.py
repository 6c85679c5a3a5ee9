"""Zarr 3 arrays written from the top down, by zarr-python (extra `zarr`).

A group with one array, as xarray and GDAL open it. Its place on earth stands in the attributes of
the conventions `spatial` and `proj`, version 1 (github.com/zarr-conventions), which GDAL reads
from version 3.13 on. Before, it looks for coordinates of columns and rows, as xarray does, and for
the reference system in `_CRS`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._georeference import Georeference
from ._writers import Writer

SUFFIX = ".zarr"
_CHUNK = 512
"""Pixels of a chunk along each axis."""
_CONVENTIONS = {
    "spatial": ("689b58e2-cf7b-45e0-9fff-9cfc0883d6b4", "zarr-conventions/spatial"),
    "proj": ("f17cb550-5864-4468-aeb7-f3180cfb622f", "zarr-conventions/geo-proj"),
}


class ZarrWriter(Writer):
    """A Zarr array (H, W) or (H, W, K), complete when its `with` block ends.

    Args:
        path: of the folder.
        name: of the array in the group.
        shape: height and width, and channels if it has them.
        dtype: of the numbers.
        fill: what pixels without data hold; GDAL takes the fill value for "no data", so that it
            must not be a value of data where every pixel has some.
        place: where it lies on earth.
        attributes: further ones.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype | str,
        *,
        fill: float,
        place: Georeference | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        import zarr

        axes = ("y", "x", "channel")[: len(shape)]
        group = zarr.create_group(store=str(path), zarr_format=3)
        self._array = group.create_array(
            name,
            shape=shape,
            dtype=np.dtype(dtype),
            chunks=(*(min(_CHUNK, n) for n in shape[:2]), *shape[2:]),
            fill_value=fill,
            dimension_names=axes,
            attributes={**_place_of(place, shape), **(attributes or {})},
        )
        for axis, values in _coordinates(place, shape).items():
            group.create_array(axis, data=values, chunks=values.shape, dimension_names=(axis,))
        self._top = 0
        self._waiting: list[np.ndarray] = []

    def write(self, rows: np.ndarray) -> None:
        """(h, W) or (h, W, K): the next rows. Whole chunks are written, so each of them once."""
        self._waiting.append(rows)
        if sum(map(len, self._waiting)) >= self._array.chunks[0]:
            self._flush(whole=True)

    def _flush(self, *, whole: bool) -> None:
        rows = np.concatenate(self._waiting)
        count = len(rows) // self._array.chunks[0] * self._array.chunks[0] if whole else len(rows)
        if count:
            self._array[self._top : self._top + count] = rows[:count]
        self._top += count
        self._waiting = [rows[count:]]

    def _end(self, *, whole: bool) -> None:
        if whole and self._waiting:
            self._flush(whole=False)


def _coordinates(place: Georeference | None, shape: Sequence[int]) -> dict[str, np.ndarray]:
    """Of the centres of columns and rows, where the map's axes are those of the image."""
    if place is None or place.affine is None:
        return {}
    a, b, c, d, e, f = place.affine
    if b or d:
        return {}
    return {"y": f + e * (np.arange(shape[0]) + 0.5), "x": c + a * (np.arange(shape[1]) + 0.5)}


def _place_of(place: Georeference | None, shape: Sequence[int]) -> dict[str, Any]:
    """Attributes of the two conventions, as far as the georeference tells what they ask for."""
    if place is None:
        return {}
    found: dict[str, Any] = {}
    if place.affine is not None:
        found |= {
            "spatial:dimensions": ["y", "x"],
            "spatial:shape": [*shape[:2]],
            "spatial:transform": [*place.affine],
            "spatial:transform_type": "affine",
            "spatial:registration": "pixel",
        }
    if place.epsg is not None:
        found |= {
            "proj:code": f"EPSG:{place.epsg}",
            "_CRS": {"url": f"http://www.opengis.net/def/crs/EPSG/0/{place.epsg}"},
        }
    elif place.crs:
        found |= {"proj:wkt2": place.crs, "_CRS": {"wkt": place.crs}}
    used = [name for name in _CONVENTIONS if any(key.startswith(f"{name}:") for key in found)]
    return {"zarr_conventions": [_convention(name) for name in used], **found} if used else found


def _convention(name: str) -> dict[str, str]:
    uuid, repository = _CONVENTIONS[name]
    schema = f"https://raw.githubusercontent.com/{repository}/refs/tags/v1/schema.json"
    page = f"https://github.com/{repository}/blob/v1/README.md"
    return {"uuid": uuid, "name": f"{name}:", "schema_url": schema, "spec_url": page}
