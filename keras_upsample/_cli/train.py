"""`keras-upsample train`."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

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
    pairs,
    recipe_values,
    set_parts,
)
from .options import (
    ClassNames,
    Encoder,
    EncoderWeights,
    FcWidth,
    Filters,
    Fusion,
    Geometry,
    Upsample,
    Verbose,
    integers,
)
from .screen import say
from .session import session

_MODEL_OPTIONS = ("encoder", "encoder_weights", "upsample", "fusion", "geometry", "fc_width")


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    data: Annotated[
        str | None,
        typer.Argument(
            help="A folder with images/ and masks/, a set of `data list`, a recipe (.yaml) or a "
            "preset of `list`, whose recipe is used.",
            metavar="[DATA]",
        ),
    ] = None,
    images: ImageFolder = None,
    masks: MaskFolder = None,
    validation: Annotated[
        str | None,
        typer.Option(help="Folder with images/ and masks/ to validate on.", metavar="DIR"),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="A recipe (.yaml) or preset for everything that no other option sets.",
            metavar="FILE|PRESET",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="A model of the zoo (unet).")] = None,
    encoder: Encoder = None,
    encoder_weights: EncoderWeights = None,
    upsample: Upsample = None,
    fusion: Fusion = None,
    filters: Filters = None,
    geometry: Geometry = None,
    fc_width: FcWidth = None,
    classes: Annotated[
        int | None, typer.Option(help="1: one channel for two classes. Default: the data's.")
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="Another argument of the model. Can be repeated.", metavar="KEY=VALUE"),
    ] = None,
    image_pattern: ImagePattern = None,
    mask_pattern: MaskPattern = None,
    class_names: ClassNames = None,
    mask_values: MaskValues = None,
    ignore: IgnoredValues = None,
    mask_threshold: MaskThreshold = None,
    normalization: Annotated[
        str | None, typer.Option(help="full_range (default) or percentiles.")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="Regular expression for the part of a file name that names its film; images of "
            "one film stay together.",
            metavar="REGEX",
        ),
    ] = None,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the images to validate on (0.2 of a folder).")
    ] = None,
    test_fraction: Annotated[
        float | None, typer.Option(help="Share of the images for the final scores (0).")
    ] = None,
    split_seed: Annotated[int | None, typer.Option(help="Seed of that split (0).")] = None,
    steps: Annotated[int | None, typer.Option(help="Training steps (1000).")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs, in place of --steps.")] = None,
    steps_per_epoch: Annotated[
        int | None, typer.Option(help="Steps between checkpoints (100).")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Crops in a step (8).")] = None,
    crop: Annotated[int | None, typer.Option(help="Side of a crop in pixels (128).")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest value; it then falls as a half cosine (0.002).")
    ] = None,
    weight_decay: Annotated[float | None, typer.Option(help="For AdamW (0.0001).")] = None,
    loss: Annotated[
        str | None,
        typer.Option(help="cross_entropy_and_dice (default), focal, tversky or lovasz_softmax."),
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(help="balanced, or a number for each class.", metavar="balanced|W,W,..."),
    ] = None,
    augmentation: Annotated[
        list[str] | None,
        typer.Option(
            help="none, or zoom, rotation, contrast, gamma, blur, noise: zoom=[0.8,1.25]. Can be "
            "repeated.",
            metavar="KEY=VALUE",
        ),
    ] = None,
    augment: Annotated[
        str | None,
        typer.Option(
            help="Your own function of (images, labels, seed).", metavar="MODULE:FUNCTION"
        ),
    ] = None,
    early_stopping: Annotated[
        str | None,
        typer.Option(
            help="Stop when this validation score no longer rises, e.g. mean_iou.", metavar="SCORE"
        ),
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better score before the end (5).")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of weights, crops and dropout (0).")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the run in --out; needs no other option."),
    ] = False,
    devices: Annotated[
        str | None,
        typer.Option(
            "--distribute",
            help="Devices that share each batch: all (GPUs), or GPU:0,GPU:1. Default: one.",
            metavar="all|NAME,NAME,...",
        ),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust", help="Allow the recipe's function to run, because you trust its source."
        ),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Train a model: model.keras with its metadata, recipe.yaml and scores.json."""
    options = dict(locals())
    # TensorFlow leaves oneDNN off on CPUs without AVX-512; with it a step of a U-Net takes a third
    # of the time there too.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with session(verbose):
        from ..training import Recipe
        from ..training import train as train_model
        from ..training._names import RECIPE

        if resume and not _says_something(options):
            if not (out / RECIPE).is_file():
                raise FileNotFoundError(
                    f"There is no {out / RECIPE} to resume. Leave out --resume."
                )
            chosen = Recipe.from_yaml(out / RECIPE, trust=trust)
        else:
            chosen = recipe_of(options)
        progress = 1 if sys.stdout.isatty() else 2
        named = devices if devices in (None, "all") else devices.split(",")
        say(str(train_model(chosen, out, resume=resume, devices=named, verbose=progress)))


