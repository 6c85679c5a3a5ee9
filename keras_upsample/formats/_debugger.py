"""TensorFlow's quantization debugger: errors of operators, files that are partly float."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._others import _tf_lite
from ..edge._file import read
from ..program._input_shape import Shape
from ..quantization._decibels import decibels
from ..quantization._feeds import Feeds
from ..quantization._interpreter import inputs_in_order
from ..quantization._ranges import true_ranges
from ._layer_names import check_layers
from ._tflite_converter import convert_saved_model, converter_of


def with_own_errors(folder: Path, feeds: Feeds, measured: Feeds) -> tuple[bytes, dict[str, float]]:
    """An 8-bit file, and name of an operator's result -> what it loses by itself, in dB.

    The debugger puts a float twin of every operator beside it, which reads the same input.

    Args:
        folder: of a SavedModel.
        feeds: for calibration.
        measured: what to run.
    """

    def noise(exact: np.ndarray, given: np.ndarray, scale: float, zero: int) -> float:
        return float(np.mean((exact - scale * (given.astype("float64") - zero)) ** 2))

    def signal(exact: np.ndarray, given: np.ndarray, scale: float, zero: int) -> float:
        return float(np.var(exact, dtype="float64"))

    metrics = {"noise": noise, "signal": signal}
    with _tf_lite.quiet_interpreter(), true_ranges():
        debugger = _debugger(
            converter_of(folder, "int8", feeds), measured, layer_direct_compare_metrics=metrics
        )
        debugger.run()
        content = bytes(debugger.get_nondebug_quantized_model())
    found = {}
    for key, name in _tf_lite.compared_results(debugger):
        statistics = debugger.layer_statistics[key]
        if statistics["signal"] > 0:
            found[name] = decibels(statistics["signal"], statistics["noise"])
    return content, found


def partly_float(
    folder: Path, feeds: Feeds, layers: Sequence[str], sizes: Mapping[str, Shape]
) -> bytes:
    """An 8-bit file in which the operators of some Keras layers stay in float.

    Args:
        folder: of a SavedModel.
        feeds: for calibration.
        layers: names.
        sizes: see `converter_of`.

    Raises:
        ValueError: no operator comes from one of them.
    """
    plain = folder / "float32.tflite"
    plain.write_bytes(convert_saved_model(folder, "float32"))
    operators = read(plain).operators
    check_layers(layers, {operator.layer for operator in operators} - {""})
    names = [op.outputs[0].name for op in operators if op.layer in set(layers)]
    with _tf_lite.quiet_interpreter(), true_ranges():
        converter = converter_of(folder, "int8", feeds, sizes=sizes)
        debugger = _debugger(converter, feeds, denylisted_nodes=names)
        return bytes(debugger.get_nondebug_quantized_model())


def _debugger(converter: Any, feeds: Feeds, **options: Any) -> Any:
    debugger: Any = None

    def data() -> Iterator[list[np.ndarray]]:
        for feed in feeds:
            interpreter = _tf_lite.interpreter_of_debugger(debugger)
            yield [feed[name] for _, name in inputs_in_order(interpreter, feed)]

    debugger = _tf_lite.debugger(converter, data, **options)
    # Its own reads tensors when others have been written over them.
    keeping = _tf_lite.interpreter_that_keeps(debugger.quant_model)
    _tf_lite.set_interpreter_of_debugger(debugger, keeping)
    return debugger
