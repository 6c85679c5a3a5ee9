"""A writer for each kind of result, and the values that it writes for pixels without data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..images._georeference import GDAL_METADATA, GDAL_NODATA, Georeference
from ..images._sources import Source
from ..images._tiff_writer import Tag, TiffWriter
from ..images._writers import NpyWriter, PngWriter, Writer
from ..images._zarr_writer import SUFFIX, ZarrWriter
from ._predict import label_dtype
from ._predictor import Predictor

_Colours = Sequence[tuple[int, int, int]]


def results_of(predictor: Predictor, source: Source, colours: _Colours) -> "Results":
    """The writers for the results of one image.

    Args:
        predictor: the model.
        source: the image.
        colours: RGB colour of every class.
    """
    place = None if source.place is None else source.place.enlarged(predictor.scale)
    return Results(predictor, source, colours, place)


@dataclass(frozen=True)
class Results:
    """Writers of PNG and NPY, of GeoTIFF if the image is georeferenced, of Zarr if a path ends so.

    Attributes:
        predictor: the model.
        source: the image.
        colours: RGB colour of every class.
        place: georeference of the results.
    """

    predictor: Predictor
    source: Source
    colours: _Colours
    place: Georeference | None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        height, width, _ = self.source.shape
        return height * self.predictor.scale, width * self.predictor.scale

    def writer(self, kind: str, path: Path) -> Writer:
        """For `"labels"`, `"label 0"`, `"probabilities"`, `"values"`, `"overlay"`, `"picture"`."""
        if path.suffix == SUFFIX:
            return self._zarr(kind, path)
        if kind.startswith("label"):
            return self._labels(path)
        if kind in ("probabilities", "values"):
            return self._probabilities(path)
        channels = 1 if kind == "picture" and self.predictor.outputs == 1 else 3
        alpha = self.source.may_lack
        if self.place is None:
            return PngWriter(path, self.size, channels=channels + alpha)
        tags = self._tags(self.place, None)
        return TiffWriter(path, self.size, channels=channels + alpha, alpha=alpha, tags=tags)

    def classes(self, labels: np.ndarray, none: np.ndarray | None) -> np.ndarray:
        """Labels with 255 or 65535 at pixels without data, which `none` marks."""
        result = labels.astype(self._dtype)
        if none is not None:
            result[none] = np.iinfo(result.dtype).max
        return result

    def probabilities(self, values: np.ndarray, none: np.ndarray | None) -> np.ndarray:
        """Probabilities with NaN at pixels without data."""
        return values if none is None else np.where(none[..., None], np.float32(np.nan), values)

    def seen(self, picture: np.ndarray, none: np.ndarray | None) -> np.ndarray:
        """A picture that is black and transparent at pixels without data."""
        if not self.source.may_lack:
            return picture
        opacity = np.full((*picture.shape[:2], 1), 255, "uint8")
        if none is not None:
            opacity[none] = 0
            picture = np.where(none[..., None], np.uint8(0), picture)
        return np.concatenate([picture, opacity], axis=2)

    @property
    def _dtype(self) -> np.dtype:
        return np.dtype(label_dtype(self.predictor, self.source))

    @property
    def _nodata(self) -> int | None:
        return int(np.iinfo(self._dtype).max) if self.source.may_lack else None

    def _labels(self, path: Path) -> Writer:
        palette: _Colours | None = self.colours if self._dtype == np.uint8 else None
        if palette is not None and self._nodata is not None:
            palette = [*palette, *[(0, 0, 0)] * (self._nodata + 1 - len(palette))]
        if self.place is None:
            return PngWriter(
                path, self.size, self._dtype, palette=palette, transparent=self._nodata
            )
        tags = self._tags(self.place, self._nodata, self.predictor.classes)
        return TiffWriter(path, self.size, self._dtype, palette=palette, tags=tags)

    def _probabilities(self, path: Path) -> Writer:
        channels = self.predictor.outputs
        if self.place is None:
            return NpyWriter(path, (*self.size, channels))
        tags = self._tags(self.place, np.nan if self.source.may_lack else None)
        return TiffWriter(path, self.size, "float32", channels=channels, tags=tags)

    def _zarr(self, kind: str, path: Path) -> Writer:
        about: dict[str, Any] = {}
        if self.predictor.classes:
            about["class_names"] = list(self.predictor.classes)
        if kind.startswith("label"):
            about["class_colours"] = [list(colour) for colour in self.colours]
            fill = int(np.iinfo(self._dtype).max)
            return ZarrWriter(
                path, "classes", self.size, self._dtype, fill=fill, place=self.place,
                attributes=about,
            )  # fmt: skip
        shape = (*self.size, self.predictor.outputs)
        return ZarrWriter(
            path, kind, shape, "float32", fill=np.nan, place=self.place, attributes=about
        )

    def _tags(
        self, place: Georeference, nodata: float | None, classes: Sequence[str] = ()
    ) -> list[Tag]:
        tags = dict(place.tags)
        if nodata is not None:
            tags[GDAL_NODATA] = f"{nodata:g}"
        if classes:
            tags[GDAL_METADATA] = _with_classes(tags.get(GDAL_METADATA, ""), classes)
        return Georeference(tags).extra_tags


def _with_classes(described: str, classes: Sequence[str]) -> str:
    """GDAL's metadata with an item `class_0` and so on for the name of each class."""
    from xml.etree import ElementTree

    root = ElementTree.fromstring(described or "<GDALMetadata/>")
    for number, name in enumerate(classes):
        ElementTree.SubElement(root, "Item", name=f"class_{number}").text = name
    return ElementTree.tostring(root, encoding="unicode")
