"""The data of a recipe: where the images of training, validation and test come from."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from ..data import PHOTOGRAPHS, SPLITS
from . import _schema as schema

PARTS = ("train", "validation", "test")
SETS = (*SPLITS, "oxford_iiit_pet")
"""The labelled sets that a recipe may name."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One source of images: a labelled set, folders of your own, or photographs of the package.

    Attributes:
        set: a labelled set of `keras_upsample.data`: cells, nuclei, nuclei_stardist or
            oxford_iiit_pet.
        split: part of the set; default: the part that the source is used for.
        images: folder of pictures.
        masks: folder of masks; without it the pictures are for super-resolution.
        photographs: names of `data.PHOTOGRAPHS`, for super-resolution.
        channels: channels to take, from 0; default all.
        class_groups: new class -> the classes of the data that it merges; default: no merging.
        image_pattern, mask_pattern, class_names, values, ignore, threshold, normalization: as in
            `data.folder` (`class_names` is its `classes`). Training can't use normalization none.
        groups: regular expression whose first group, or whole match, names the film of an image,
            e.g. `"(.*)_[0-9]+"`. Images of one film always go into the same part.
    """

    set: str | None = None
    split: str | None = None
    images: str | None = None
    masks: str | None = None
    photographs: tuple[str, ...] | None = None
    channels: tuple[int, ...] | None = None
    class_groups: Mapping[str, tuple[str, ...]] | None = None
    image_pattern: str | None = None
    mask_pattern: str | None = None
    class_names: tuple[str, ...] | None = None
    values: Any = None
    ignore: Any = None
    threshold: float | None = None
    normalization: str | None = None
    groups: str | None = None

    def __post_init__(self) -> None:
        given = [n for n in ("set", "images", "photographs") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                "a source has one of `set`, `images` and `photographs`. Received: "
                f"{', '.join(given) or 'none of them'}."
            )
        if self.set is not None:
            schema.choice("set", self.set, SETS)
            if self.split is not None:
                schema.choice("split", self.split, self.splits)
        else:
            self._only_with("set", ("split",))
        if self.images is None:
            self._only_with("images", ("masks", "normalization", "groups"))
        if self.masks is None:
            self._only_with(
                "masks",
                ("image_pattern", "mask_pattern", "class_names", "values", "ignore", "threshold"),
            )
        for name in ("images", "masks", "image_pattern", "mask_pattern"):
            if getattr(self, name) is not None:
                schema.text(name, getattr(self, name))
        if self.photographs is not None:
            names = schema.words("photographs", self.photographs)
            for name in names:
                schema.choice("photographs", name, tuple(PHOTOGRAPHS))
            object.__setattr__(self, "photographs", names)
        if self.channels is not None:
            if not isinstance(self.channels, list | tuple) or not self.channels:
                raise ValueError(
                    f"`channels` must be a list of channel numbers. Received: {self.channels!r}."
                )
            numbers = tuple(schema.whole("channels", item, 0) for item in self.channels)
            object.__setattr__(self, "channels", numbers)
        if self.class_names is not None:
            names = schema.words("class_names", self.class_names)
            object.__setattr__(self, "class_names", names)
        if self.class_groups is not None:
            groups = schema.mapping("class_groups", self.class_groups)
            joined = {name: schema.words("class_groups", item) for name, item in groups.items()}
            object.__setattr__(self, "class_groups", joined)
        if self.normalization is not None:
            schema.choice(
                "normalization", self.normalization, ("full_range", "percentiles", "none")
            )
        if self.groups is not None:
            try:
                re.compile(schema.text("groups", self.groups))
            except re.error as error:
                raise ValueError(
                    f"`groups` must be a regular expression. Received: {self.groups!r}: {error}."
                ) from error

    @property
    def splits(self) -> tuple[str, ...]:
        """The parts that the named set has."""
        return tuple(SPLITS.get(self.set or "", dict.fromkeys(PARTS)))

    @property
    def scaling(self) -> str:
        """The normalization of its pictures."""
        if self.set in SPLITS:
            return "percentiles"
        return self.normalization or "full_range"

    @property
    def labelled(self) -> bool:
        """Whether it has a class for every pixel."""
        return self.set is not None or self.masks is not None

    def _only_with(self, key: str, names: tuple[str, ...]) -> None:
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(f"`{name}` goes with `{key}`, which the source does not have.")


@dataclasses.dataclass(frozen=True)
class Data:
    """The data of a recipe.

    Attributes:
        train: sources to train on. If `validation` or `test` is empty, their images are taken from
            these at random.
        validation: sources for choosing when to stop and which seed is best.
        test: sources for the final scores.
        validation_fraction: share of the train images that becomes validation images, in [0, 1).
        test_fraction: share of the train images that becomes test images, in [0, 1).
        split_seed: seed of that random choice.
    """

    train: tuple[Source, ...] = schema.part(Source, many=True, default=())
    validation: tuple[Source, ...] = schema.part(Source, many=True, default=())
    test: tuple[Source, ...] = schema.part(Source, many=True, default=())
    validation_fraction: float = 0.0
    test_fraction: float = 0.0
    split_seed: int = 0

    def __post_init__(self) -> None:
        schema.whole("split_seed", self.split_seed, 0)
        for name in ("validation_fraction", "test_fraction"):
            object.__setattr__(self, name, schema.number(name, getattr(self, name), 0, 1))
        self._check_sets()
        for part in ("validation", "test"):
            name = f"{part}_fraction"
            share = getattr(self, name)
            if share and getattr(self, part):
                raise ValueError(f"`{name}` and `{part}` are both given. Leave one out.")
        if self.validation_fraction + self.test_fraction >= 1:
            raise ValueError(
                "`validation_fraction` and `test_fraction` must leave images to train on. "
                f"Received: {self.validation_fraction:g} and {self.test_fraction:g}."
            )
        kinds = {source.labelled for part in PARTS for source in getattr(self, part)}
        if len(kinds) > 1:
            raise ValueError("sources with masks and without are mixed. Use one kind.")
        scalings = {source.scaling for part in PARTS for source in getattr(self, part)}
        if len(scalings) > 1:
            raise ValueError(
                "all sources must have one `normalization`, for the model has one. Received: "
                f"{', '.join(sorted(scalings))}."
            )

    def _check_sets(self) -> None:
        """Fractions of a labelled set would put neighbouring frames on both sides."""
        if self.validation_fraction or self.test_fraction:
            for source in self.train:
                if source.set is not None:
                    raise ValueError(
                        f"`validation_fraction` and `test_fraction`: the set {source.set!r} has "
                        f"fixed parts ({', '.join(source.splits)}), so that frames that look alike "
                        "are never on both sides. Leave the fractions out."
                    )
