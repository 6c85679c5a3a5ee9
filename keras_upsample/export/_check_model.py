"""Check where a model's operators run on a device; the model may be untrained."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..edge._check import check, require_tool
from ..errors import ExportError, first_line
from ..files._scratch import scratch
from ..formats._convert import convert
from ..formats._layer_names import UnknownLayerError
from ..program._inference import check_weights
from ..program._input_shape import ShapeArgument
from ..program._signature import signature_to_run
from ..targets import TARGETS, device_named
from ._known import program_with_meaning
from ._options import Options
from ._prepare import prepare, silent
from ._source import as_model

if TYPE_CHECKING:
    from ..edge import CheckReport

_NOTE = "operators only: the file's values were not compared with the model's, as `export` does"


def check_model(
    model: Any,
    device: str,
    *,
    input_shape: ShapeArgument = None,
    representative_data: Any = None,
    progress: Callable[[str], None] = silent,
) -> "CheckReport":
    """Convert a model for a device and check where each operator would run.

    The weights may be random, because accuracy is not checked.

    Args:
        model: any Keras model, or the path of one, as for `export`.
        device: a name of `keras_upsample.edge.DEVICES`.
        input_shape, representative_data: as for `to_tflite`.
        progress: called before each step.

    Raises:
        ExportError: the model can't be converted.
        ModuleNotFoundError: the device's compiler or interpreter is not installed.
        ValueError, TypeError: a bad argument.
    """
    require_tool(device_named(device))
    target = TARGETS[device if device in TARGETS else "tflite"]
    model = as_model(model, input_shape)
    program = program_with_meaning(model, signature_to_run(model, input_shape).fixed())
    check_weights(model)
    options = Options(representative_data=representative_data)
    with scratch() as folder:
        path = folder / f"model{target.suffix}"
        ready = prepare(program, target, None, options, any_values=True, progress=progress)
        progress("convert")
        try:
            convert(ready.program, path, target, options, ready.feeds)
        except (ExportError, UnknownLayerError):
            raise
        except Exception as error:  # the model's own code runs here, and so does every converter
            raise ExportError(f"The model can't be traced: {first_line(error)}") from error
        progress("check")
        report = check(path, device)
    return replace(report, notes=(*report.notes, _NOTE))
