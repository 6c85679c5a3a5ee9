"""Activation ranges, measured in an interpreter that keeps every tensor.

TensorFlow's calibrator reads what an operator reads after the operator has run. Sums, differences
and products are written into the memory of one of their operands where nobody needs that any more;
so the operand, say a weight in [0, 1], is given the range of the result, say [-80, 80], and keeps
two of its 255 values. Here every tensor keeps memory of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import numpy as np

from .._others import _tf_lite
from ..program._patching import Patch, Place
from ._interpreter import inputs_in_order
from ._narrow_ranges import widened

Feed = dict[str, np.ndarray]


def true_ranges() -> AbstractContextManager[None]:
    """Let TensorFlow's converter take the ranges that are measured here."""
    return _PATCH.entered()


def _places() -> Iterator[Place]:
    yield _tf_lite.calibrator_class(), "calibrate", _measure


def _measure(original: Callable) -> Callable:
    def calibrate(self: Any, dataset: Callable[[], Iterator[Feed]]) -> bytes:
        if not _PATCH.active():
            return bytes(original(self, dataset))
        # It says which tensors have a range; one image is enough for that.
        return measure_ranges(original(self, lambda: islice(dataset(), 1)), dataset())

    return calibrate


_PATCH = Patch(_places)


def measure_ranges(calibrated: bytes, feeds: Iterable[Feed]) -> bytes:
    """A calibrated TFLite file with ranges measured anew, and wide enough for its operators."""
    schema = _tf_lite.schema()
    content = bytearray(calibrated)
    graph = schema.Model.GetRootAs(content, 0).Subgraphs(0)
    ends = {}
    for index in range(graph.TensorsLength()):
        quantization = graph.Tensors(index).Quantization()
        if quantization is not None and quantization.MinLength() == 1:
            ends[index] = quantization.MinAsNumpy(), quantization.MaxAsNumpy()
    measured = widened(calibrated, _extremes(calibrated, list(ends), feeds))
    for index, (low, high) in measured.items():
        ends[index][0][:], ends[index][1][:] = low, high
    return bytes(content)


def _extremes(
    content: bytes, indices: list[int], feeds: Iterable[Feed]
) -> dict[int, tuple[float, float]]:
    interpreter = _tf_lite.interpreter_that_keeps(content)
    found = dict.fromkeys(indices, (np.inf, -np.inf))
    for feed in feeds:
        for detail, name in inputs_in_order(interpreter, feed):
            interpreter.set_tensor(detail["index"], feed[name])
        interpreter.invoke()
        for index, (low, high) in found.items():
            least, largest = _ends(interpreter.tensor(index))
            found[index] = min(low, least), max(high, largest)
    return found


def _ends(view: Callable[[], np.ndarray]) -> tuple[float, float]:
    values = view()  # the interpreter's own memory, which it runs on only when this is gone
    return float(values.min()), float(values.max())
