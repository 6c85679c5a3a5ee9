"""The options on models and on exported files, the same for every command."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

Upsample = Annotated[
    str | None,
    typer.Option(
        help="transposed_conv, nearest, bilinear, bicubic, lanczos, area, pixel_shuffle, "
        "pixel_shuffle_blur, carafe, dysample, joint_bilateral, sapa, fade, freq_fusion or "
        "max_unpooling."
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        help="A network of keras.applications such as resnet50 or efficientnet_v2_b0, resnet18, "
        "resnet34, or a preset of keras-hub (docs/encoders.md)."
    ),
]
EncoderWeights = Annotated[
    str | None, typer.Option(help="imagenet, preset (of keras-hub) or a weights file.")
]
Fusion = Annotated[str | None, typer.Option(help="concat, add, attention or scse.")]
Filters = Annotated[
    str | None,
    typer.Option(help="Widths of the stages, e.g. 32,64,128,256,512.", metavar="N,N,..."),
]
Geometry = Annotated[str | None, typer.Option(help="same or caffe (FCN only).")]
FcWidth = Annotated[int | None, typer.Option(help="Channels of fc6 and fc7 (FCN only).")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ClassNames = Annotated[str | None, typer.Option(help="Class names, separated by commas.")]
Imports = Annotated[
    list[str] | None,
    typer.Option("--import", help="Module that registers the model's custom classes."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust", help="Allow files that may run code, because you trust their source."),
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show the logs of TensorFlow and LiteRT.")]
InputShape = Annotated[
    str | None, typer.Option(help="Fixed input size: height,width,channels.", metavar="H,W,C")
]
RepresentativeData = Annotated[
    Path | None,
    typer.Option(help="Folder of 8 or more pictures that calibrate int8 and int16x8 files."),
]


@dataclass(frozen=True)
class ModelChoice:
    """NAME or FILE and the options on the model."""

    model: Annotated[
        str,
        typer.Argument(
            help="A model or preset of the zoo (see `list`), a SavedModel folder, or a .keras, "
            ".h5, .onnx, .tflite or .param file."
        ),
    ]
    classes: Annotated[int | None, typer.Option(help="Number of output channels.")] = None
    upsample: Upsample = None
    encoder: Encoder = None
    encoder_weights: EncoderWeights = None
    fusion: Fusion = None
    filters: Filters = None
    geometry: Geometry = None
    fc_width: FcWidth = None
    weights: Annotated[str | None, typer.Option(help="Trained weights (.weights.h5) to load.")] = (
        None
    )
    signature: Annotated[str | None, typer.Option(help="Name of a SavedModel's signature.")] = None
    seed: Annotated[int, typer.Option(help="Seed of random weights.")] = 0
    imports: Imports = None
    trust: Trust = False
    verbose: Verbose = False

    def builder_arguments(self) -> dict[str, Any]:
        """The options for the zoo's builder that were given, by argument name."""
        names = (
            "classes", "upsample", "encoder", "encoder_weights", "fusion", "geometry", "fc_width",
        )  # fmt: skip
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.filters is not None:
            given["filters"] = integers(self.filters, "--filters")
        return given


