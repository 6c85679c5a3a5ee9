"""The options that name a model, the same for every command."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer


@dataclass(frozen=True)
class ModelChoice:
    """NAME or FILE and everything that says more about the model."""

    model: Annotated[
        str,
        typer.Argument(
            help="A model or preset of the zoo (see `list`), a .keras or .h5 file, or a SavedModel "
            "folder."
        ),
    ]
    classes: Annotated[int | None, typer.Option(help="Output channels.")] = None
    upsample: Annotated[
        str | None,
        typer.Option(
            help="transposed_conv, nearest, bilinear, bicubic, lanczos, area, pixel_shuffle, "
            "pixel_shuffle_blur, carafe, dysample, joint_bilateral or max_unpooling."
        ),
    ] = None
    encoder: Annotated[
        str | None, typer.Option(help="vgg16, resnet50, mobilenet_v2 or efficientnet_b0.")
    ] = None
    encoder_weights: Annotated[str | None, typer.Option(help="imagenet, or a weights file.")] = None
    fusion: Annotated[str | None, typer.Option(help="concat, add, attention or scse.")] = None
    filters: Annotated[
        str | None,
        typer.Option(help="Widths of the stages, e.g. 32,64,128,256,512.", metavar="N,N,..."),
    ] = None
    geometry: Annotated[str | None, typer.Option(help="same or caffe (FCN only).")] = None
    fc_width: Annotated[int | None, typer.Option(help="Channels of fc6 and fc7 (FCN only).")] = None
    weights: Annotated[str | None, typer.Option(help="Trained weights (.weights.h5) to load.")] = (
        None
    )
    signature: Annotated[
        str | None, typer.Option(help="Of a SavedModel with several, which one.")
    ] = None
    seed: Annotated[int, typer.Option(help="Of a zoo model's random weights.")] = 0
    imports: Annotated[
        list[str] | None,
        typer.Option("--import", help="Module that registers the file's custom classes."),
    ] = None
    trust: Annotated[
        bool,
        typer.Option("--trust", help="You know where the file comes from: what it holds may run."),
    ] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show the logs of TensorFlow and LiteRT.")
    ] = False

    def builder_arguments(self) -> dict[str, Any]:
        """What was given for the zoo's builder, by its argument names."""
        names = (
            "classes", "upsample", "encoder", "encoder_weights", "fusion", "geometry", "fc_width",
        )  # fmt: skip
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if self.filters is not None:
            given["filters"] = integers(self.filters, "--filters")
        return given


def with_model_choice(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all fields of `ModelChoice` as parameters, handed to it as `choice`."""
    hints = get_type_hints(ModelChoice, include_extras=True)
    shared = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if item.default is MISSING else item.default,
            annotation=hints[item.name],
        )
        for item in fields(ModelChoice)
    ]
    own = [p for name, p in inspect.signature(command).parameters.items() if name != "choice"]
    # Parameters without a default come first; the sort keeps the order within each kind.
    ordered = sorted(
        [shared[0], *own, *shared[1:]], key=lambda p: p.default is not inspect.Parameter.empty
    )

    @functools.wraps(command)
    def wrapper(**arguments: Any) -> None:
        choice = ModelChoice(
            **{item.name: arguments.pop(item.name) for item in fields(ModelChoice)}
        )
        command(choice=choice, **arguments)

    wrapper.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in ordered}
    return wrapper


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
