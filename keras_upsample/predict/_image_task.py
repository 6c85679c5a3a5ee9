"""Predict one image file band by band, and write the results."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import viz
from ..images._map import grid_of
from ..images._nodata import Gaps
from ..images._scaling import Scaling, scaling_of
from ..images._sources import Source
from ._bands import Bands, Tiling
from ._object_files import OBJECT_ENDINGS, write_objects
from ._object_options import ObjectOptions
from ._predict import as_picture, object_finder
from ._predictor import Predictor
from ._results import results_of
from ._sliding import Strip


@dataclass(frozen=True)
class ImageTask:
    """Prediction of one image into files.

    Attributes:
        predictor: the model.
        source: the image, with the channels that the model takes.
        tile, overlap: as for `predict`.
        progress: called with the share that is done.
        augment: names of augmentations, already checked.
        objects: options on objects, None for no objects.
        bands: the engine for its bands, None for this process.
    """

    predictor: Predictor
    source: Source
    tile: int | None
    overlap: int | None
    progress: Callable[[float], None]
    augment: tuple[str, ...]
    objects: ObjectOptions | None
    bands: Bands | None = None

    def write(self, files: dict[str, Path]) -> tuple[str, ...]:
        """Write the results; return notes on pixels without data and on numbers of objects."""
        looked_for = {kind: path for kind, path in files.items() if kind in OBJECT_ENDINGS}
        files = {kind: path for kind, path in files.items() if kind not in looked_for}
        scale = self.predictor.scale
        colours = viz.class_colours(self.predictor.class_count, self.predictor.colours)
        with ExitStack() as stack:
            makers = results_of(self.predictor, self.source, colours)
            out = {
                kind: stack.enter_context(makers.writer(kind, path)) for kind, path in files.items()
            }
            above = None
            finder = (
                object_finder(self.predictor, self.objects, makers.size[1])
                if self.objects is not None and looked_for
                else None
            )
            measured = finder is not None and self.predictor.blends
            keep = not self.predictor.gives_labels or "probabilities" in files or measured
            scaling = scaling_of(self.source, self.predictor.scaling)
            # What is looked at need not be what the network sees, which may be 12 of 16 bits.
            looked_at = self.source.dtype != np.uint8 and "overlay" in files
            bright = scaling_of(self.source, "percentiles") if looked_at else None
            gaps = Gaps(self.source, scale)
            for strip in self._strips(scaling, labels=not keep):
                none = gaps.of(strip.missing)
                if "picture" in out:
                    out["picture"].write(makers.seen(as_picture(strip.values), none))
                    continue
                if "values" in out:
                    out["values"].write(makers.probabilities(strip.values, none))
                    continue
                labels = self.predictor.labels(strip.values) if keep else strip.values
                for kind in (kind for kind in out if kind.startswith("label ")):
                    number = int(kind.removeprefix("label "))
                    out[kind].write(makers.classes(labels[..., number], none))
                if "labels" in out:
                    out["labels"].write(makers.classes(labels, none))
                if "probabilities" in out:
                    out["probabilities"].write(makers.probabilities(strip.values, none))
                if "overlay" in out:
                    shown = strip.image
                    if strip.missing is not None:
                        shown = np.where(strip.missing, np.zeros((), shown.dtype), shown)
                    shown = shown if bright is None else as_picture(bright(shown))
                    shown = shown.repeat(scale, axis=0).repeat(scale, axis=1)
                    mixed = viz.overlay_image(shown, labels, colours=colours, above=above)
                    out["overlay"].write(makers.seen(mixed, none))
                if finder is not None:
                    finder.add(labels, strip.values if measured else None, none)
                above = labels[-1]
        if finder is None:
            return (str(gaps),)
        found = finder.objects(grid_of(makers.place))
        for kind, path in looked_for.items():
            write_objects(kind, path, found, path.stem, makers.place)
        return str(gaps), str(found)

    def _strips(self, scaling: Scaling, *, labels: bool) -> Iterator[Strip]:
        height, width, _ = self.source.shape
        rows, columns, _ = self.predictor.tiles(height, width, self.tile, self.overlap)
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self.progress(done / (len(rows) * len(columns)))

        tiling = Tiling(self.tile, self.overlap, self.augment, scaling, labels)
        if self.bands is None or len(rows) == 1:
            return tiling.strips(self.predictor, self.source, tick=tick)
        return self.bands.strips(tiling, self.predictor, self.source, tick)
