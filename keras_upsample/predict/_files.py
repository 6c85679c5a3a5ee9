"""One image file -> pictures, in bands."""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import viz
from .._publish import publish
from ..images._georeference import as_aux_xml
from ..images._nodata import Gaps, with_nodata
from ..images._pictures import sources_in
from ..images._scaling import scaling_of
from ..images._sources import Source
from ._channels import fit_channels
from ._load import load_model
from ._made_from import is_ours, made_from, record
from ._made_from import keep as is_kept
from ._predict import as_picture, check_probabilities
from ._predictor import Predictor
from ._results import results_of
from ._sliding import strips


@dataclass(frozen=True)
class Files:
    """What `predict_to_files` wrote, and which results stood there already and were kept.

    `notes` says what was found on the way: pixels without data, tags that were not used.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    notes: tuple[str, ...] = ()


def predict_to_files(
    model: Any,
    image: str | Path,
    folder: str | Path,
    *,
    name: str | None = None,
    tile: int | None = None,
    overlap: int | None = None,
    overlays: bool = True,
    probabilities: bool = False,
    channels: Sequence[int] | None = None,
    nodata: float | str | None = None,
    overwrite: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Files:
    """Predict an image file of any size and write the results, band by band.

    Memory grows with the width of the image, not with its height: at no time is there more than a
    band of one tile's height (PNG and JPEG, which have no windows, are themselves decoded whole).

        NAME_classes.png         the class of every pixel, indexed, with a palette (16-bit grey
                                 above 256 classes)
        NAME_overlay.png         the image with the classes over it
        NAME_probabilities.npy   float32 (H, W, K), where asked for
        NAME_x2.png              in place of all these, for a super-resolution model
        NAME_restored.png        likewise, for one whose picture is as large as the image
        NAME_values.npy          likewise float32 (H, W, K), for a regression
        NAME_0_CLASS.png         likewise 0 or 1, one file a label, where labels may overlap

    Of an image that has a place on earth (a GeoTIFF, or a world file beside a picture) all of them
    are tiled GeoTIFF, NAME_classes.tif and so on, with that place. Pixels without data are
    transparent in PNG, 255 (65535 above 255 classes) in class maps, NaN in probabilities.

    A TIFF with several frames (points in time, slices) gives one set of files a frame, called
    NAME_t03_... A file appears when it is complete, never in parts.

    Args:
        model: a `Predictor`, or what `load_model` takes.
        image: the file.
        folder: where to write; made if need be.
        name: of the results; default the image's, without its suffix.
        tile, overlap, channels, nodata: as for `predict`.
        overlays: whether to write NAME_overlay.png.
        probabilities: whether to write NAME_probabilities.npy.
        overwrite: whether to replace results that exist. Otherwise those that were made from the
            same image by the same model with the same options are kept, and the missing ones are
            written; a frame whose results are all there is not computed again. What was not written
            by this function, or was changed since, is never replaced.
        progress: called with the share that is done, 0 to 1.

    Raises:
        ValueError: as `predict`; or a result stands there that was made from something else, or a
            file of which `.keras_upsample/` in the folder does not say that it is a result.
        PermissionError: the folder can't be written to.
    """
    predictor = load_model(model)
    if predictor.network.volume:
        raise ValueError(
            f"{predictor.network.name!r} takes volumes, and files hold images. Read the volume "
            "into an array and pass it to `predict`."
        )
    check_probabilities(predictor, probabilities)
    sources = sources_in(Path(image), predictor.network.channels)
    written: list[Path] = []
    kept: list[Path] = []
    notes: list[str] = []
    plans = []
    for source in sources:
        stem = "_".join(part for part in (name or Path(image).stem, source.frame) if part)
        files = _wanted(predictor, source, Path(folder) / stem, overlays, probabilities)
        height, width, _ = source.shape
        options = {
            "tiles": predictor.tiles(height, width, tile, overlap),
            "channels": None if channels is None else tuple(channels),
            "nodata": nodata,
        }
        facts = made_from(Path(image), source, predictor, options)
        there = [path for path in files.values() if is_kept(path, facts, overwrite=overwrite)]
        kept += there
        files = {kind: path for kind, path in files.items() if path not in there}
        plans.append((source, files, facts))
    for number, (source, files, facts) in enumerate(plans):
        if not files:
            continue
        task = _Task(
            predictor,
            fit_channels(
                with_nodata(source, nodata), predictor.network.channels, channels, predictor.order
            ),
            tile,
            overlap,
            partial(_part, progress, number, len(sources)),
        )
        with ExitStack() as stack:
            staged = {kind: stack.enter_context(publish(path)) for kind, path in files.items()}
            said = task.write(staged)
        for path in files.values():
            notes += _write_crs(path, source, facts)
            record(path, facts)
        frame = f"{source.frame}: " if source.frame else ""
        notes += [frame + note for note in (*source.notes, said) if note]
        written += files.values()
    progress(1.0)
    return Files(tuple(written), tuple(kept), tuple(notes))


def _write_crs(path: Path, source: Source, facts: Any) -> list[str]:
    """The reference system of a picture's world file, which has no tag, beside a result."""
    if source.place is None or not source.place.crs or path.suffix != ".tif":
        return []
    beside = path.with_name(f"{path.name}.aux.xml")
    if os.path.lexists(beside) and not is_ours(beside):
        return [
            f"{beside.name!r} is there, was not written by `predict` or was changed since, and "
            "stays: the reference system is not written into it"
        ]
    with publish(beside) as staged:
        staged.write_text(as_aux_xml(source.place.crs), "utf-8")
    record(beside, facts)
    return []


