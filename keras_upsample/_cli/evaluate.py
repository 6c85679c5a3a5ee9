"""`keras-upsample evaluate`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .session import session


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help="A preset (see `list`), a .keras, .tflite or .onnx file, or a SavedModel folder."
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
    images: Annotated[Path | None, typer.Option(help="Folder of images, with --masks.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Folder of masks.")] = None,
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
    image_pattern: Annotated[
        str | None, typer.Option(help='Names of the images, e.g. "{name}_leftImg8bit".')
    ] = None,
    mask_pattern: Annotated[
        str | None, typer.Option(help='Names of the masks, e.g. "{name}_mask".')
    ] = None,
    class_names: Annotated[
        str | None, typer.Option(help="Class names, separated by commas.")
    ] = None,
    mask_values: Annotated[
        str | None,
        typer.Option(
            help="Value or colour of each class in the masks: [0,255], {sky: [0,0,0], ...}.",
            metavar="YAML",
        ),
    ] = None,
    ignore: Annotated[
        str | None,
        typer.Option(help="Mask values or colours without a class: 255, [0,5].", metavar="YAML"),
    ] = None,
    mask_threshold: Annotated[
        float | None, typer.Option(help="For soft masks: values from this one up are class 1.")
    ] = None,
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", help="Module that registers the model's custom classes."),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Allow files that may run code, because you trust their source."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the logs of TensorFlow and LiteRT.")
    ] = False,
) -> None:
    """Score a model on images with masks, or a super-resolution model on pictures."""
    options = dict(locals())
    with session(verbose) as console:
        import json
        import warnings

        from .models import UserError

        if out is not None and choose_threshold is None:
            raise UserError("--out is for the model with a new threshold: pass --choose-threshold.")
        from .._keras_file import SUFFIXES, load_keras_file
        from ..predict import load_model
        from ..training import evaluate as evaluate_model
        from ..training import write_threshold

        source: Any = model
        if model.endswith(SUFFIXES) and Path(model).exists():
            source = load_keras_file(Path(model), imports or (), trust=trust)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the lines below say the same
            predictor = load_model(
                source,
                normalization=normalization,
                task=task,
                output=output,
                threshold=threshold,
                layout=layout,
                trust=trust,
            )
        for line in (*predictor.taken, *predictor.assumed):
            console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
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
            typer.echo(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        else:
            typer.echo(str(found))
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
    from .data_choice import folder_source, given, recipe_values, set_parts
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
    from ..training._yaml import yaml_value

    if "masks" not in plain:
        return Source(**plain)
    found: dict[str, Any] = dict(plain)
    for name in ("image_pattern", "mask_pattern"):
        found[name] = options[name]
    if options["class_names"] is not None:
        found["class_names"] = options["class_names"].split(",")
    for option, key in (("mask_values", "values"), ("ignore", "ignore")):
        if options[option] is not None:
            found[key] = yaml_value(options[option])
    found["threshold"] = options["mask_threshold"]
    base = predictor.scaling.base
    found["normalization"] = "none" if base == "stored" else base
    return Source(**found)
