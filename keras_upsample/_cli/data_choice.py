"""DATA on the command line -> a recipe, or the sources of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import did_you_mean
from .models import UserError

ImageFolder = Annotated[Path | None, typer.Option(help="Folder of images, with --masks.")]
MaskFolder = Annotated[Path | None, typer.Option(help="Folder of masks.")]
ImagePattern = Annotated[
    str | None, typer.Option(help='Names of the images, e.g. "{name}_leftImg8bit".')
]
MaskPattern = Annotated[str | None, typer.Option(help='Names of the masks, e.g. "{name}_mask".')]
MaskValues = Annotated[
    str | None,
    typer.Option(
        help="Value or colour of each class in the masks: [0,255], {sky: [0,0,0], ...}.",
        metavar="YAML",
    ),
]
IgnoredValues = Annotated[
    str | None,
    typer.Option(help="Mask values or colours without a class: 255, [0,5].", metavar="YAML"),
]
MaskThreshold = Annotated[
    float | None, typer.Option(help="For soft masks: values from this one up are class 1.")
]

_YAML = (".yaml", ".yml")


def recipe_values(data: str | None, trust: bool = False) -> dict[str, Any] | None:
    """The plain values of the recipe that DATA or `--recipe` names; None where it names none.

    Raises:
        ValueError: the file is no recipe.
    """
    from ..training import Recipe, recipe_named
    from ..zoo import PRESETS

    if data is None:
        return None
    if data in PRESETS:
        return recipe_named(data).to_dict()
    if Path(data).suffix.lower() in _YAML:
        return Recipe.from_yaml(data, trust=trust).to_dict()
    return None


def folder_source(
    data: str | None, images: Path | None, masks: Path | None, *, pictures: bool, name: str = "DATA"
) -> dict[str, Any]:
    """The source of a folder with `images/` and `masks/`, or of --images and --masks.

    Args:
        data: the folder.
        images: folder of images, in place of `data`.
        masks: folder of masks, in place of `data`.
        pictures: whether to read pictures without masks, for super-resolution.
        name: name of the argument, for messages.

    Raises:
        UserError: there is no such folder.
    """
    if data is not None and (images is not None or masks is not None):
        raise UserError(f"{name} and --images, --masks are both given. Leave one out.")
    if data is None:
        if images is None or (masks is None) != pictures:
            raise UserError(
                "Name the pictures by --images (super-resolution needs no --masks)."
                if pictures
                else "--images and --masks go together: one folder of each. Or name DATA."
            )
        places = {"images": images} if masks is None else {"images": images, "masks": masks}
    elif pictures:
        inner = Path(data) / "images"
        places = {"images": inner if inner.is_dir() else Path(data)}
    else:
        places = {part: Path(data) / part for part in ("images", "masks")}
        if missing := [str(place) for place in places.values() if not place.is_dir()]:
            raise UserError(
                f"{name} must be a folder with the folders images and masks. Received {data!r}; "
                f"there is no {' and no '.join(missing)}. Other names: --images DIR --masks DIR."
            )
    for option, place in places.items():
        if not place.is_dir():
            raise UserError(f"--{option} must be a folder. Received: {str(place)!r}.")
    return {key: str(place.resolve()) for key, place in places.items()}


def set_parts(name: str) -> dict[str, Any]:
    """The data of a recipe that uses each part of a labelled set.

    Raises:
        UserError: there is no such set, folder or recipe.
    """
    from ..training._data import SETS, Source
    from ..zoo import PRESETS

    if name not in SETS:
        raise UserError(
            f"DATA must be a folder with images/ and masks/, a set ({', '.join(SETS)}), a recipe "
            f"(.yaml) or a preset ({', '.join(PRESETS)}). Received: {name!r}."
            f"{did_you_mean(name, (*SETS, *PRESETS))}"
        )
    splits = Source(set=name).splits
    return {part: {"set": name, "split": part} for part in splits}


def mask_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a source that say how masks are found and read, from the options by name."""
    from ..training._yaml import yaml_value

    found = given({name: options[name] for name in ("image_pattern", "mask_pattern")})
    if options["class_names"] is not None:
        found["class_names"] = options["class_names"].split(",")
    for option, key in (("mask_values", "values"), ("ignore", "ignore")):
        if options[option] is not None:
            found[key] = yaml_value(options[option])
    if options["mask_threshold"] is not None:
        found["threshold"] = options["mask_threshold"]
    return found


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given: those that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def pairs(options: list[str] | None, option: str) -> dict[str, Any]:
    """`["scale=3"]` -> `{"scale": 3}`, values as YAML reads them.

    Raises:
        UserError: an item is not KEY=VALUE.
    """
    from ..training._yaml import yaml_value

    found = {}
    for item in options or ():
        key, equals, text = item.partition("=")
        if not equals or not key:
            raise UserError(
                f"{option} takes KEY=VALUE, e.g. {option} zoom=[0.8,1.2]. Received: {item!r}."
            )
        found[key] = yaml_value(text)
    return found
