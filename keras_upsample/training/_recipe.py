"""`Recipe`: all that a training run depends on, as a dataclass and as a YAML file."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import did_you_mean
from . import _schema as schema
from ._data import PARTS, Data

LOSSES: dict[str, dict[str, tuple[str, tuple[str, ...]]]] = {
    "segmentation": {
        "cross_entropy_and_dice": ("CrossEntropyAndDice", ("label_smoothing",)),
        "focal": ("Focal", ("gamma",)),
        "tversky": ("Tversky", ("alpha", "beta")),
        "lovasz_softmax": ("LovaszSoftmax", ()),
    },
    "super_resolution": {
        "mean_absolute_error": ("MeanAbsoluteError", ()),
        "mean_squared_error": ("MeanSquaredError", ()),
    },
}
"""Task -> name of a loss -> its class and the arguments that a recipe may set."""

_DEFAULTS = {  # task -> side of a crop, crops in a step, loss, optimizer
    "segmentation": (128, 8, "cross_entropy_and_dice", "adamw"),
    "super_resolution": (32, 16, "mean_absolute_error", "adam"),
}
AUGMENTATION = ("zoom", "rotation", "contrast", "gamma", "blur", "noise")
"""The arguments of `data.batches` that a recipe may set."""
_SUPER_RESOLUTION = ("espcn",)
_NOT_IN_MODEL = ("input_shape", "weights")


@dataclasses.dataclass(frozen=True)
class Loss:
    """The loss of a run.

    Attributes:
        name: cross_entropy_and_dice (default), focal, tversky or lovasz_softmax; for
            super-resolution mean_absolute_error (default) or mean_squared_error.
        class_weights: a factor for each class, or "balanced": N / (C · n_c), n_c being the training
            pixels of class c, N their sum, C the number of classes.
        label_smoothing, gamma, alpha, beta: arguments of the losses in `keras_upsample.losses`.
    """

    name: str | None = None
    class_weights: Any = None
    label_smoothing: float | None = None
    gamma: float | None = None
    alpha: float | None = None
    beta: float | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            schema.choice("name", self.name, [n for task in LOSSES.values() for n in task])
        for key in ("label_smoothing", "gamma", "alpha", "beta"):
            value = getattr(self, key)
            if value is not None:
                below = 1.0 if key == "label_smoothing" else float("inf")
                object.__setattr__(self, key, schema.number(key, value, 0, below))
        weights = self.class_weights
        if weights is None or weights == "balanced":
            return
        if not isinstance(weights, list | tuple) or not weights:
            raise ValueError(
                "`class_weights` must be balanced, or one number from 0 up a class. Received: "
                f"{weights!r}."
            )
        factors = tuple(schema.number("class_weights", weight, 0) for weight in weights)
        object.__setattr__(self, "class_weights", factors)

    @property
    def arguments(self) -> dict[str, float]:
        """Arguments of the loss's class, except the class weights."""
        names = ("label_smoothing", "gamma", "alpha", "beta")
        return {n: getattr(self, n) for n in names if getattr(self, n) is not None}


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """The optimizer; its learning rate rises in a line, then falls as a half cosine.

    The half cosine is as long as the run and starts after the warm-up. So the run ends
    `warmup_steps` before the learning rate would be 0.

    Attributes:
        name: adamw or adam; default adamw, for super-resolution adam.
        learning_rate: highest learning rate.
        weight_decay: weight decay of adamw.
        warmup_steps: steps until the highest learning rate; at most a quarter of the run.
    """

    name: str | None = None
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warmup_steps: int = 50

    def __post_init__(self) -> None:
        if self.name is not None:
            schema.choice("name", self.name, ("adamw", "adam"))
        for key in ("learning_rate", "weight_decay"):
            object.__setattr__(self, key, schema.number(key, getattr(self, key), 0))
        schema.whole("warmup_steps", self.warmup_steps, 0)


@dataclasses.dataclass(frozen=True)
class EarlyStopping:
    """Stop when a validation score has not risen for some epochs; the best epoch is kept.

    Attributes:
        score: a score of `evaluate`: mean_iou, boundary_iou, "iou <class>", ..., for
            super-resolution "mean gain_y".
        patience: epochs without a better score before the end.
    """

    score: str = "mean_iou"
    patience: int = 5

    def __post_init__(self) -> None:
        schema.text("score", self.score)
        schema.whole("patience", self.patience)