def recipe_of(options: dict[str, Any]) -> Any:
    """The recipe that the options of `train` make.

    Raises:
        UserError, ValueError: they do not go together.
    """
    from ..training import Recipe
    from ..zoo import PRESETS
    from .models import UserError

    data, trust = options["data"], options["trust"]
    own = recipe_values(data, trust)
    base = recipe_values(options["recipe"], trust)
    if options["recipe"] is not None and base is None:
        raise UserError(
            f"--recipe must be a .yaml file or a preset ({', '.join(PRESETS)}). Received: "
            f"{options['recipe']!r}."
        )
    if own is not None and base is not None:
        raise UserError("DATA is a recipe, and --recipe names another one. Leave one out.")
    values = dict(own or base or {})
    network = _network_options(options)
    if own is None or network:
        # Other data or another network: the trained network is no preset any more.
        for key in ("preset", "card", *(("licence", "training_data") if own is None else ())):
            values.pop(key, None)
    if own is None:
        values["description"] = ""
    kept = values.get("model", {})
    if network.get("name", kept.get("name")) != kept.get("name"):
        kept = {}
    values["model"] = {**kept, **network}
    values["model"].setdefault("name", "unet")
    pictures = values["model"]["name"] == "espcn"
    fractions = given(
        {name: options[name] for name in ("validation_fraction", "test_fraction", "split_seed")}
    )
    of_masks = {
        **mask_options(options),
        **given({name: options[name] for name in ("normalization", "groups")}),
    }
    if own is None:
        named = data is not None and not Path(data).is_dir()
        if named:
            values["data"] = set_parts(str(data))
        else:
            source = folder_source(data, options["images"], options["masks"], pictures=pictures)
            values["data"] = {"train": {**source, **of_masks}}
            if options["validation"] is None:
                values["data"]["validation_fraction"] = 0.2
        if named and (of_masks or options["images"] or options["masks"]):
            raise UserError(
                f"DATA {data!r} is a labelled set, and options of files (--images, --masks, "
                "--class-names, --normalization, ...) are for folders. Leave them out."
            )
    elif of_masks or options["images"] or options["masks"]:
        raise UserError(
            "DATA is a recipe, which names its own files. To train it on others: "
            f"DIR --recipe {data}."
        )
    values["data"] |= fractions
    if options["validation"] is not None:
        source = folder_source(
            options["validation"], None, None, pictures=pictures, name="--validation"
        )
        values["data"]["validation"] = {**source, **of_masks}
    _take_training(values, options)
    return Recipe.from_dict(values, trust=trust or options["augment"] is not None)


def _network_options(options: dict[str, Any]) -> dict[str, Any]:
    network = given({name: options[name] for name in (*_MODEL_OPTIONS, "classes")})
    if options["model"] is not None:
        network["name"] = options["model"]
    if options["filters"] is not None:
        network["filters"] = list(integers(options["filters"], "--filters"))
    return {**network, **pairs(options["option"], "--option")}


def _take_training(values: dict[str, Any], options: dict[str, Any]) -> None:
    """Put the options on training into the plain values of a recipe."""
    from .models import UserError

    plain = ("steps", "epochs", "steps_per_epoch", "batch_size", "crop", "seed")
    new = given({name: options[name] for name in plain})
    if "steps" in new and "steps_per_epoch" not in new:
        each = values.get("steps_per_epoch", 100)
        values["steps_per_epoch"] = min(each, new["steps"])
    if "epochs" in new:
        values.pop("steps", None)
    values |= new
    optimizer = given({name: options[name] for name in ("learning_rate", "weight_decay")})
    if optimizer:
        values["optimizer"] = {**values.get("optimizer", {}), **optimizer}
    if options["loss"] is not None:
        values["loss"] = {"name": options["loss"]}
    if options["class_weights"] is not None:
        text = options["class_weights"]
        weights = text if text == "balanced" else text.split(",")
        values["loss"] = {**values.get("loss", {}), "class_weights": weights}
    changes = options["augmentation"] or []
    if changes == ["none"]:
        values["augmentation"] = False
    elif changes:
        values["augmentation"] = {
            **(values.get("augmentation") or {}),
            **pairs(changes, "--augmentation"),
        }
    if options["augment"] is not None:
        if values.get("augmentation") is False:
            raise UserError("--augment is an augmentation, and --augmentation none wants none.")
        values["augmentation"] = {
            **(values.get("augmentation") or {}),
            "function": options["augment"],
        }
    if options["patience"] is not None and not (
        options["early_stopping"] or values.get("early_stopping")
    ):
        raise UserError("--patience goes with --early-stopping SCORE.")
    stopping = given({"score": options["early_stopping"], "patience": options["patience"]})
    if stopping:
        values["early_stopping"] = {**values.get("early_stopping", {}), **stopping}


def _says_something(options: dict[str, Any]) -> bool:
    """Whether anything but the run's folder was given."""
    general = ("out", "resume", "devices", "trust", "verbose")
    return any(value is not None for name, value in options.items() if name not in general)