@dataclass(frozen=True)
class FileChoice:
    """The fields of `keras_upsample.export.Options` except the metadata, under the same names."""

    input_shape: InputShape = None
    batch_size: Annotated[
        int | None, typer.Option(help="Images per call. Default: any, where the format allows.")
    ] = None
    scaling: Annotated[
        str,
        typer.Option(
            help="inside: files take uint8 pixels and scale them; outside: the caller scales.",
            metavar="PLACE",
        ),
    ] = "outside"
    head: Annotated[
        str | None,
        typer.Option(help="argmax, threshold, softmax or sigmoid, appended to the model's scores."),
    ] = None
    threshold: Annotated[
        float | None, typer.Option(help="Lowest score for which --head threshold gives 1.")
    ] = None
    lower: Annotated[
        bool,
        typer.Option(
            "--lower/--no-lower",
            help="Rewrite the model into equal operations, faster on the target.",
        ),
    ] = True
    tune: Annotated[
        bool, typer.Option("--tune", help="Measure which rewriting is fastest on this machine.")
    ] = False
    tune_seconds: Annotated[
        float | None, typer.Option(help="Time limit of --tune per target, in seconds (600).")
    ] = None
    profile: Annotated[
        str | None,
        typer.Option(
            help="Times of blocks that forms are chosen by: host (of processors like this one), "
            "portable, table (none), a profile's name or file.",
            metavar="PROFILE",
        ),
    ] = None
    timings: Annotated[
        Path | None,
        typer.Option(
            help="Times of blocks on another device, which choose the forms: what run.sh of "
            "`tune --bundle` wrote.",
            metavar="FILE",
        ),
    ] = None
    representative_data: RepresentativeData = None
    integer_io: Annotated[
        bool,
        typer.Option(
            "--integer-io", help="Inputs and outputs of integer TFLite files are integers."
        ),
    ] = False
    keep_float: Annotated[
        list[str] | None,
        typer.Option(
            help="Layer that 8-bit files compute in float (see `quantization`). Can be repeated.",
            metavar="LAYER",
        ),
    ] = None
    weight_bits: Annotated[
        int | None,
        typer.Option(help="Bits of 8-bit weights, ONNX and OpenVINO: 7 or 8.", metavar="BITS"),
    ] = None
    allow_flex: Annotated[
        bool,
        typer.Option("--allow-flex", help="Allow TensorFlow's own operators in TFLite files."),
    ] = False
    resizable: Annotated[
        bool,
        typer.Option(
            "--resizable",
            help="Leave height and width open in TFLite files; --input-shape is then the initial "
            "size. Slower on small feature maps; not for devices.",
        ),
    ] = False
    opset: Annotated[int | None, typer.Option(help="ONNX opset, 13 to 18 (18).")] = None
    layout: Annotated[
        str | None, typer.Option(help="Layout of ONNX files: nhwc (default) or nchw.")
    ] = None
    gate: Annotated[
        list[str] | None,
        typer.Option(
            help="Accuracy that verification requires, in place of the target's own: largest "
            "error as a share of the range (float files), or lowest dB (integer files). Can be "
            "repeated.",
            metavar="[TARGET=]NUMBER",
        ),
    ] = None
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite",
            help="Write a SavedModel into a folder that holds other files, which are kept. Files "
            "of earlier exports are always replaced, other files never.",
        ),
    ] = False

    def arguments(self) -> dict[str, Any]:
        """The options that were given, as keyword arguments of `export`.

        Raises:
            typer.BadParameter: `input_shape` is not H,W,C.
            ValueError: `gate` is no number, or names a target twice.
        """
        from ..export._gates import gates_of_options

        given = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.input_shape is not None:
            given["input_shape"] = integers(self.input_shape, "--input-shape")
        given["gate"] = gates_of_options(self.gate)
        seconds = given.pop("tune_seconds")
        given["tune"] = self.tune if seconds is None else seconds
        return {name: value for name, value in given.items() if value is not None}


def takes(**groups: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the fields of dataclasses as parameters, handed to it as objects.

    Args:
        groups: parameter of the command -> the dataclass whose object it gets. The first field of
            the first comes first, as the command's argument.
    """
    shared = [item for kind in groups.values() for item in _parameters(kind)]

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = [p for name, p in inspect.signature(command).parameters.items() if name not in groups]
        # Parameters without a default come first; the sort keeps the order within each kind.
        ordered = sorted(
            [shared[0], *own, *shared[1:]], key=lambda p: p.default is not inspect.Parameter.empty
        )

        @functools.wraps(command)
        def wrapper(**arguments: Any) -> None:
            objects = {
                name: kind(**{item.name: arguments.pop(item.name) for item in fields(kind)})
                for name, kind in groups.items()
            }
            command(**objects, **arguments)

        wrapper.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
        wrapper.__annotations__ = {p.name: p.annotation for p in ordered}
        return wrapper

    return decorated


def _parameters(kind: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            item.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if item.default is MISSING else item.default,
            annotation=hints[item.name],
        )
        for item in fields(kind)
    ]


def integers(text: str, option: str, *, least: int = 1) -> tuple[int, ...]:
    """`"256,256,3"` -> `(256, 256, 3)`.

    Raises:
        typer.BadParameter: it is not that.
    """
    try:
        values = tuple(int(part) for part in text.split(","))
    except ValueError:
        values = ()
    if not values or min(values) < least:
        example = "256,256,3" if least else "0,1"
        raise typer.BadParameter(
            f"{option} takes whole numbers >= {least} with commas between them, e.g. {example}. "
            f"Received: {text!r}."
        )
    return values
