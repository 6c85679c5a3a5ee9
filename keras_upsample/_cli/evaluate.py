"""`keras-upsample evaluate`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .._text import json_text
from .data_choice import (
    IgnoredValues,
    ImageFolder,
    ImagePattern,
    MaskFolder,
    MaskPattern,
    MaskThreshold,
    MaskValues,
    folder_source,
    given,
    mask_options,
    recipe_values,
    set_parts,
)
from .options import AsJson, ClassNames, Imports, Trust, Verbose
from .predictors import open_predictor
from .screen import say
from .session import session


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="A preset (see `list`), a .keras, .tflite, .onnx or .xml file, or a SavedModel "
            "folder."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            help="A folder with images/ and masks/, a set of `data list`, a recipe (.yaml) or a "
            "preset; for super-resolution a folder of pictures.",
            metavar="[DATA]",
        ),
    ] = None,
    images: ImageFolder = None,
    masks: MaskFolder = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Part of a set or recipe: train, validation or test. Default: test, or validation "
            "if there is no test or with --choose-threshold."
        ),
    ] = None,
    choose_threshold: Annotated[
        str | None,
        typer.Option(help="Find the threshold that maximises iou or f1.", metavar="iou|f1"),
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option("--class", help="Class of that threshold. Default: class 1 of two."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Copy of the model with the chosen threshold in its metadata."),
    ] = None,
    bootstrap: Annotated[
        int, typer.Option(help="Bootstrap samples for the intervals; 0 for none.", min=0)
    ] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of these samples.", min=0)] = 0,
    boundary_width: Annotated[
        int, typer.Option(help="Width of the boundary IoU's band in pixels.", min=1)
    ] = 2,
    image_pattern: ImagePattern = None,
    mask_pattern: MaskPattern = None,
    class_names: ClassNames = None,
    mask_values: MaskValues = None,
    ignore: IgnoredValues = None,
    mask_threshold: MaskThreshold = None,
    normalization: Annotated[
        str | None, typer.Option(help="As for `predict`. Default: the model's.")
    ] = None,
    task: Annotated[str | None, typer.Option(help="As for `predict`.")] = None,
    output: Annotated[
        str | None, typer.Option(help="Name of the output to use, if there are several.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(help="Probability from which a single channel is 1. Default: the model's."),
    ] = None,
    layout: Annotated[
        str | None, typer.Option(help="nhwc or nchw, if the file does not say it.")
    ] = None,
    as_json: AsJson = False,
    imports: Imports = None,
    trust: Trust = False,
    verbose: Verbose = False,
) -> None:
    """Score a model on images with masks, or a super-resolution model on pictures."""
    options = dict(locals())
    with session(verbose) as console:
        from .models import UserError

        if out is not None and choose_threshold is None:
            raise UserError("--out is for the model with a new threshold: pass --choose-threshold.")
        from ..training import evaluate as evaluate_model
        from ..training import write_threshold

        source, predictor = open_predictor(
            model,
            console,
            imports,
            trust=trust,
            normalization=normalization,
            task=task,
            output=output,
            threshold=threshold,
            layout=layout,
        )
        found = evaluate_model(
            predictor,
            images_to_score(options, predictor),
            bootstrap=bootstrap,
            seed=seed,
            boundary_width=boundary_width,
            choose_threshold=choose_threshold,
            class_name=class_name,
        )
        if as_json:
            say(json_text(found.to_dict()))
        else:
            say(str(found))
        if out is not None and found.curve is not None:
            written = write_threshold(
                source, out, found.curve.threshold, imports=imports or (), trust=trust
            )
            console.print(f"model with the threshold: {written}", markup=False, highlight=False)


def images_to_score(options: dict[str, Any], predictor: Any) -> Any:
    """The images that the arguments of `evaluate` name, read as the model reads pictures.

    Raises:
        UserError, ValueError: there are none, or they can't be read.
    """
    from ..training import Recipe, images_of
    from .models import UserError

    data, split = options["data"], options["split"]
    pictures = predictor.task == "super_resolution"
    recipe = recipe_values(data, options["trust"])
    named = data is not None and not Path(data).is_dir()
    if recipe is None and not named:
        if split is not None:
            raise UserError("--split is for sets and recipes; of a folder all images are taken.")
        from ..training._images import read_sources

        source = folder_source(data, options["images"], options["masks"], pictures=pictures)
        return read_sources((_source(source, options, predictor),), "test")
    files = ("images", "masks", "image_pattern", "mask_pattern", "class_names", "mask_values")
    if used := given({name: options[name] for name in (*files, "ignore", "mask_threshold")}):
        option = next(iter(used)).replace("_", "-")
        raise UserError(f"--{option} is for folders. Received DATA {data!r}.")
    from ..training._data import PARTS, Data

    if recipe is not None:
        where: Data = Recipe.from_dict(recipe, trust=True).data
    else:
        parts = set_parts(str(data))
        where = Recipe.from_dict({"data": parts}).data
    there = [part for part in PARTS if getattr(where, part)]
    there += [p for p in ("validation", "test") if getattr(where, f"{p}_fraction")]
    first = ("validation", "test") if options["choose_threshold"] else ("test", "validation")
    chosen = split or next((part for part in (*first, "train") if part in there), "train")
    if chosen not in there:
        raise UserError(f"--split must be one of {', '.join(there)}. Received: {chosen!r}.")
    return images_of(where, (chosen,))[chosen]


def _source(plain: dict[str, Any], options: dict[str, Any], predictor: Any) -> Any:
    from ..training._data import Source

    if "masks" not in plain:
        return Source(**plain)
    base = predictor.scaling.base
    normalization = "none" if base == "stored" else base
    return Source(**plain, **mask_options(options), normalization=normalization)
