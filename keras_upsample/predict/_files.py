"""`predict_to_files`: predict one image file and write the results in bands of rows."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._installed import need
from .._publish import publish
from ..images._cog import check_rasterio, optimize
from ..images._georeference import as_aux_xml
from ..images._pictures import sources_in
from ..images._sources import Source
from ..images._zarr_writer import SUFFIX as ZARR
from ._augment import checked_augmentations
from ._bands import Bands
from ._channels import prepared_source
from ._image_task import ImageTask
from ._load import load_model
from ._made_from import is_ours, made_from, record
from ._made_from import keep as is_kept
from ._object_files import OBJECT_ENDINGS
from ._object_finder import check_scipy
from ._object_options import ObjectOptions
from ._predict import check_probabilities, checked_objects
from ._predictor import Predictor

if TYPE_CHECKING:
    from ._ray import Ray


@dataclass(frozen=True)
class Files:
    """Results of `predict_to_files`.

    Attributes:
        written: files that were written.
        kept: results of an earlier run that were kept.
        notes: lines on pixels without data, unused tags, numbers of objects.
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
    augment: Sequence[str] = (),
    objects: bool | ObjectOptions = False,
    cog: bool = False,
    zarr: bool = False,
    overwrite: bool = False,
    progress: Callable[[float], None] = lambda done: None,
    engine: "Ray | None" = None,
    load: Mapping[str, Any] | None = None,
) -> Files:
    """Predict an image file of any size and write the results, band by band.

    Memory grows with the width of the image, not with its height: only a band of one tile's height
    is in memory. PNG and JPEG images are an exception, because they can only be decoded whole.

        NAME_classes.png         the class of every pixel, indexed, with a palette (16-bit grey
                                 above 256 classes)
        NAME_overlay.png         the image with the classes drawn over it
        NAME_probabilities.npy   float32 (H, W, K), if requested
        NAME_objects.geojson     outlines of the objects, with NAME_objects.csv, a table, and
                                 NAME_instances.tif, a label image, if requested

    Some models have other results in place of the class map and the overlay:

        NAME_x2.png              a super-resolution model: the enlarged image
        NAME_restored.png        a model whose picture is as large as the image
        NAME_values.npy          a regression: float32 (H, W, K)
        NAME_0_CLASS.png         a model whose labels may overlap: 0 or 1, one file for each label

    If the image is georeferenced (a GeoTIFF, or a picture with a world file), all images and arrays
    are written as georeferenced tiled GeoTIFF, NAME_classes.tif and so on. Pixels without data are
    transparent in PNG, 255 (65535 above 255 classes) in class maps, NaN in probabilities.

    With `zarr=True` class maps, probabilities and values are Zarr groups of one array instead,
    NAME_classes.zarr and so on, whose attributes name the classes and the place on earth.

    A TIFF with several frames (points in time, slices) gives one set of files for each frame,
    called NAME_t03_... A file appears only when it is complete.

    Args:
        model: a `Predictor`, or what `load_model` takes.
        image: path of the image.
        folder: folder for the results; it is made if it does not exist.
        name: first part of the results' names. Default: the image's name without its suffix.
        tile, overlap, channels, nodata, augment, objects: as for `predict`.
        overlays: whether to write NAME_overlay.png.
        probabilities: whether to write NAME_probabilities.npy.
        cog: whether to write GeoTIFFs as Cloud Optimized GeoTIFF, with overviews. Needs rasterio
            (`pip install "keras-upsample[geo]"`).
        zarr: whether to write classes, probabilities and values as Zarr (version 3, chunks of
            512x512 pixels, NAME_classes.zarr), which xarray and dask open. Pictures stay what they
            are. Needs zarr (`pip install "keras-upsample[zarr]"`).
        overwrite: whether to replace results that exist. If not, results of the same image, model
            and options are kept, and missing ones are written; a frame whose results are complete
            is not computed again. Files that this function did not write, or that were changed
            since, are never replaced.
        progress: called with the share that is done, 0 to 1.
        engine: None to predict in this process, or a `Ray` whose workers predict bands of a large
            image; this process reads the image too and writes the results, the same bytes. The
            model must be the name of a preset or the path of a file.
        load: keyword arguments of `load_model`, if `model` is to be loaded here.

    Returns:
        The paths that were written and kept, and notes.

    Raises:
        ValueError: as `predict`; or the folder holds, under a result's name, a result of another
            image, model or options, or a file that `.keras_upsample/` in the folder does not list
            as a result.
        PermissionError: the folder can't be written to.
        ModuleNotFoundError: `cog` needs rasterio, `zarr` zarr, objects SciPy.
    """
    if cog:
        check_rasterio()
    if zarr:
        need("zarr", "Results as Zarr need zarr.", "keras-upsample[zarr]")
    if engine is not None:
        engine.place_of(model)
    predictor = load_model(model, **(load or {}))
    if predictor.network.volume:
        raise ValueError(
            f"{predictor.network.name!r} takes volumes, and files hold images. Read the volume "
            "into an array and pass it to `predict`."
        )
    check_probabilities(predictor, probabilities)
    augment, options = check_options(predictor, augment=augment, objects=objects)
    sources = sources_in(Path(image), predictor.network.channels)
    written: list[Path] = []
    kept: list[Path] = []
    notes: list[str] = []
    plans = []
    for source in sources:
        stem = "_".join(part for part in (name or Path(image).stem, source.frame) if part)
        files = _wanted(predictor, source, Path(folder) / stem, overlays, probabilities, zarr)
        if options is not None:
            names = {kind: f"{stem}_{ending}" for kind, ending in OBJECT_ENDINGS.items()}
            files |= {kind: Path(folder) / file for kind, file in names.items()}
        height, width, _ = source.shape
        used: dict[str, Any] = {
            "tiles": predictor.tiles(height, width, tile, overlap),
            "channels": None if channels is None else tuple(channels),
            "nodata": nodata,
        }
        if augment:
            used["augment"] = augment
        if cog:
            used["cog"] = True
        common = made_from(Path(image), source, predictor, used)
        facts = {
            path: {**common, "objects": str(options)} if kind in OBJECT_ENDINGS else common
            for kind, path in files.items()
        }
        there = [path for path in facts if is_kept(path, facts[path], overwrite=overwrite)]
        kept += there
        files = {kind: path for kind, path in files.items() if path not in there}
        plans.append((source, files, facts))
    for number, (source, files, facts) in enumerate(plans):
        if not files:
            continue
        task = ImageTask(
            predictor,
            prepared_source(source, predictor, channels, nodata),
            tile,
            overlap,
            partial(_part, progress, number, len(sources)),
            augment,
            options,
            None
            if engine is None
            else Bands(
                engine,
                model,
                load or {},
                Path(image),
                number,
                None if channels is None else tuple(channels),
                nodata,
                Path(folder),
            ),
        )
        with ExitStack() as stack:
            staged = {kind: stack.enter_context(_published(path)) for kind, path in files.items()}
            said = task.write(staged)
            if cog:
                said = (*said, *_optimize(staged, files, source))
            for kind, path in files.items():
                record(path, facts[path], staged[kind])
        for path in files.values():
            notes += _write_crs(path, source, facts[path])
        frame = f"{source.frame}: " if source.frame else ""
        notes += [frame + note for note in (*source.notes, *said) if note]
        written += files.values()
    progress(1.0)
    return Files(tuple(written), tuple(kept), tuple(notes))


