"""Quantization error per layer of a model."""

from typing import Any

from ..examples._cases import Images, cases
from ..examples._sources import as_list
from ..files._scratch import scratch
from ..formats._debugger import with_own_errors
from ..formats._saved_model import write_saved_model
from ..formats._target_model import model_for_target
from ..formats._tflite_converter import convert_saved_model
from ..program._input_shape import ShapeArgument
from ..program._signature import signature_to_run
from ..quantization._calibration import held_out_images
from ..quantization._layer_errors import LayerError, QuantizationReport, errors_of_operators
from ._known import program_with_meaning
from ._options import Options
from ._prepare import prepare
from ._source import as_model

__all__ = ["LayerError", "QuantizationReport", "quantization_errors"]

_SHOWN = 4
"""Images that the errors are measured on."""


def quantization_errors(
    model: Any,
    *,
    input_shape: ShapeArgument = None,
    representative_data: Any = None,
    images: Images = None,
    lower: bool = True,
) -> QuantizationReport:
    """Quantization error of each operator of the model's int8 TFLite file.

    Args:
        model: any Keras model.
        input_shape: as for `to_tflite`.
        representative_data: images that calibrate the ranges, as for `to_tflite`.
        images: images to measure on; the first 4 are used. Default: held-out images of a preset,
            else those of `representative_data`.
        lower: as for `to_tflite`.

    Returns:
        The operators in the order in which they run. A layer with a large error of its own can
        be kept in float:
        `to_tflite(..., precision="int8", keep_float=["its name"])`.

    Raises:
        ExportError, ValueError: as for `to_tflite`.

    Example:
        >>> report = quantization_errors(model, input_shape=(256, 256, 3))  # doctest: +SKIP
        >>> print(report.worst[0].layer)  # doctest: +SKIP
    """
    from ..targets import target_named

    target = target_named("tflite_int8")
    model = as_model(model, input_shape)
    program = program_with_meaning(model, signature_to_run(model, input_shape).fixed())
    shown = as_list(images, program.signature, "images")
    if shown is None:
        shown, _ = held_out_images(model)
    options = Options(lower=lower, representative_data=representative_data)
    ready = prepare(program, target, shown, options)
    feeds = ready.feeds or []
    measured = feeds
    if shown is not None:
        measured = [dict(case.feeds) for case in cases(program.signature, shown) if case.real]
    measured = measured[:_SHOWN]
    with scratch() as folder:
        for form, place in ((ready.program, "rounded"), (ready.exact, "exact")):
            with model_for_target(form.model, target) as traced:
                write_saved_model(traced, form.signature, folder / place)
        quantised, own = with_own_errors(folder / "rounded", feeds, measured)
        exact = convert_saved_model(folder / "exact", "float32")
        files = (folder / "int8.tflite", folder / "float32.tflite")
        for path, content in zip(files, (quantised, exact), strict=True):
            path.write_bytes(content)
        return errors_of_operators(*files, own, measured)
