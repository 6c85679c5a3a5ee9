"""`Metadata`: facts about a model that its graph does not hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ._scaling import Scaling
from ._values import numbers, one_of, texts

TASKS = (
    "segmentation",
    "binary_segmentation",
    "multi_label_segmentation",
    "super_resolution",
    "restoration",
    "regression",
)
"""Tasks of a model.

`segmentation`: each pixel has one of several classes. `binary_segmentation`: one channel and a
threshold. `multi_label_segmentation`: each channel has a threshold of its own.
`super_resolution`: the output is an enlarged picture. `restoration`: it is a picture of the same
size. `regression`: each pixel has a number, e.g. a depth."""

KINDS = ("logits", "probabilities", "class_map", "picture", "regression")
"""Kinds of outputs."""

FORMAT = 1
"""Version of the JSON; a reader refuses a higher one."""


@dataclass(frozen=True)
class Input:
    """One input of a model.

    Attributes:
        name: name of the tensor; "" for the only input.
        size: height and width in pixels, None for any.
        channels: channel names in order, e.g. `("red", "green", "blue")`; empty if unknown.
        layout: layout of the file's tensor, `"nhwc"` or `"nchw"`.
        dtype: dtype of the tensor.
        value_range: lowest and highest value that the network expects; None if unknown.
        scaling: how pixel values become the network's values; None if unknown.
        whole: whether the network was trained on whole pictures that were resized to `size`, so
            that it must not be given parts of one.
    """

    name: str = ""
    size: tuple[int | None, int | None] = (None, None)
    channels: tuple[str, ...] = ()
    layout: str = "nhwc"
    dtype: str = "float32"
    value_range: tuple[float, float] | None = None
    scaling: Scaling | None = None
    whole: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", texts("channels", self.channels))
        one_of("layout", self.layout, ("nhwc", "nchw"))
        height, width = self.size
        object.__setattr__(self, "size", (_pixels(height), _pixels(width)))
        object.__setattr__(self, "whole", bool(self.whole))
        if self.value_range is None and self.scaling is not None:
            object.__setattr__(self, "value_range", self.scaling.value_range)
        if self.value_range is not None:
            ends = numbers("value_range", self.value_range)
            if len(ends) != 2 or ends[0] >= ends[1]:
                raise ValueError(
                    "`value_range` must be the least and the largest value. Received: "
                    f"{self.value_range!r}."
                )
            object.__setattr__(self, "value_range", ends)


@dataclass(frozen=True)
class Output:
    """One output of a model.

    Attributes:
        name: name of the tensor; "" for the only output.
        kind: one of `KINDS`, "" if unknown.
        class_names: one name per class, in order of the class numbers.
        colours: one RGB colour per class.
        threshold: output value from which a pixel is 1, for a single channel or several labels;
            None means a probability of 0.5.
        value_range: lowest and highest value of a picture or a regression.
        unit: unit of a regression, e.g. "m".
    """

    name: str = ""
    kind: str = ""
    class_names: tuple[str, ...] = ()
    colours: tuple[tuple[int, int, int], ...] = ()
    threshold: float | None = None
    value_range: tuple[float, float] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        one_of("kind", self.kind, KINDS)
        object.__setattr__(self, "class_names", texts("class_names", self.class_names))
        colours = tuple(tuple(int(v) for v in colour) for colour in self.colours or ())
        if any(len(c) != 3 or not all(0 <= v <= 255 for v in c) for c in colours):
            raise ValueError(
                "`colours` must hold triples (red, green, blue) of 0 to 255. Received: "
                f"{colours!r}."
            )
        object.__setattr__(self, "colours", colours)
        if self.threshold is not None:
            object.__setattr__(self, "threshold", numbers("threshold", self.threshold)[0])
        if self.value_range is not None:
            ends = numbers("value_range", self.value_range)
            object.__setattr__(self, "value_range", (ends[0], ends[-1]))


@dataclass(frozen=True)
class Metadata:
    """Facts about a model: what its inputs must be and what its outputs mean.

    Attributes:
        name: the model's name.
        version: the model's version, chosen by its author.
        task: one of `TASKS`, "" if unknown.
        inputs: inputs in the model's order; empty if unknown.
        outputs: outputs in the model's order; empty if unknown.
        preprocessing: required preprocessing of the input, in words.
        description: description of the model, in words.
        licence: licence of the weights, e.g. `"Apache-2.0"`.
        training_data: training data of the weights, in words.
        preset: name of a trained model of this package, e.g. `"unet:cells"`.
        author: author of the model.
        written_by: package and version that wrote the file.
        verified_in: runtimes in which the file was compared with its model before it was published,
            by their names in `keras_upsample.runtimes`, e.g. `"litert, litert_gpu"`; "" of models.

    Example:
        >>> Metadata("cells", outputs=(Output(class_names=("background", "cell")),)).class_names
        ('background', 'cell')
    """

    name: str = ""
    version: str = "1"
    task: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    preprocessing: str = ""
    description: str = ""
    licence: str = ""
    training_data: str = ""
    preset: str = ""
    author: str = ""
    written_by: str = field(default="", compare=False)
    verified_in: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        one_of("task", self.task, TASKS)
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))

    @property
    def input(self) -> Input:
        """The first input, or an `Input` without facts if there is none."""
        return self.inputs[0] if self.inputs else Input()

    @property
    def output(self) -> Output:
        """The first output, or an `Output` without facts if there is none."""
        return self.outputs[0] if self.outputs else Output()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names of the first output."""
        return self.output.class_names

    def with_input(self, **facts: Any) -> "Metadata":
        """A copy with other facts about the first input."""
        first = replace(self.input, **facts)
        return replace(self, inputs=(first, *self.inputs[1:]))

    def with_output(self, **facts: Any) -> "Metadata":
        """A copy with other facts about the first output."""
        first = replace(self.output, **facts)
        return replace(self, outputs=(first, *self.outputs[1:]))

    def with_class_names(self, names: Sequence[str] | None) -> "Metadata":
        """A copy with these class names of the first output."""
        return self.with_output(class_names=texts("class_names", names))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the JSON of a file; unknown facts are left out."""
        plain: dict[str, Any] = {"format": FORMAT}
        for name in _TEXTS:
            if getattr(self, name):
                plain[name] = getattr(self, name)
        plain["inputs"] = [_plain(item) for item in self.inputs]
        plain["outputs"] = [_plain(item) for item in self.outputs]
        return plain

    def to_json(self) -> str:
        """The JSON that is written into files, with this package's version."""
        from .._version import __version__

        written = {**self.to_dict(), "written_by": f"keras_upsample {__version__}"}
        if self.verified_in:
            written["verified_in"] = self.verified_in
        return json.dumps(written, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_dict(cls, plain: Any) -> "Metadata":
        """The inverse of `to_dict`. Fields that a later minor version added are ignored.

        Raises:
            ValueError: not metadata of this package, or of a later format.
        """
        if not isinstance(plain, Mapping) or not isinstance(plain.get("format"), int):
            raise ValueError("it is no metadata of keras_upsample.")
        if plain["format"] > FORMAT:
            raise ValueError(
                f"it has format {plain['format']}, and this version reads up to {FORMAT}. Install "
                "a later keras_upsample."
            )
        names = (*_TEXTS, "written_by", "verified_in")
        facts = {name: str(plain[name]) for name in names if name in plain}
        try:
            inputs = tuple(_input(item) for item in plain.get("inputs", ()))
            outputs = tuple(
                Output(**_known_fields(Output, item)) for item in plain.get("outputs", ())
            )
            return cls(**facts, inputs=inputs, outputs=outputs)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"it is damaged: {error}") from error

    @classmethod
    def from_json(cls, text: str | bytes) -> "Metadata":
        """The inverse of `to_json`.

        Raises:
            ValueError: as for `from_dict`.
        """
        try:
            plain = json.loads(text)
        except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"it is no JSON: {error}") from error
        return cls.from_dict(plain)


_TEXTS = (
    "name", "version", "task", "preprocessing", "description", "licence", "training_data", "preset",
    "author",
)  # fmt: skip


def _plain(item: Input | Output) -> dict[str, Any]:
    result = {}
    for name, default in item.__dataclass_fields__.items():
        value = getattr(item, name)
        if value == default.default and name not in ("dtype", "layout"):
            continue
        if isinstance(value, Scaling):
            value = value.to_dict()
        result[name] = _lists(value)
    return result


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _known_fields(kind: type, plain: Any) -> dict[str, Any]:
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    return {name: value for name, value in dict(plain).items() if name in names}


def _input(plain: Any) -> Input:
    facts = _known_fields(Input, plain)
    if facts.get("scaling") is not None:
        facts["scaling"] = Scaling.from_dict(facts["scaling"])
    return Input(**facts)


def _pixels(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"`size` must hold whole numbers of pixels or None. Received: {value!r}.")
    return value