def _wanted(
    predictor: Predictor, source: Source, base: Path, overlays: bool, probabilities: bool
) -> dict[str, Path]:
    """Kind of result -> its file."""
    on_earth = source.place is not None
    if predictor.gives_picture:
        ending = "restored" if predictor.scale == 1 else f"x{predictor.scale}"
        endings = {"picture": f"{ending}.png"}
    elif not predictor.gives_labels:
        endings = {"values": "values.npy"}
    elif predictor.labels_overlap:
        endings = {f"label {k}": f"{_label(predictor, k)}.png" for k in range(predictor.outputs)}
        if probabilities:
            endings["probabilities"] = "probabilities.npy"
    else:
        endings = {"labels": "classes.png"}
        if overlays:
            endings["overlay"] = "overlay.png"
        if probabilities:
            endings["probabilities"] = "probabilities.npy"
    return {
        kind: (base.with_name(f"{base.name}_{ending}")).with_suffix(
            ".tif" if on_earth else Path(ending).suffix
        )
        for kind, ending in endings.items()
    }


def _label(predictor: Predictor, number: int) -> str:
    """`2_cell_wall`: a number and a name that every file system takes."""
    name = predictor.classes[number] if predictor.classes else "label"
    return f"{number}_{re.sub(r'[^A-Za-z0-9-]+', '_', name).strip('_') or 'label'}"


def _part(progress: Callable[[float], None], number: int, count: int, done: float) -> None:
    progress((number + done) / count)


@dataclass(frozen=True)
class _Task:
    """One image on its way through the network into files."""

    predictor: Predictor
    source: Source
    tile: int | None
    overlap: int | None
    progress: Callable[[float], None]

    def write(self, files: dict[str, Path]) -> str:
        """Write the results; what is to be said of pixels without data, or ""."""
        scale = self.predictor.scale
        colours = viz.class_colours(self.predictor.class_count, self.predictor.colours)
        with ExitStack() as stack:
            makers = results_of(self.predictor, self.source, colours)
            out = {
                kind: stack.enter_context(makers.writer(kind, path)) for kind, path in files.items()
            }
            above = None
            keep = not self.predictor.gives_labels or "probabilities" in files
            scaling = scaling_of(self.source, self.predictor.scaling)
            # What is looked at need not be what the network sees, which may be 12 of 16 bits.
            looked_at = self.source.dtype != np.uint8 and "overlay" in files
            bright = scaling_of(self.source, "percentiles") if looked_at else None
            gaps = Gaps(self.source, scale)
            for strip in self._strips(scaling, np.copy if keep else self.predictor.labels):
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
                above = labels[-1]
        return str(gaps)

    def _strips(self, scaling: Any, reduce: Any) -> Any:
        height, width, _ = self.source.shape
        rows, columns, shared = self.predictor.tiles(height, width, self.tile, self.overlap)
        done = 0

        def tick() -> None:
            nonlocal done
            done += 1
            self.progress(done / (len(rows) * len(columns)))

        return strips(
            self.predictor.run,
            self.source.rows,
            rows,
            columns,
            overlap=shared,
            scale=self.predictor.scale,
            margin=self.predictor.margin,
            prepare=scaling,
            missing=self.source.missing,
            fill=scaling.low,
            finish=self.predictor.finish,
            reduce=reduce,
            tick=tick,
            blend=self.predictor.blends,
        )
