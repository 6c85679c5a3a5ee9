"""Error of each operator of an 8-bit file, measured against the same operator in float."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from .._others import _tf_lite
from ..edge._file import OperatorFacts, read
from ._decibels import decibels
from ._feeds import Feeds
from ._interpreter import inputs_in_order


@dataclass(frozen=True)
class LayerError:
    """Quantization error of one operator of an 8-bit file, as signal-to-noise ratio in dB.

    Attributes:
        layer: name of the Keras layer that the operator came from, if the file shows it.
        operator: name of the operator in TFLite.
        own: error of this operator alone, measured against the same operator in float with the same
            rounded input and the weights of the file; inf if there is none.
        total: error of all operators up to this one, with that of the rounded weights, measured
            against the float file.
    """

    layer: str
    operator: str
    own: float
    total: float


@dataclass(frozen=True)
class QuantizationReport:
    """Quantization errors of an 8-bit file, by operator in the order in which they run."""

    errors: tuple[LayerError, ...]

    @property
    def worst(self) -> tuple[LayerError, ...]:
        """The operators by their own error, the worst first."""
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


def errors_of_operators(
    quantised: Path, exact: Path, own: Mapping[str, float], feeds: Feeds
) -> QuantizationReport:
    """The operators of an 8-bit file and what they lose.

    Args:
        quantised: the file.
        exact: of the same model in float, before its weights were rounded.
        own: tensor that an operator writes -> what the operator loses by itself, in dB.
        feeds: images that the errors are measured on.
    """
    with _tf_lite.quiet_interpreter():
        operators, given = _run(quantised, feeds)
        exact_operators, expected = _run(exact, feeds)
    found = []
    for operator, twin in _twins(operators, exact_operators):
        name, twin_name = operator.outputs[0].name, twin.outputs[0].name
        noise = float(np.mean((given[name] - expected[twin_name]) ** 2))
        total = decibels(float(expected[twin_name].var()), noise)
        found.append(LayerError(operator.layer, operator.name, own.get(name, inf), total))
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