def check_options(
    predictor: Predictor, *, augment: Sequence[str] = (), objects: bool | ObjectOptions = False
) -> tuple[tuple[str, ...], ObjectOptions | None]:
    """Check the augmentations and the options on objects before any image is read.

    Raises:
        ValueError: they do not suit the model.
        ModuleNotFoundError: objects need SciPy.
    """
    names = checked_augmentations(predictor, augment)
    options = checked_objects(predictor, objects)
    if options is not None:
        check_scipy()
        options.numbers(predictor.classes, predictor.class_count)
    return names, options


def _optimize(staged: Mapping[str, Path], files: Mapping[str, Path], source: Source) -> list[str]:
    """Make Cloud Optimized GeoTIFFs of the GeoTIFFs."""
    tiffs = [kind for kind, path in files.items() if path.suffix == ".tif"]
    for kind in tiffs:
        numbers = kind.startswith("label") or kind in OBJECT_ENDINGS
        optimize(staged[kind], numbers=numbers)
    if tiffs or source.place is not None:
        return []
    return ["it is not georeferenced, so that no result is a GeoTIFF"]


def _write_crs(path: Path, source: Source, facts: Any) -> list[str]:
    """Write `RESULT.aux.xml` with a coordinate reference system that has no GeoTIFF tag."""
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
        record(beside, facts, staged)
    return []


def _published(path: Path) -> AbstractContextManager[Path]:
    """A place for a result; of a folder nothing is kept, which `keep` knows to be all ours."""
    return publish(path, directory=path.suffix == ZARR, others=lambda _: [])


def _wanted(
    predictor: Predictor,
    source: Source,
    base: Path,
    overlays: bool,
    probabilities: bool,
    zarr: bool,
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

    def suffix(kind: str, ending: str) -> str:
        if zarr and kind not in ("picture", "overlay"):
            return ZARR
        return ".tif" if on_earth else Path(ending).suffix

    return {
        kind: base.with_name(f"{base.name}_{ending}").with_suffix(suffix(kind, ending))
        for kind, ending in endings.items()
    }


def _label(predictor: Predictor, number: int) -> str:
    """Number and name of a class, safe for every file system: `2_cell_wall`."""
    name = predictor.classes[number] if predictor.classes else "label"
    return f"{number}_{re.sub(r'[^A-Za-z0-9-]+', '_', name).strip('_') or 'label'}"


def _part(progress: Callable[[float], None], number: int, count: int, done: float) -> None:
    progress((number + done) / count)
