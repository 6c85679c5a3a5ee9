"""Objects: the connected components of a class map, measured."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..images._map import MapGrid
from ._outlines import Polygon, outlines
from ._runs import NONE, Runs


@dataclass(frozen=True)
class Object:
    """One connected component of one class.

    Lengths are in pixels: x from the image's left border, y from its upper one, so that the first
    pixel's centre is (0.5, 0.5).

    Attributes:
        number: value of the object in the label image, from 1.
        class_number: number of the class.
        class_name: name of the class, or "".
        pixels: area in pixels.
        box: left, top, right, bottom; the pixels are x = left .. right − 1.
        centroid: x and y, the mean of the pixels' centres.
        probability: mean over the object's pixels of its class's probability; None if the model
            returns only class numbers.
        area: area in squared units of the map; None if the image is not georeferenced.
        map_centroid: x and y on the map; None if the image is not georeferenced.
    """

    number: int
    class_number: int
    class_name: str
    pixels: int
    box: tuple[int, int, int, int]
    centroid: tuple[float, float]
    probability: float | None = None
    area: float | None = None
    map_centroid: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Objects(Sequence[Object]):
    """The objects of one image, in the raster order of their first pixels.

    Attributes:
        size: height and width of the class map, in pixels.
        grid: the image's grid on the map; None if the image is not georeferenced.
        left_out: number of objects that were smaller than `ObjectOptions.least_area`.
    """

    size: tuple[int, int]
    grid: MapGrid | None
    left_out: int
    _found: tuple[Object, ...] = field(repr=False)
    _runs: Runs = field(repr=False)
    _numbers: np.ndarray = field(repr=False)
    """Of each run, the number of its object, 0 for none."""

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: Any) -> Any:
        return self._found[index]

    @property
    def counts(self) -> dict[str, int]:
        """Number of objects by class name, or by `"class 1"` if classes have no names."""
        found = Counter((each.class_number, each.class_name) for each in self._found)
        return {name or f"class {k}": n for (k, name), n in sorted(found.items())}

    @property
    def label_dtype(self) -> np.dtype:
        """Dtype of the label image: uint16, above 65535 objects uint32."""
        return np.dtype("uint16" if len(self) <= np.iinfo("uint16").max else "uint32")

    def label_image(self, top: int = 0, bottom: int | None = None) -> np.ndarray:
        """(H, W): at each pixel the number of its object, 0 for none.

        Args:
            top: the first row.
            bottom: the row after the last one; None for all rows.
        """
        bottom = self.size[0] if bottom is None else bottom
        return self._runs.painted(self._numbers.astype(self.label_dtype), top, bottom)

    @cached_property
    def polygons(self) -> list[list[Polygon]]:
        """The polygons of each object, each a list of rings (n, 2) of corners (x, y) in pixels.

        The outer ring comes first, then the holes. Rings lie on the edges of pixels. Only corners
        where they turn are listed, and the first one is not repeated. An object of connectivity 8
        whose parts touch only at corners has a polygon for each part.
        """
        regions = self._runs.components(4)
        kept = self._numbers > 0
        regions[~kept] = NONE
        result: list[list[Polygon]] = [[] for _ in self._found]
        number = dict(zip(regions[kept].tolist(), self._numbers[kept].tolist(), strict=True))
        for region, polygon in sorted(outlines(self._runs, regions).items()):
            result[number[region] - 1].append(polygon)
        return result

    def __str__(self) -> str:
        parts = [f"{count} {name}" for name, count in self.counts.items()]
        text = f"{len(self)} object" + "s" * (len(self) != 1)
        text += f" ({', '.join(parts)})" if parts else ""
        return text + (f", {self.left_out} smaller left out" if self.left_out else "")
