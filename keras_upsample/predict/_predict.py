"""Prediction of one image in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..images._map import MapGrid, grid_of
from ..images._nodata import Gaps
from ..images._scaling import scaling_of
from ..images._sources import ImageError, Source, of_array
from ._augment import augmented, checked_augmentations
from ._channels import prepared_source
from ._load import load_model
from ._object_finder import ObjectFinder
from ._object_options import ObjectOptions
from ._objects import Objects
from ._predictor import Predictor
from ._sliding import strips
from ._volumes import run_volume


@dataclass(frozen=True, eq=False)
class Prediction:
    """Prediction of a model for one image.

    Attributes:
        labels: (H, W) uint8 or uint16, the class of every pixel; (H, W, K) with 0 or 1 each, if a
            pixel may have several labels; None for pictures and regressions.
        probabilities: (H, W, K) float32 if requested, else None.
        picture: (H·r, W·r, 3 or 1) uint8, the enlarged or restored image; else None.
        classes: names of the classes, or empty.
        colours: RGB colours of the classes if the model has them, or empty.
        valid: (H, W) bool, which pixels of the result hold data; None if all do. At the other
            pixels `labels` are the largest number of their dtype, 255 or 65535, `probabilities`
            and `values` are NaN, and `picture` is 0.
        values: (H, W, K) float32, the output of a regression, e.g. depths; else None.
        objects: the connected components of the class map if requested, else None.

    For a volume every array has one more axis at the front, (D, H, W), and a picture is in
    `values`.
    """

    labels: np.ndarray | None
    probabilities: np.ndarray | None
    picture: np.ndarray | None
    classes: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    valid: np.ndarray | None = None
    values: np.ndarray | None = None
    objects: Objects | None = None


def predict(
    model: Any,
    image: Any,
    *,
    tile: int | None = None,
    overlap: int | None = None,
    probabilities: bool = False,
    channels: tuple[int, ...] | None = None,
    nodata: float | str | None = None,
    augment: Sequence[str] = (),
    objects: bool | ObjectOptions = False,
) -> Prediction:
    """Predict the class map, the picture or the numbers that a model returns for an image.

    The image may have any size: a large one goes through the network in overlapping tiles. The
    probabilities of neighbouring tiles (pixel values for super-resolution) are blended in the
    middle half of their overlap. The quarter next to a tile's own border is not used. So, up to
    rounding, the result equals that of the whole image at once if the network's receptive field
    reaches at most overlap/4 pixels; outside the overlaps, if it reaches at most `overlap` pixels.

    Args:
        model: a `Predictor`, or what `load_model` takes. Load once to predict many images.
        image: an array (H, W) or (H, W, C), or the path of a picture. Its values are scaled by
            `Predictor.scaling`. Grey is repeated for an RGB model. For a model of volumes an array
            (D, H, W) or (D, H, W, C), which goes through the network in one piece.
        tile: side of a tile in pixels, rounded up to a multiple of the network's stride. None: the
            whole image up to 1024² pixels, above that 512. A model of fixed input size has tiles
            of that size.
        overlap: pixels that neighbouring tiles share, at most half of a tile, rounded up so that
            tiles begin at multiples of the stride. None: 64, or a quarter of a smaller tile.
        probabilities: whether to return the probabilities.
        channels: numbers of the image's channels to use, in this order. Default: all.
        nodata: value of pixels without data, `"none"` for no such value. Default: the value in a
            TIFF. NaN, infinity and transparent pixels are never data.
        augment: test-time augmentation: names out of `"flip_horizontal"`, `"flip_vertical"`,
            `"rotate_90"`, `"rotate_180"`, `"rotate_270"` (counterclockwise), `"transpose"` and
            `"transverse"`. The result is the mean over the unchanged image and n changes gᵢ, each
            undone after the network: p(x) = (f(x) + Σᵢ gᵢ⁻¹(f(gᵢ(x)))) / (n + 1), where f returns
            probabilities, or the picture of a super-resolution model. Each tile is changed
            separately, and prediction takes n + 1 times as long.
        objects: whether to find the connected components of the class map; `ObjectOptions` chooses
            which. Needs SciPy.

    Returns:
        The `Prediction`. A model of one output channel has two classes: a pixel is 1 if its
        probability is at least `Predictor.threshold`.

    Raises:
        ValueError: an argument is not allowed or does not fit the model; the image can't be read,
            or has other channels than the model takes.

    Example:
        >>> from keras_upsample.data import photograph
        >>> predict("model.keras", photograph("chelsea")).labels.shape  # doctest: +SKIP
        (300, 451)
    """
    predictor = load_model(model)
    if predictor.network.volume:
        given: dict[str, Any] = {
            "tile": tile,
            "overlap": overlap,
            "channels": channels,
            "nodata": nodata,
        }
        given |= {"augment": augment or None, "objects": objects or None}
        values = run_volume(predictor, image, given)
        check_probabilities(predictor, probabilities)
        if not predictor.gives_labels:
            return Prediction(None, None, None, values=values)
        kept = values if probabilities else None
        return Prediction(
            predictor.labels(values), kept, None, predictor.classes, predictor.colours
        )
    source = prepared_source(_source(image, predictor), predictor, channels, nodata)
    height, width, _ = source.shape
    rows, columns, shared = predictor.tiles(height, width, tile, overlap)
    scale = predictor.scale
    size = (height * scale, width * scale)
    check_probabilities(predictor, probabilities)
    chosen = checked_objects(predictor, objects)
    finder = None if chosen is None else object_finder(predictor, chosen, size[1])
    run, finish = augmented(predictor, checked_augmentations(predictor, augment))
    measured = finder is not None and predictor.blends
    keep = probabilities or not predictor.gives_labels
    whole = keep or measured  # values are needed strip by strip
    result = np.empty((*size, predictor.outputs), "float32") if keep else None
    several = (predictor.outputs,) if predictor.labels_overlap else ()
    labels = (
        np.empty((*size, *several), label_dtype(predictor, source))
        if predictor.gives_labels
        else None
    )
    valid: np.ndarray | None = None
    gaps = Gaps(source, scale)
    scaling = scaling_of(source, predictor.scaling)
    for strip in strips(
        run,
        source.rows,
        rows,
        columns,
        overlap=shared,
        scale=scale,
        margin=predictor.margin,
        prepare=scaling,
        missing=source.missing,
        fill=scaling.low,
        finish=finish,
        reduce=np.copy if whole else predictor.labels,
        blend=predictor.blends,
    ):
        place = slice(strip.top, strip.top + len(strip.values))
        if result is not None:
            result[place] = strip.values
        if labels is not None:
            labels[place] = predictor.labels(strip.values) if whole else strip.values
        none = gaps.of(strip.missing)
        if finder is not None and labels is not None:
            finder.add(labels[place], strip.values if measured else None, none)
        if none is None:
            continue
        if valid is None:
            valid = np.ones(size, bool)
        valid[place] = ~none
        if result is not None:
            result[place][none] = 0 if predictor.gives_picture else np.nan
        if labels is not None:
            labels[place][none] = np.iinfo(labels.dtype).max
    if predictor.gives_picture:
        return Prediction(None, None, as_picture(result), valid=valid)
    if labels is None:
        return Prediction(None, None, None, valid=valid, values=result)
    found = None if finder is None else finder.objects(_grid(source, scale))
    return Prediction(
        labels, result, None, predictor.classes, predictor.colours, valid, objects=found
    )


def _grid(source: Source, scale: int) -> MapGrid | None:
    return None if source.place is None else grid_of(source.place.enlarged(scale))


def checked_objects(predictor: Predictor, objects: bool | ObjectOptions) -> ObjectOptions | None:
    """The options on objects; None if no objects are wanted.

    Raises:
        ValueError: the model gives no class map, or a pixel may have several labels.
        TypeError: it is neither options nor a bool.
    """
    if objects is False or objects is None:
        return None
    if objects is not True and not isinstance(objects, ObjectOptions):
        raise TypeError(
            f"`objects` must be True, False or `predict.ObjectOptions`. Received: {objects!r}."
        )
    if not predictor.gives_labels or predictor.labels_overlap:
        what = "overlapping labels" if predictor.gives_labels else predictor.kind.replace("_", " ")
        raise ValueError(
            f"`objects` are found in a class map; {predictor.network.name!r} gives {what}. Leave "
            "it out."
        )
    return ObjectOptions() if objects is True else objects


def object_finder(predictor: Predictor, options: ObjectOptions, width: int) -> ObjectFinder:
    """An `ObjectFinder` for class maps of a model, `width` pixels wide."""
    return ObjectFinder(options, width, predictor.classes, predictor.class_count)


def check_probabilities(predictor: Predictor, wanted: bool) -> None:
    """Raise unless the model returns probabilities or logits.

    Raises:
        ValueError: it returns class numbers, a picture or a regression.
    """
    if wanted and not (predictor.gives_labels and predictor.blends):
        raise ValueError(
            f"`probabilities`: {predictor.network.name!r} gives none; its output is a "
            f"{predictor.kind.replace('_', ' ')}. Leave it out."
        )


def as_picture(values: np.ndarray | None) -> np.ndarray:
    """[0, 1] -> uint8, rounded; values outside are clipped."""
    return np.rint(np.clip(np.asarray(values), 0, 1) * 255).astype("uint8")


def label_dtype(predictor: Predictor, source: Source) -> str:
    """The dtype of a class map, with a value for "no data" if pixels may lack data."""
    return "uint8" if predictor.class_count + source.may_lack <= 256 else "uint16"


def _source(image: Any, predictor: Predictor) -> Source:
    if not isinstance(image, str | Path):
        return of_array(image)
    from ..images._pictures import sources_in

    found = sources_in(Path(image), predictor.network.channels)
    if len(found) > 1:
        raise ImageError(
            f"{str(image)!r} holds {len(found)} images. `predict` takes one: read the file and "
            "pass an array, or write all of them with `predict_to_files`."
        )
    return found[0]
