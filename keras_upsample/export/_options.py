"""Options of an export, the same for `export`, `to_*` and the command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, TypedDict

from ..errors import did_you_mean
from ..formats._convert import FileOptions
from ..lowering._tune import tuning_seconds
from ..metadata import Metadata
from ..program._input_shape import ShapeArgument
from ..targets import TARGETS, Target
from ._gates import GateArgument


@dataclass(frozen=True)
class Options(FileOptions):
    """What may be chosen for exported files beyond their targets.

    Each may be given as a keyword argument of `export`, `to_saved_model`, `to_tflite` and `to_onnx`
    too, where it goes before that of their argument `options`. One that is for files of some kinds
    alone leaves the others as they are.

    Attributes:
        input_shape: without the batch, e.g. `(256, 256, 3)`, or a dict by input name. Fixes what
            the model leaves open; default: open where the target allows, else 256 x 256 pixels.
        batch_size: images per call; default any, and 1 where a target's sizes are fixed.
        metadata: what the model means; default what it carries, see `keras_upsample.metadata.of`.
        scaling: `"inside"` lets the files take pixels, uint8 of 0 to 255, and scale them
            themselves as the metadata says, and give pictures as uint8 too; `"outside"` leaves that
            to whoever runs them, by the metadata in the files.
        head: `"argmax"` appends the class map to the scores (uint8 for up to 256 classes),
            `"threshold"` 0 or 1 for each channel by itself, `"softmax"` and `"sigmoid"`
            probabilities, unless the scores are that already. Of one channel `"argmax"` is
            `"threshold"`.
        threshold: of that head, in the units of the scores. Default: the metadata's, else 0.5 of
            probabilities and 0 of logits; asked for where nothing says which they are.
        lower: give each target the equal form of the model that it runs fastest, see
            `keras_upsample.lowering.lower`; False keeps the model's own operators.
        tune: choose the forms by measurement on this machine (for an Ethos-U by Vela's estimate),
            which takes a minute or so the first time (a number: the seconds it may take for each
            target); False chooses by the targets' tables.
        representative_data: images from which files of integer arithmetic learn the ranges of
            activations, 8 or more: an array `(N, H, W, C)`, a folder, or what yields images or, for
            several inputs, dicts of arrays by name. Default: what a preset was trained on, else
            photographs; a model that was trained on anything else needs its own.
        integer_io: let inputs and outputs of integer TFLite files be integers;
            `keras_upsample.runtimes` converts them.
        keep_float: names of layers that an `"int8"` file computes in float, those that lose most
            by `quantization_errors`; not with `integer_io`, and for no accelerator.
        weight_bits: of 8-bit ONNX files, 7 or 8; default 7, and 8 for networks on volumes, whose
            weights are not rounded together. With signed weights of 8 bits, sums of products
            overflow on processors without VNNI, so those of 8 bits are unsigned, which is slower.
            They keep more digits with `lower=False`; otherwise 7 bits compute as well.
        allow_flex: let operators without a TFLite built-in become Select-TF (Flex) operators. Such
            a file runs only where TensorFlow's are linked in, and must be verified there:
            TensorFlow's own Python package has not had them since 2.20, and then an `ExportError`
            says so.
        resizable: leave height and width open in TFLite files, as other formats do by themselves:
            the file computes sizes from its input's, and whoever runs it chooses them by
            `Interpreter.resize_tensor_input`; before that they are those of `input_shape`. A
            constant size, the default, is what GPU and NPU delegates need, and takes resizes of
            small maps half the time (docs/limits.md). Not for devices, nor for a model of fixed
            height and width.
        opset: of ONNX files, of the default domain, 13 to 18.
        layout: of ONNX files, of inputs and outputs of rank 4: `"nhwc"` as in Keras, or `"nchw"`.
        gate: what verification demands in place of a target's own gate: a `Gate`, a number, or a
            dict of these by target. A number is the largest error as a share of the output's range
            for files that compute in float, and the least signal-to-noise ratio in dB for those
            with 8-bit numbers. The report has it beside the default and the measured figures.
        overwrite: write a SavedModel into a folder that holds files which this package did not
            write; they are kept. Without it such a folder is refused. Results of an earlier export
            are replaced in any case, and anything else in their places is refused in any case.

    Raises:
        ValueError, TypeError: a value that none can have.

    Example:
        >>> phone = Options(input_shape=(256, 256, 3), scaling="inside", head="argmax")
        >>> report = export(model, "build", ["tflite_int8"], options=phone)  # doctest: +SKIP
    """

    input_shape: ShapeArgument = None
    batch_size: int | None = None
    metadata: Metadata | None = None
    scaling: str = "outside"
    head: str | None = None
    threshold: float | None = None
    lower: bool = True
    tune: bool | float = False
    representative_data: Any = None
    resizable: bool = False
    gate: GateArgument = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        tuning_seconds(self.tune)
        if self.resizable and self.allow_flex:
            raise ValueError("`resizable` and `allow_flex` can't go together. Leave one out.")
        if self.keep_float and (self.integer_io or self.scaling == "inside"):
            raise ValueError(
                "`keep_float` is for 8-bit files with inputs and outputs of floats, without "
                "`integer_io` and with scaling outside."
            )

    def for_target(self, target: Target) -> "Options":
        """Those that the target has, the others as they are by default."""
        foreign = [name for name, files in _FILES.items() if not files.has(target)]
        return replace(self, **{name: _DEFAULTS[name] for name in foreign})

    def check(self, targets: Sequence[Target]) -> None:
        """Raise unless each option is for one of the targets at least.

        Raises:
            ValueError: it names the option, and the targets that have it.
        """
        for name, files in _FILES.items():
            given = getattr(self, name)
            if given == _DEFAULTS[name] or any(map(files.has, targets)):
                continue
            having = ", ".join(target.name for target in TARGETS.values() if files.has(target))
            raise ValueError(
                f"`{name}` is for {files.words}, the targets {having}. Received: {name}={given!r} "
                f"for {', '.join(target.name for target in targets)}. Leave it out, or take one "
                "of these."
            )


def _is_tflite(target: Target) -> bool:
    return target.format == "tflite" and not target.device


def _is_onnx(target: Target) -> bool:
    return target.format == "onnx"


@dataclass(frozen=True)
class _For:
    """Files that have an option."""

    words: str
    has: Callable[[Target], bool]


_FILES: Mapping[str, _For] = MappingProxyType(
    {
        "allow_flex": _For("TFLite files", _is_tflite),
        "integer_io": _For(
            "TFLite files of integers", lambda target: _is_tflite(target) and target.calibrated
        ),
        "keep_float": _For(
            'precision="int8"', lambda target: target.precision == "int8" and not target.device
        ),
        "layout": _For("ONNX files", _is_onnx),
        "opset": _For("ONNX files", _is_onnx),
        "weight_bits": _For("8-bit ONNX files", lambda target: len(target.weights) > 1),
    }
)
"""Option -> the files that have it; what is not named is for all."""

_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {field.name: field.default for field in fields(Options)}
)


class Chosen(TypedDict, total=False):
    """The fields of `Options` as keyword arguments."""

    allow_flex: bool
    opset: int
    layout: str
    integer_io: bool
    keep_float: Sequence[str]
    weight_bits: int | None
    input_shape: ShapeArgument
    batch_size: int | None
    metadata: Metadata | None
    scaling: str
    head: str | None
    threshold: float | None
    lower: bool
    tune: bool | float
    representative_data: Any
    resizable: bool
    gate: GateArgument
    overwrite: bool


def choose_options(options: Options | None, chosen: Mapping[str, Any]) -> Options:
    """The options with some of them chosen otherwise.

    Raises:
        TypeError: a name that no option has; a dict or the like in place of `Options`.
        ValueError: a value that none can have.
    """
    if options is not None and not isinstance(options, Options):
        raise TypeError(f"`options` must be an `Options`. Received: {options!r}.")
    names = [field.name for field in fields(Options)]
    for name in chosen:
        if name not in names:
            raise TypeError(
                f"There is no option {name!r}.{did_you_mean(name, names)} Allowed: "
                f"{', '.join(names)}."
            )
    return replace(options or Options(), **chosen)
