"""Scores of models and files, computed from the results of `keras_upsample.predict`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import LabelledImages
from ..data._labelled import IGNORED
from ..errors import did_you_mean
from ..metadata import Scaling
from ..metrics import boundary_iou, psnr
from ..metrics._overlap import confusion_matrix
from ._bootstrap import LEVEL, intervals
from ._evaluation import Evaluation
from ._images import Images
from ._photo_crops import enlarged_pair
from ._scores import class_scores, mean_of_numbers
from ._threshold import MEASURES, ThresholdCounts


def evaluate(
    model: Any,
    images: Images,
    *,
    bootstrap: int = 1000,
    seed: int = 0,
    boundary_width: int = 2,
    choose_threshold: str | None = None,
    class_name: str | None = None,
    task: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score a model on images with known answers.

    Class maps: mean IoU, IoU, precision, recall and F1 of each class over the pixels of all images
    together, and boundary IoU, the mean over images of the IoU in a band along the borders of the
    classes. Pixels labelled 255 are ignored. Super-resolution: each picture is reduced by the
    model's factor (Pillow's bicubic) and enlarged again. The scores are its PSNR, and the gain over
    Pillow's bicubic enlargement, in dB, of luma (`_y`, BT.601) and of all channels (`_rgb`). A
    border of as many pixels as the factor is left out.

    Args:
        model: a Keras model, the name of a preset, a file or a SavedModel folder, as for
            `predict.load_model`; or a `Predictor`.
        images: `data.LabelledImages`, whose images are in [0, 1]; for super-resolution a dict of
            name to uint8 (H, W, 3).
        bootstrap: number of bootstrap samples for the 95% intervals; 0 for no intervals.
        seed: seed of these samples.
        boundary_width: width of the boundary IoU's band in pixels.
        choose_threshold: "iou" or "f1": find the probability threshold that maximises it.
        class_name: class to which that threshold applies; default: class 1 of two.
        task: task of the model, if its metadata do not say it (see `predict.load_model`).
        progress: called with the number of images done and the number of all.

    Returns:
        `Evaluation`: scores, intervals and the confusion matrix.

    Raises:
        ValueError: the model does not fit the images, or an argument is wrong.

    Example:
        >>> cells = keras_upsample.data.labelled_images("cells", "test")  # doctest: +SKIP
        >>> evaluate("unet:cells", cells).scores["mean_iou"]  # doctest: +SKIP
        0.81
    """
    from ..predict import load_model
    from ..predict._predictor import Predictor

    for name, value, least in (
        ("bootstrap", bootstrap, 0),
        ("seed", seed, 0),
        ("boundary_width", boundary_width, 1),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(
                f"`{name}` must be a whole number from {least} up. Received: {value!r}."
            )
    if choose_threshold is not None and choose_threshold not in MEASURES:
        raise ValueError(
            f"`choose_threshold` must be one of {', '.join(MEASURES)}. Received: "
            f"{choose_threshold!r}."
        )
    if not len(images):
        raise ValueError("`images` holds no image.")
    predictor = model if isinstance(model, Predictor) else load_model(model, task=task)
    about = {"count": bootstrap, "seed": seed, "level": LEVEL} if bootstrap else {}
    if isinstance(images, LabelledImages):
        labelled = images
        if not predictor.gives_labels or predictor.labels_overlap:
            raise ValueError(
                f"{predictor.network.name!r} does {predictor.task.replace('_', ' ')}, and images "
                "with masks are for a model that gives each pixel one class. For super-resolution "
                "pass pictures without masks."
            )
        return _class_maps(
            predictor, labelled, about, boundary_width, choose_threshold, class_name, progress
        )
    if predictor.task != "super_resolution":
        raise ValueError(
            f"{predictor.network.name!r} does {predictor.task.replace('_', ' ')}, and pictures "
            "without masks are for super-resolution. Pass images and masks."
        )
    if choose_threshold is not None or class_name is not None:
        raise ValueError("`choose_threshold` and `class_name` are for class maps, not pictures.")
    return _pictures(predictor, images, about, progress)


def _class_maps(
    predictor: Any,
    labelled: LabelledImages,
    about: Mapping[str, Any],
    width: int,
    measure: str | None,
    class_name: str | None,
    progress: Callable[[int, int], None] | None,
) -> Evaluation:
    from ..predict import predict

    classes, notes = _classes(predictor, labelled.classes)
    chosen = _class_number(predictor, classes, class_name) if measure or class_name else 0
    counts = ThresholdCounts()
    ready = _of_scaled_images(predictor)
    tables, bands = [], []
    for number, name in enumerate(labelled.names):
        image, truth = labelled.images[number], np.asarray(labelled.labels[number])
        found = predict(ready, image, probabilities=measure is not None)
        guess = np.asarray(found.labels)
        counted = truth != IGNORED
        if found.valid is not None:
            counted &= found.valid
        worst = max(int(x[counted].max(initial=0)) for x in (truth, guess))
        if worst >= len(classes):
            raise ValueError(
                f"{name}: class number {worst} is there, and there are {len(classes)} classes, "
                f"{', '.join(classes)}."
            )
        tables.append(confusion_matrix(truth[counted], guess[counted], len(classes)))
        marked = np.where(counted, truth, IGNORED)
        bands.append(
            boundary_iou(
                marked, np.where(counted, guess, 0), len(classes), width, ignore_class=IGNORED
            )
        )
        if measure is not None:
            values = np.asarray(found.probabilities)
            probability = values[..., 0 if values.shape[-1] == 1 else chosen]
            counts.add(probability[counted], truth[counted] == chosen)
        if progress is not None:
            progress(number + 1, len(labelled))
    table, band = np.stack(tables), np.array(bands)

    def scores(sample: np.ndarray) -> dict[str, float]:
        found = class_scores(table[sample].sum(0), classes)
        return {
            "mean_iou": found.pop("mean_iou"),
            "boundary_iou": mean_of_numbers(band[sample]),
            **found,
        }

    every = np.arange(len(labelled))
    return Evaluation(
        predictor.network.name,
        "segmentation",
        labelled.names,
        scores(every),
        intervals(len(labelled), about.get("count", 0), about.get("seed", 0), scores),
        about,
        classes,
        tuple(tuple(map(int, row)) for row in table.sum(0)),
        width,
        None if measure is None else counts.curve(classes[chosen], measure),
        notes,
    )


def _classes(predictor: Any, named: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The classes' names, and notes on what differs.

    Raises:
        ValueError: model and data have other classes, or the same in another order.
    """
    count = len(predictor.classes) if predictor.kind == "class_map" else predictor.class_count
    known = tuple(predictor.classes)
    if count and count != len(named):
        raise ValueError(
            f"{predictor.network.name!r} has {count} classes ({', '.join(known) or 'no names'}), "
            f"the images {len(named)} "
            f"({', '.join(named)}). Name and join the classes of the masks: `class_groups` in a "
            "recipe, `classes` and `values` of `data.folder`."
        )
    if not known or known == named:
        return named, ()
    if all(name == f"class {i}" for i, name in enumerate(named)):
        return known, ()
    if set(known) == set(named):
        raise ValueError(
            f"{predictor.network.name!r} has the classes {', '.join(known)} in this order, the "
            f"images {', '.join(named)}. Put them into the model's order."
        )
    return named, (
        f"Classes are compared by number: the model calls them {', '.join(known)}, the images "
        f"{', '.join(named)}.",
    )


def _class_number(predictor: Any, classes: tuple[str, ...], name: str | None) -> int:
    if name is None:
        if len(classes) == 2:
            return 1
        raise ValueError(
            f"`class_name` must be one of {', '.join(classes)}, whose probability is to have a "
            "threshold (--class)."
        )
    if name not in classes:
        raise ValueError(
            f"`class_name` must be one of {', '.join(classes)}. Received: {name!r}."
            f"{did_you_mean(name, classes)}"
        )
    number = classes.index(name)
    if predictor.outputs == 1 and number == 0:
        raise ValueError(
            f"`class_name`: the one channel of {predictor.network.name!r} is the probability of "
            f"{classes[1]}. Received: {name!r}."
        )
    return number


def _of_scaled_images(predictor: Any) -> Any:
    """For images that are in [0, 1] already, by full range or percentiles, as data sets are."""
    scaling = predictor.scaling
    if scaling.base == "stored":
        return predictor
    return replace(predictor, scaling=Scaling("stored", scaling.scale, scaling.offset))


def _pictures(
    predictor: Any,
    pictures: Mapping[str, np.ndarray],
    about: Mapping[str, Any],
    progress: Callable[[int, int], None] | None,
) -> Evaluation:
    from PIL import Image

    from ..predict import predict

    scale = predictor.scale
    each: dict[str, dict[str, float]] = {}
    for number, (name, picture) in enumerate(pictures.items()):
        small, large = enlarged_pair(picture, scale)
        guess = np.asarray(predict(predictor, small).picture)
        height, width = large.shape[:2]
        bicubic = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        guess = np.broadcast_to(guess, large.shape)
        each[name] = {}
        for colour in ("y", "rgb"):
            ours, theirs = (
                psnr(large / 255, np.asarray(x) / 255, border=scale, colour=colour)
                for x in (guess, bicubic)
            )
            each[name] |= {f"psnr_{colour}": ours, f"gain_{colour}": ours - theirs}
        if progress is not None:
            progress(number + 1, len(pictures))
    names = ("gain_y", "gain_rgb", "psnr_y", "psnr_rgb")
    values = np.array([[found[name] for name in names] for found in each.values()])

    def means(sample: np.ndarray) -> dict[str, float]:
        found = values[sample].mean(0)
        return {f"mean {name}": float(value) for name, value in zip(names, found, strict=True)}

    scores = means(np.arange(len(values)))
    for name, found in each.items():
        scores |= {f"{name} {kind}": value for kind, value in found.items()}
    return Evaluation(
        predictor.network.name,
        "super_resolution",
        tuple(pictures),
        scores,
        intervals(len(values), about.get("count", 0), about.get("seed", 0), means),
        about,
    )
