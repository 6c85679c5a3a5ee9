"""Options of an export, the same for `export`, `to_*` and the command line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict

from ..errors import did_you_mean
from ..formats._convert import FileOptions
from ..lowering._profiles import check_profile
from ..lowering._timings import read_timings
from ..lowering._tune import tuning_seconds
from ..metadata import Metadata
from ..program._input_shape import ShapeArgument
from ..targets import TARGETS, Target
from ._gates import GateArgument


@dataclass(frozen=True)
class Options(FileOptions):
    """Options of exported files.

    Each field can also be passed as a keyword argument to `export`, `to_saved_model`, `to_tflite`
    and `to_onnx`; the keyword argument overrides `options`. An option that only some kinds of files
    have does not affect the others.

    Attributes:
        input_shape: fixed input size without the batch, e.g. `(256, 256, 3)`, or a dict by input
            name. Default: sizes stay open where the target allows it, else 256 x 256 pixels.
        batch_size: images per call. Default: open, and 1 where the target has fixed sizes.
        metadata: the model's `Metadata`. Default: the metadata that the model carries, see
            `keras_upsample.metadata.of`.
        scaling: `"inside"`: the files take uint8 pixels of 0 to 255, scale them by the metadata,
            and return pictures as uint8. `"outside"`: the caller scales the pixels; the metadata in
            the file says how.
        head: `"argmax"` appends an argmax, so that the file returns the class map (uint8 for up to
            256 classes); `"threshold"` returns 0 or 1 for each channel; `"softmax"` and `"sigmoid"`
            return probabilities, unless the model already does. For one channel `"argmax"` is the
            same as `"threshold"`.
        threshold: score from which `head="threshold"` returns 1. Default: the metadata's, else 0.5
            for probabilities and 0 for logits. It is required if it is unknown which of the two the
            scores are.
        lower: rewrite the model into the equal form that each target runs fastest, see
            `keras_upsample.lowering.lower`. False keeps the model's own operators.
        tune: measure the forms on this machine (for an Ethos-U: by Vela's estimates) and take the
            fastest. The first time this takes about a minute. A number limits the seconds per
            target.
        profile: the profile of block times that forms are chosen by without a measurement:
            `"host"`, one of processors like this machine's, which ONNX and OpenVINO files take by
            default; `"portable"`, forms for any machine, the default of the others; `"table"`,
            those of the target's table alone: the fewest operators and the smallest file; the name
            of a profile, or the path of its file. Where no profile fits, the target's table
            decides.
        timings: times of the model's blocks on another device: the path of the `timings.txt` that a
            bundle's `run.sh` wrote there, or of the bundle's folder. The forms that were fastest
            are taken; see `tuning_bundle`. It is for the target that the bundle is for.
        representative_data: 8 or more images that calibrate integer files: an array
            `(N, H, W, C)`, a folder, or an iterable of images or, for several inputs, of dicts of
            arrays by name. Default: the training images of a preset, else photographs. A model that
            was trained on other images needs its own.
        integer_io: inputs and outputs of integer TFLite files are integers.
            `keras_upsample.runtimes` converts them.
        keep_float: names of layers that an `"int8"` file computes in float, e.g. those with the
            largest error by `quantization_errors`. Not with `integer_io`, and not for accelerators.
        weight_bits: bits of the weights in 8-bit ONNX and OpenVINO files, 7 or 8. Default: 7, and 8
            for networks on volumes. Signed weights of 8 bits overflow on processors without VNNI;
            those of `weight_bits=8` are therefore unsigned, which is slower. 8 bits are more
            accurate only with `lower=False`.
        allow_flex: operators without a TFLite built-in become Select-TF (Flex) operators. Such a
            file runs only where TensorFlow's operators are linked in, and it is verified there.
            TensorFlow's Python package lacks them since 2.20; an `ExportError` then says so.
        resizable: TFLite files keep height and width open. They compute inner sizes from the input,
            and `Interpreter.resize_tensor_input` sets it; before that it has the size of
            `input_shape`. The default, fixed sizes, is what GPU and NPU delegates need, and halves
            the latency of resizes of small maps (docs/limits.md). Not for devices, nor for models
            of fixed height and width.
        opset: opset of ONNX files, 13 to 18.
        layout: layout of inputs and outputs of rank 4 in ONNX and OpenVINO files: `"nhwc"` as in
            Keras, or `"nchw"`.
        gate: accuracy that verification demands, in place of the target's own: a `Gate`, a number,
            or a dict of these by target. A number is the largest error as a share of the output's
            range (float files), or the lowest signal-to-noise ratio in dB (8-bit files). The report
            shows it beside the default and the measured figures.
        overwrite: allow a SavedModel in a folder that holds files of others, which are kept.
            Without it such a folder is refused. Files of earlier exports are always replaced; files
            of others never are.

    Raises:
        ValueError, TypeError: a value that is not allowed.

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
    profile: str | None = None
    timings: str | Path | None = None
    representative_data: Any = None
    resizable: bool = False
    gate: GateArgument = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        tuning_seconds(self.tune)
        check_profile(self.profile)
        if self.timings is not None:
            if self.tune or not self.lower:
                raise ValueError(
                    "`timings` choose forms of `lower`, as they were measured on another device: "
                    f"neither with `tune` nor with lower=False. Received: tune={self.tune!r}, "
                    f"lower={self.lower!r}."
                )
            read_timings(self.timings)  # bad ones are refused before any work
        if self.resizable and self.allow_flex:
            raise ValueError("`resizable` and `allow_flex` can't go together. Leave one out.")
        if self.keep_float and (self.integer_io or self.scaling == "inside"):
            raise ValueError(
                "`keep_float` is for 8-bit files with inputs and outputs of floats, without "
                "`integer_io` and with scaling outside."
            )

    def for_target(self, target: Target) -> "Options":
        """The options that apply to the target; the others get their defaults."""
        foreign = [name for name, files in _FILES.items() if not files.has(target)]
        if self.timings is not None and read_timings(self.timings).target != target.name:
            foreign.append("timings")
        return replace(self, **{name: _DEFAULTS[name] for name in foreign})

    def check(self, targets: Sequence[Target]) -> None:
        """Raise unless each option applies to at least one of the targets.

        Raises:
            ValueError: it names the option and the targets that it applies to.
        """
        if self.timings is not None:
            timed = read_timings(self.timings).target
            if timed not in [target.name for target in targets]:
                raise ValueError(
                    f"The timings {str(self.timings)!r} are of the target {timed!r}, not of "
                    f"{', '.join(target.name for target in targets)}."
                )
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


def _is_made_by_onnx(target: Target) -> bool:
    return target.graph == "onnx"


@dataclass(frozen=True)
class _For:
    """Kinds of files that an option applies to."""

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
        "layout": _For("ONNX and OpenVINO files", _is_made_by_onnx),
        "opset": _For("ONNX files", _is_onnx),
        "weight_bits": _For(
            "8-bit ONNX and OpenVINO files", lambda target: len(target.weights) > 1
        ),
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
    profile: str | None
    timings: str | Path | None
    representative_data: Any
    resizable: bool
    gate: GateArgument
    overwrite: bool


def choose_options(options: Options | None, chosen: Mapping[str, Any]) -> Options:
    """The options, with the fields in `chosen` replaced.

    Raises:
        TypeError: `chosen` names no option, or `options` is not an `Options`.
        ValueError: a value that is not allowed.
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
