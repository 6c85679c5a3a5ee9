"""One large image by many workers: each predicts a band of rows of tiles.

A band owns the output rows that are final when its tiles are blended. Tiles blend with those above
them, so that a band computes the row of tiles above it once more, and throws it away: its values
are bit by bit those of one process. Bands need nothing of each other, in no order; one that a
worker lost is made again.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import first_line
from ..files._durable import open_new
from ..files._workshop import workshop
from ..images._pictures import sources_in
from ..images._scaling import Scaling
from ..images._sources import ImageError, Source
from ._augment import augmented
from ._channels import prepared_source
from ._grid import Span
from ._load import load_model
from ._predictor import Predictor
from ._sliding import Strip, strips

if TYPE_CHECKING:
    from ._ray import Ray

_ROWS_OF_TILES = 4
"""In a band, if there are enough for all workers: a fifth of the work is done twice."""
_BANDS = 4
"""For each worker, so that the last one does not keep all others waiting."""


@dataclass(frozen=True)
class Tiling:
    """How an image is predicted.

    Attributes:
        tile, overlap: as for `predict`.
        augment: names of augmentations.
        scaling: of the whole image.
        labels: whether values are reduced to labels.
    """

    tile: int | None
    overlap: int | None
    augment: tuple[str, ...]
    scaling: Scaling
    labels: bool

    def strips(
        self,
        predictor: Predictor,
        source: Source,
        first: int = 0,
        last: int | None = None,
        tick: Callable[[], None] = lambda: None,
    ) -> Iterator[Strip]:
        """The final rows of the rows of tiles from `first` to before `last`.

        Args:
            predictor: the model.
            source: the image.
            first, last: numbers of rows of tiles; None for all.
            tick: called after every tile.
        """
        height, width, _ = source.shape
        rows, columns, shared = predictor.tiles(height, width, self.tile, self.overlap)
        run, finish = augmented(predictor, self.augment)
        for strip in strips(
            run,
            source.rows,
            rows[max(first - 1, 0) : last],
            columns,
            overlap=shared,
            scale=predictor.scale,
            margin=predictor.margin,
            prepare=self.scaling,
            missing=source.missing,
            fill=self.scaling.low,
            finish=finish,
            reduce=predictor.labels if self.labels else np.copy,
            tick=tick,
            blend=predictor.blends,
            height=height,
        ):
            if strip.top >= rows[first].begin * predictor.scale:
                yield strip


@dataclass(frozen=True)
class Bands:
    """The engine for the bands of one image, and what its workers must know.

    Attributes:
        engine: runs the workers.
        model: name of a preset or path of a file.
        load: options of `load_model`.
        image: path of the image.
        frame: number of the image in its file.
        channels, nodata: as for `predict`.
        folder: a folder that all workers see.
    """

    engine: "Ray"
    model: str | Path
    load: Mapping[str, Any]
    image: Path
    frame: int
    channels: tuple[int, ...] | None
    nodata: float | str | None
    folder: Path

    def strips(
        self, tiling: Tiling, predictor: Predictor, source: Source, tick: Callable[[], None]
    ) -> Iterator[Strip]:
        """As `Tiling.strips`, of all rows; `tick` is called for the tiles of a finished band."""
        height, width, _ = source.shape
        rows, columns, _ = predictor.tiles(height, width, tiling.tile, tiling.overlap)
        with self._parts() as place:
            arguments = {
                "model": self.engine.place_of(self.model),
                "load": self.engine.load_options(self.model, self.load),
                "image": str(self.image.absolute()),
                "frame": self.frame,
                "channels": self.channels,
                "nodata": self.nodata,
                "tiling": tiling,
                "folder": str(place.absolute()),
            }
            there: dict[int, int] = {}  # first row of a band that is done -> the one after it
            following = 0

            def plan(workers: int) -> list[dict[str, Any]]:
                return [{"first": a, "last": b} for a, b in bands_of(len(rows), workers)]

            for row in self.engine.run(BandWorker, arguments, plan):
                if row["error"]:
                    raise ImageError(row["error"])
                there[row["first"]] = row["last"]
                for _ in range((row["last"] - row["first"]) * len(columns)):
                    tick()
                while following in there:
                    last = there.pop(following)
                    values = np.load(place / _name(following), mmap_mode="r")
                    yield from _cut(values, rows[following:last], source, predictor.scale)
                    del values
                    (place / _name(following)).unlink()
                    following = last

    @contextmanager
    def _parts(self) -> Iterator[Path]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with workshop(self.folder, f"{self.image.name}_{self.frame}_bands") as place:
            yield place


class BandWorker:
    """Predicts bands of one image; see `Bands` for the arguments."""

    def __init__(
        self,
        model: str,
        load: Mapping[str, Any],
        image: str,
        frame: int,
        channels: tuple[int, ...] | None,
        nodata: float | str | None,
        tiling: Tiling,
        folder: str,
    ) -> None:
        self._predictor = load_model(model, **load)
        source = sources_in(Path(image), self._predictor.network.channels)[frame]
        self._source = prepared_source(source, self._predictor, channels, nodata)
        self._tiling, self._folder = tiling, Path(folder)

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            self._write(int(row["first"]), int(row["last"]))
        except (ValueError, OSError, MemoryError) as error:  # of the image, as in one process
            return {**row, "error": first_line(error)}
        return {**row, "error": ""}

    def _write(self, first: int, last: int) -> None:
        found = self._tiling.strips(self._predictor, self._source, first, last)
        values = np.concatenate([strip.values for strip in found])
        part = self._folder / _name(first)
        # A band that is done twice, by a worker that was taken for dead, is written apart.
        new = part.with_name(f"{part.name}.{os.getpid()}")
        with open_new(new) as file:
            np.save(file, values)
        new.replace(part)


def bands_of(rows: int, workers: int) -> list[tuple[int, int]]:
    """First row of tiles of each band, and the one after its last.

    4 rows a band, more where there would be above 4 bands a worker, fewer where there would be
    fewer bands than workers.
    """
    length = max(_ROWS_OF_TILES, -(-rows // (_BANDS * workers)))
    if -(-rows // length) < workers:
        length = -(-rows // workers)
    return [(first, min(first + length, rows)) for first in range(0, rows, length)]


def _name(first: int) -> str:
    return f"{first}.npy"


def _cut(values: np.ndarray, rows: Sequence[Span], source: Source, scale: int) -> Iterator[Strip]:
    """A band's values as the strips of its rows of tiles."""
    begin = rows[0].begin
    for y in rows:
        image = source.rows(y.begin, y.done)
        part = np.array(values[(y.begin - begin) * scale : (y.done - begin) * scale])
        yield Strip(y.begin * scale, part, image, source.missing(y.begin, image))
