"""Which layer an 8-bit file loses its digits in."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from .._others import _tf_lite
from ..edge._file import OperatorFacts, read
from ..examples._cases import Images, cases
from ..examples._sources import as_list
from ..formats._debugger import with_own_errors
from ..formats._saved_model import write_saved_model
from ..formats._target_model import model_for_target
from ..formats._tflite_converter import convert_saved_model
from ..program._input_shape import ShapeArgument
from ..program._program import program_of
from ..program._signature import signature_to_run
from ..quantization._calibration import held_out_images
from ..quantization._decibels import decibels
from ..quantization._feeds import Feeds
from ..quantization._interpreter import inputs_in_order
from ._known import known, with_meaning
from ._options import Options
from ._prepare import prepare
from ._source import as_model

_SHOWN = 4
"""Images that the errors are measured on."""


@dataclass(frozen=True)
class LayerError:
    """What one operator of an 8-bit file loses, as signal over noise in dB.

    Attributes:
        layer: the Keras layer it came from, as far as the file tells.
        operator: its name in TFLite.
        own: what the operator loses by itself: against the same operator in float, which reads the
            same rounded input and has the weights of the file. inf where it loses nothing.
        total: what has been lost up to here, by weights too: against the float file.
    """

    layer: str
    operator: str
    own: float
    total: float


@dataclass(frozen=True)
class QuantizationReport:
    """The operators of an 8-bit file in the order in which they run."""

    errors: tuple[LayerError, ...]

    @property
    def worst(self) -> tuple[LayerError, ...]:
        """By what they lose themselves, the worst first."""
        return tuple(sorted(self.errors, key=lambda error: error.own))

    def __str__(self) -> str:
        layers = max([len(e.layer) for e in self.errors], default=0)
        width = max([len(e.operator) for e in self.errors], default=0)
        bad = {id(error) for error in self.worst[:3]}
        lines = [f"{'layer':{layers}}  {'operator':{width}}     own   total  (dB)"]
        for e in self.errors:
            mark = "  <- loses most" if id(e) in bad else ""
            figures = f"{e.own:6.1f}  {e.total:6.1f}"
            lines.append(f"{e.layer:{layers}}  {e.operator:{width}}  {figures}{mark}")
        return "\n".join(lines)


def quantization_errors(
    model: Any,
    *,
    input_shape: ShapeArgument = None,
    representative_data: Any = None,
    images: Images = None,
    lower: bool = True,
) -> QuantizationReport:
    """What each operator of the model's int8 TFLite file loses.

    Args:
        model: any Keras model.
        input_shape: as for `to_tflite`.
        representative_data: images from which ranges are learnt, as for `to_tflite`.
        images: what to measure on, the first 4 of them; default: held-out images of a preset, else
            those of `representative_data`.
        lower: as for `to_tflite`.

    Returns:
        The operators in order. A layer that loses much by itself may be left in float:
        `to_tflite(..., precision="int8", keep_float=["its name"])`.

    Raises:
        ExportError, ValueError: as for `to_tflite`.

    Example:
        >>> report = quantization_errors(model, input_shape=(256, 256, 3))  # doctest: +SKIP
        >>> print(report.worst[0].layer)  # doctest: +SKIP
    """
    from ..targets import target_named

    target = target_named("tflite_int8")
    model = as_model(model)
    program = program_of(model, signature_to_run(model, input_shape).fixed())
    program = with_meaning(program, known(program).metadata)
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form, place in ((ready.program, "rounded"), (ready.exact, "exact")):
            with model_for_target(form.model, target) as traced:
                write_saved_model(traced, form.signature, folder / place)
        return _report(folder, feeds, measured)


def _report(folder: Path, feeds: Feeds, measured: Feeds) -> QuantizationReport:
    quantised, alone = with_own_errors(folder / "rounded", feeds, measured)
    files = {
        "int8.tflite": quantised,
        "float32.tflite": convert_saved_model(folder / "exact", "float32"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with _tf_lite.quiet_interpreter():
        operators, given = _run(folder / "int8.tflite", measured)
        exact_operators, exact = _run(folder / "float32.tflite", measured)
    found = []
    for operator, twin in _twins(operators, exact_operators):
        name, twin_name = operator.outputs[0].name, twin.outputs[0].name
        noise = float(np.mean((given[name] - exact[twin_name]) ** 2))
        total = decibels(float(exact[twin_name].var()), noise)
        found.append(LayerError(operator.layer, operator.name, alone.get(name, inf), total))
    return QuantizationReport(tuple(found))


_CONVERSIONS = ("QUANTIZE", "DEQUANTIZE")


def _twins(
    operators: Sequence[OperatorFacts], exact: Sequence[OperatorFacts]
) -> list[tuple[OperatorFacts, OperatorFacts]]:
    """The operators that both files have, in pairs.

    They come in the same order; where the converter merged more in one file, by what they write.
    """
    ours, theirs = ([o for o in each if o.name not in _CONVERSIONS] for each in (operators, exact))
    if [o.name for o in ours] == [o.name for o in theirs]:
        return list(zip(ours, theirs, strict=True))
    by_name = {o.outputs[0].name: o for o in theirs}
    # The last layer's result has another name where a DEQUANTIZE follows.
    names = [(o, o.outputs[0].name) for o in ours]
    pairs = [(o, by_name.get(name) or by_name.get(name.removesuffix("1"))) for o, name in names]
    return [(o, twin) for o, twin in pairs if twin is not None]


def _run(path: Path, feeds: Feeds) -> tuple[tuple[OperatorFacts, ...], dict[str, np.ndarray]]:
    """A file's operators, and what they write as real numbers over all the feeds, by name."""
    operators = read(path).operators
    interpreter = _tf_lite.interpreter_that_keeps(path.read_bytes())
    written = {operator.outputs[0].name for operator in operators}
    details = [d for d in interpreter.get_tensor_details() if d["name"] in written]
    values: dict[str, list[np.ndarray]] = {}
    for feed in feeds:
        for detail, name in inputs_in_order(interpreter, feed):
            interpreter.set_tensor(detail["index"], feed[name])
        interpreter.invoke()
        for detail in details:
            array = interpreter.get_tensor(detail["index"]).astype("float64")
            scale, zero = detail["quantization"]
            array = (array - zero) * scale if scale else array
            values.setdefault(detail["name"], []).append(array)
    return operators, {name: np.stack(arrays) for name, arrays in values.items()}
