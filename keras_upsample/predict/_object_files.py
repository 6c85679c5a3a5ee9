"""Objects -> GeoJSON, a table (CSV) and a label image (TIFF)."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files._durable import naming
from ..images._georeference import Georeference
from ..images._tiff_writer import TiffWriter
from ._objects import Object, Objects
from ._outlines import Polygon

OBJECT_ENDINGS = {
    "objects": "objects.geojson",
    "object table": "objects.csv",
    "instances": "instances.tif",
}
"""Kind of result -> the end of its file's name."""

_PIXELS = "pixels: x to the right and y down, (0, 0) is the outer corner of the image's first pixel"
_BAND = 256


def write_objects(
    kind: str, path: Path, objects: Objects, name: str, place: Georeference | None
) -> None:
    """Write one of the files of `OBJECT_ENDINGS`.

    Args:
        kind: key in `OBJECT_ENDINGS`.
        path: path of the file.
        objects: objects of the image.
        name: name of the layer in GeoJSON.
        place: georeference of the class map, None for none.
    """
    with naming(path):
        if kind == "objects":
            write_geojson(path, objects, name)
        elif kind == "object table":
            write_table(path, objects)
        else:
            write_label_image(path, objects, place)


def write_geojson(path: Path, objects: Objects, name: str = "objects") -> None:
    """Write a FeatureCollection with a Polygon or MultiPolygon for each object, one on a line.

    Coordinates are in the image's own reference system. The member `crs` names it as in GeoJSON of
    2008, which GDAL and QGIS read; RFC 7946 allows only WGS 84. If the image is not georeferenced,
    coordinates are in pixels. The member `coordinates` says which.

    Args:
        path: path of the file.
        objects: objects of the image.
        name: name of the layer.
    """
    head: dict[str, Any] = {"type": "FeatureCollection", "name": name}
    grid = objects.grid
    if grid is None:
        head["coordinates"] = _PIXELS
    else:
        of = grid.crs or "the image's coordinate reference system, which has no EPSG code there"
        head["coordinates"] = f"map coordinates of {of}"
        if grid.crs:
            urn = "urn:ogc:def:crs:" + grid.crs.replace(":", "::")
            head["crs"] = {"type": "name", "properties": {"name": urn}}
    with path.open("w", encoding="utf-8") as file:
        start = json.dumps(head, ensure_ascii=False)[:-1]
        file.write(start + ', "features": [')
        for number, (each, polygons) in enumerate(zip(objects, objects.polygons, strict=True)):
            rings = [[_ring(ring, objects) for ring in polygon] for polygon in polygons]
            single = len(rings) == 1
            feature = {
                "type": "Feature",
                "id": each.number,
                "bbox": _box(polygons, objects),
                "properties": _properties(each, objects),
                "geometry": {
                    "type": "Polygon" if single else "MultiPolygon",
                    "coordinates": rings[0] if single else rings,
                },
            }
            file.write(",\n" if number else "\n")
            file.write(json.dumps(feature, ensure_ascii=False))
        file.write("\n]}\n")


def write_table(path: Path, objects: Objects) -> None:
    """Write a table (CSV) with one line for each object.

    Args:
        path: path of the file.
        objects: objects of the image.
    """
    columns = ["number", "class", "class_name", "pixels", "left", "top", "right", "bottom"]
    columns += ["centroid_x", "centroid_y", "mean_probability"]
    if objects.grid is not None:
        columns += ["area", "area_unit", "map_x", "map_y"]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        for each in objects:
            mean = "" if each.probability is None else f"{each.probability:.6g}"
            row: list[Any] = [each.number, each.class_number, each.class_name, each.pixels]
            row += [*each.box, *(f"{n:.10g}" for n in each.centroid), mean]
            if each.map_centroid is not None:
                row += [each.area, _area_unit(objects), *each.map_centroid]
            table.writerow(row)


def write_label_image(path: Path, objects: Objects, place: Georeference | None = None) -> None:
    """A TIFF of uint16, above 65535 objects uint32: the object's number at its pixels, else 0.

    Args:
        path: path of the file.
        objects: objects of the image.
        place: georeference of the class map, None for none.
    """
    height, _ = objects.size
    tags = [] if place is None else place.extra_tags
    with TiffWriter(path, objects.size, objects.label_dtype, tags=tags) as out:
        for top in range(0, height, _BAND):
            out.write(objects.label_image(top, min(top + _BAND, height)))


def _ring(ring: np.ndarray, objects: Objects) -> list[list[float]]:
    """Closed, an outer one counterclockwise (its area positive), as RFC 7946 asks for."""
    points = ring
    if objects.grid is not None:
        points = objects.grid.points(ring)
        if objects.grid.pixel_area < 0:
            points = points[::-1]
    return np.concatenate([points, points[:1]]).tolist()


def _box(polygons: Sequence[Polygon], objects: Objects) -> list[float]:
    """West, south, east and north."""
    corners = np.concatenate([polygon[0] for polygon in polygons])
    points = corners if objects.grid is None else objects.grid.points(corners)
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]


def _properties(each: Object, objects: Objects) -> dict[str, Any]:
    result: dict[str, Any] = {
        "number": each.number,
        "class": each.class_number,
        "class_name": each.class_name,
        "pixels": each.pixels,
        "centroid": list(each.map_centroid or each.centroid),
        "mean_probability": each.probability,
    }
    if each.area is not None:
        result |= {"area": each.area, "area_unit": _area_unit(objects)}
    return result


def _area_unit(objects: Objects) -> str:
    unit = "" if objects.grid is None else objects.grid.unit
    return f"square {unit}" if unit else "square map units"