@dataclasses.dataclass(frozen=True)
class Start:
    """The weights that training starts from, and which of them change.

    Attributes:
        backbone: a set of weights of `keras_upsample.data` for the encoder: vgg16.
        scale_kernels: layer -> factor that its random kernel is multiplied by.
        trainable: name prefixes of the layers that are trained; None for all.
    """

    backbone: str | None = None
    scale_kernels: Mapping[str, float] | None = None
    trainable: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.backbone is not None:
            schema.choice("backbone", self.backbone, ("vgg16",))
        if self.scale_kernels is not None:
            factors = schema.mapping("scale_kernels", self.scale_kernels)
            factors = {n: schema.number(f"scale_kernels.{n}", v, 0) for n, v in factors.items()}
            object.__setattr__(self, "scale_kernels", factors)
        if self.trainable is not None:
            object.__setattr__(self, "trainable", schema.words("trainable", self.trainable))


@dataclasses.dataclass(frozen=True)
class Card:
    """The main score on the card of a preset; for the maintainers of presets.

    Attributes:
        score: a score of `evaluate`.
        bar: the value that it should reach.
    """

    score: str = "mean_iou"
    bar: float = 0.0


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that a training run depends on; the same recipe on the same machine gives the same bits.

    Attributes:
        description: description of the run, in words.
        preset: a preset of the zoo, e.g. "unet:nuclei", which gives `model`, `start.backbone` and
            the metadata, unless the recipe has its own.
        model: `name`, a builder of `keras_upsample.zoo`, and its arguments. `input_shape` and
            `classes` come from the data; `classes: 1` makes one output channel for two classes.
        data: where the images come from.
        loss: see `Loss`.
        optimizer: see `Optimizer`.
        steps: number of training steps; or give `epochs` of `steps_per_epoch` each.
        epochs: in place of `steps`.
        steps_per_epoch: steps between checkpoints; default 100, or `steps` if they are fewer.
        batch_size: crops in a step; default 8, for super-resolution 16.
        crop: rows and columns of a crop in pixels (of the small image for super-resolution);
            default 128, for super-resolution 32.
        augmentation: arguments of `data.batches`: zoom, rotation, contrast, gamma, blur, noise;
            `layers`, a list of Keras preprocessing layers (`- RandomShear: {x_factor: 0.1}`);
            `function`, "module:function" (see `data.batches`), or in Python the function itself.
            False for plain crops.
        early_stopping: see `EarlyStopping`; None to train all steps.
        start: see `Start`.
        seed: seed of weights, crops and dropout.
        licence: licence of the trained weights.
        training_data: description of the training data; default: the sources' names.
        card: see `Card`.

    Raises:
        ValueError: a wrong value; for a recipe from a file, the message names the file and the key.

    Example:
        >>> Recipe(model={"name": "unet", "filters": [8, 16]}, steps=200).task
        'segmentation'
    """

    description: str = ""
    preset: str | None = None
    model: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    data: Data = schema.part(Data, default=Data())  # noqa: RUF009  # frozen
    loss: Loss = schema.part(Loss, default=Loss())  # noqa: RUF009
    optimizer: Optimizer = schema.part(Optimizer, default=Optimizer())  # noqa: RUF009
    steps: int | None = None
    epochs: int | None = None
    steps_per_epoch: int | None = None
    batch_size: int | None = None
    crop: int | None = None
    augmentation: Any = dataclasses.field(default_factory=dict)
    early_stopping: EarlyStopping | None = schema.part(EarlyStopping)  # noqa: RUF009
    start: Start = schema.part(Start, default=Start())  # noqa: RUF009
    seed: int = 0
    licence: str = ""
    training_data: str = ""
    card: Card | None = schema.part(Card)  # noqa: RUF009

    def __post_init__(self) -> None:
        for key in ("description", "licence", "training_data"):
            schema.text(key, getattr(self, key))
        schema.whole("seed", self.seed, 0)
        self._take_preset()
        self._check_model()
        crop, batch_size, loss, optimizer = _DEFAULTS[self.task]
        for key, default in (("crop", crop), ("batch_size", batch_size)):
            value = getattr(self, key)
            object.__setattr__(self, key, schema.whole(key, default if value is None else value))
        self._count_steps()
        if self.loss.name is None:
            object.__setattr__(self, "loss", dataclasses.replace(self.loss, name=loss))
        if self.optimizer.name is None:
            object.__setattr__(
                self, "optimizer", dataclasses.replace(self.optimizer, name=optimizer)
            )
        self._check_loss()
        self._check_augmentation()
        self._check_kind_of_data()

    def _take_preset(self) -> None:
        if self.preset is None:
            return
        from ..zoo import preset_named

        preset = preset_named(self.preset)
        arguments = {
            name: value
            for name, value in preset.arguments.items()
            if name not in (*_NOT_IN_MODEL, "classes")
        }
        known = {"name": preset.model, **schema.plain(arguments)}
        given = schema.plain(schema.mapping("model", self.model))
        for name in given:
            if given[name] != known.get(name):
                raise ValueError(
                    f"`model.{name}`: {self.preset} has {known.get(name)!r}. Received: "
                    f"{given[name]!r}. Leave `preset` out to change the network."
                )
        object.__setattr__(self, "model", known)
        if preset.backbone is not None:
            start = dataclasses.replace(self.start, backbone=preset.backbone)
            object.__setattr__(self, "start", start)
        if not self.licence:
            object.__setattr__(self, "licence", preset.licence)
        if not self.training_data:
            object.__setattr__(self, "training_data", preset.training_data)

    def _check_model(self) -> None:
        import inspect

        from ..zoo import CATALOGUE

        names = tuple(entry.name for entry in CATALOGUE)
        model = schema.plain(schema.mapping("model", self.model or {"name": "unet"}))
        schema.choice("model.name", model.get("name"), names)
        object.__setattr__(self, "model", model)
        for argument in _NOT_IN_MODEL:
            if argument in model:
                raise ValueError(
                    f"`model.{argument}` comes from the data or the recipe. Remove it."
                )
        if set(model) == {"name"} or self.preset is not None:
            return
        from .. import zoo

        parameters = inspect.signature(getattr(zoo, model["name"])).parameters
        allowed = [name for name in parameters if name not in (*_NOT_IN_MODEL, "name")]
        for argument in model:
            if argument != "name" and argument not in allowed:
                raise ValueError(
                    f"`model.{argument}`: {model['name']} has no such argument. Allowed: "
                    f"{', '.join(allowed)}.{did_you_mean(argument, allowed)}"
                )

    def _count_steps(self) -> None:
        for key in ("steps", "epochs", "steps_per_epoch"):
            if getattr(self, key) is not None:
                schema.whole(key, getattr(self, key))
        if self.epochs is not None:
            each = self.steps_per_epoch or 100
            if self.steps not in (None, self.epochs * each):
                raise ValueError(
                    f"`steps` and `epochs` are both given: {self.steps}, and {self.epochs} of "
                    f"{each} steps. Leave one out."
                )
            object.__setattr__(self, "steps", self.epochs * each)
            object.__setattr__(self, "steps_per_epoch", each)
            object.__setattr__(self, "epochs", None)
        steps = self.steps or 1000
        each = self.steps_per_epoch or min(100, steps)
        if steps % each:
            below = steps // each * each
            raise ValueError(
                f"`steps` must be a multiple of `steps_per_epoch`, here {each}. Received: {steps}. "
                f"The nearest are {below or each} and {below + each}."
            )
        object.__setattr__(self, "steps", steps)
        object.__setattr__(self, "steps_per_epoch", each)

    def _check_loss(self) -> None:
        losses = LOSSES[self.task]
        schema.choice("loss.name", self.loss.name, tuple(losses))
        allowed = losses[str(self.loss.name)][1]
        for key in self.loss.arguments:
            if key not in allowed:
                raise ValueError(
                    f"`loss.{key}`: {self.loss.name} has no such argument. Allowed: "
                    f"{', '.join(allowed) or 'none'}."
                )
        if self.loss.class_weights is not None and self.task == "super_resolution":
            raise ValueError("`loss.class_weights` are for classes; super-resolution has none.")

    def _check_augmentation(self) -> None:
        if self.augmentation is False:
            return
        if self.augmentation in (None, True):
            object.__setattr__(self, "augmentation", {})
        given = schema.mapping("augmentation", self.augmentation)
        if given and self.task == "super_resolution":
            raise ValueError(
                "`augmentation` is for class maps: crops for super-resolution are turned, mirrored "
                "and reduced, and nothing else. Leave it out."
            )
        allowed = (*AUGMENTATION, "layers", "function")
        for key in given:
            if key not in allowed:
                raise ValueError(
                    f"`augmentation` has the unknown key `{key}`. Allowed: {', '.join(allowed)}."
                    f"{did_you_mean(key, allowed)}"
                )
        from ..data._batches import check_changes
        from ._augmentation import check_function, check_layers

        try:
            check_changes({key: given[key] for key in AUGMENTATION if key in given})
            check_layers(given.get("layers"))
            check_function(given.get("function"))
        except ValueError as error:
            raise ValueError(f"`augmentation`: {error}") from error
        object.__setattr__(self, "augmentation", given)

    def _check_kind_of_data(self) -> None:
        for part in PARTS:
            for source in getattr(self.data, part):
                if source.scaling == "none":
                    raise ValueError(
                        f"`data.{part}.normalization` must be full_range or percentiles: networks "
                        "of the zoo take values in [0, 1]. Received: 'none'."
                    )
                if source.labelled != (self.task == "segmentation"):
                    needs = "masks" if self.task == "segmentation" else "pictures without masks"
                    raise ValueError(
                        f"`data.{part}`: {self.model['name']} does "
                        f"{self.task.replace('_', '-')} and needs {needs}."
                    )

    @property
    def task(self) -> str:
        """Task of the model: `"segmentation"` or `"super_resolution"`."""
        return "super_resolution" if self.model["name"] in _SUPER_RESOLUTION else "segmentation"

    @property
    def scale(self) -> int:
        """The factor of super-resolution."""
        return int(self.model.get("scale", 2))

    @classmethod
    def from_dict(cls, plain: Any, where: str = "The recipe", *, trust: bool = False) -> "Recipe":
        """Make a recipe from plain values.

        Args:
            plain: a mapping as in YAML.
            where: name of the recipe, for messages.
            trust: whether an augmentation function that it names may run.

        Raises:
            ValueError: an unknown key or a wrong value; the message names both.
        """
        changes = plain.get("augmentation") if isinstance(plain, Mapping) else None
        if isinstance(changes, Mapping) and changes.get("function") is not None and not trust:
            raise ValueError(
                f"{where}, `augmentation.function`: {changes['function']!r} is Python code, and it "
                "was not run. Pass trust=True (--trust) if you know where the recipe comes from."
            )
        return schema.build(cls, plain, where)

    @classmethod
    def from_yaml(cls, path: str | os.PathLike[str], *, trust: bool = False) -> "Recipe":
        """Read a recipe; relative folders in it are relative to the file's folder.

        Args:
            path: the YAML file.
            trust: whether an augmentation function that it names may run.

        Raises:
            ValueError: not YAML, an unknown key or a wrong value; the message names the file.
            FileNotFoundError: there is no such file.

        Example:
            >>> Recipe.from_yaml("run/recipe.yaml").steps  # doctest: +SKIP
            1000
        """
        from ._yaml import read_yaml

        return cls.from_dict(
            _with_folders(read_yaml(Path(path)), Path(path)), str(path), trust=trust
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the inverse of `from_dict`."""
        from ._augmentation import plain_changes

        found = schema.plain(dataclasses.replace(self, augmentation={}))
        if self.augmentation is False:
            found["augmentation"] = False
        elif self.augmentation:
            found["augmentation"] = schema.plain(plain_changes(self.augmentation))
        return found

    def to_yaml(self) -> str:
        """The text of a YAML file from which `from_yaml` makes the same recipe."""
        from ._yaml import yaml_text

        return yaml_text(self.to_dict())


def recipe_named(name: str) -> Recipe:
    """The recipe of a preset, e.g. "unet:nuclei", as it ships with the package.

    Raises:
        ValueError: there is no such preset.
    """
    from ..zoo import preset_named

    return Recipe.from_yaml(recipe_file(preset_named(name).folder))


def recipe_file(folder: str) -> Path:
    """The YAML file of a preset, by the name of its folder: `unet_nuclei`."""
    return Path(__file__).parent / "recipes" / f"{folder}.yaml"


def _with_folders(plain: Any, file: Path) -> Any:
    """The recipe with its folders as absolute paths."""
    if not isinstance(plain, dict) or not isinstance(plain.get("data"), dict):
        return plain
    data = dict(plain["data"])
    for part in PARTS:
        sources = data.get(part)
        items = sources if isinstance(sources, list) else [sources]
        moved = [
            {
                key: str(file.parent.resolve() / value)
                if key in ("images", "masks") and isinstance(value, str)
                else value
                for key, value in source.items()
            }
            if isinstance(source, dict)
            else source
            for source in items
        ]
        if sources is not None:
            data[part] = moved
    return {**plain, "data": data}
