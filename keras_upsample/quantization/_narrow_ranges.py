"""Ranges that are too narrow for integer arithmetic, as of a ReLU that is 0 on every image.

An integer operator multiplies its sums by a factor: (step of x) (step of K) / (step of y). XNNPACK
refuses a file with a factor of 256 and more, or, where it adds, of less than 1/1024; LiteRT then
can't load it. A factor above 1 means that y counts in steps finer than those of the sums, so a
wider range of y, with a factor of 1, loses nothing.
https://github.com/google/XNNPACK/blob/master/src/operators/convolution-nhwc.c
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._others import _litert, _tf_lite

Ends = tuple[float, float]

_LEVELS = 255.0
_LARGEST, _LEAST = 255.0, 1.0 / 512

_KERNEL = 1
_IMAGES = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 0, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 2}
"""Operator with a kernel -> the input that is the image."""
_SUMS = ("ADD", "SUB")
_PRODUCTS = ("MUL", "BATCH_MATMUL")
_MOVES = (
    "RESHAPE", "TRANSPOSE", "MAX_POOL_2D", "PAD", "SLICE", "STRIDED_SLICE", "SQUEEZE",
    "EXPAND_DIMS", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "GATHER", "TILE",
    "SPACE_TO_DEPTH", "DEPTH_TO_SPACE", "SPLIT",
)  # fmt: skip
"""Operators whose results have the step of what they read."""


def widened(calibrated: bytes, ends: dict[int, Ends]) -> dict[int, Ends]:
    """The ranges of the tensors of a calibrated file, wide enough for each operator.

    Args:
        calibrated: the file, whose weights are floats still.
        ends: index of a tensor -> its least and largest value.
    """
    result = dict(ends)
    for name, inputs, outputs, largest in _operators(calibrated):
        known = [i for i in inputs if i in result]
        if name in _MOVES:
            for y in outputs:
                if known and y in result and result[known[0]] != ends[known[0]]:
                    result[y] = _joined(result[y], result[known[0]])
            continue
        if not outputs or outputs[0] not in result:
            continue
        y = outputs[0]
        if name in _IMAGES and inputs[_IMAGES[name]] in result:
            unit = _step(result[inputs[_IMAGES[name]]]) * largest(inputs[_KERNEL]) / 127
        elif name in _PRODUCTS and len(known) == 2:
            unit = _step(result[known[0]]) * _step(result[known[1]])
        elif name in _SUMS and known:
            unit = max(_step(result[i]) for i in known)
        else:
            continue
        if unit >= _LARGEST * _step(result[y]):
            result[y] = _wide(result[y], unit)
        if name in _SUMS:
            for i in known:
                if _step(result[i]) <= _LEAST * _step(result[y]):
                    result[i] = _wide(result[i], 2 * _LEAST * _step(result[y]))
    return result


def _step(ends: Ends) -> float:
    return (max(ends[1], 0.0) - min(ends[0], 0.0)) / _LEVELS


def _wide(ends: Ends, step: float) -> Ends:
    """A range with this step: of numbers above 0 alone if the old one had none below."""
    low = 0.0 if ends[0] >= 0 else min(ends[0], -128 * step)
    return low, max(ends[1], low + _LEVELS * step)


def _joined(first: Ends, second: Ends) -> Ends:
    return min(first[0], second[0]), max(first[1], second[1])


def _operators(
    content: bytes,
) -> Iterator[tuple[str, list[int], list[int], Callable[[int], float]]]:
    """Name, inputs and outputs of each operator, and a function: a constant's largest |value|."""
    schema = _tf_lite.schema()
    names = _litert.builtin_operators()
    model = schema.Model.GetRootAs(content, 0)
    graph = model.Subgraphs(0)

    def largest(index: int) -> float:
        data: Any = model.Buffers(graph.Tensors(index).Buffer()).DataAsNumpy()
        if not isinstance(data, np.ndarray) or data.size % 4:
            return 0.0  # computed, or no floats: its range says what is to be said
        return float(np.abs(data.view("<f4")).max(initial=0.0))

    for place in range(graph.OperatorsLength()):
        operator = graph.Operators(place)
        name = names[model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]
        inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
        outputs = [operator.Outputs(i) for i in range(operator.OutputsLength())]
        yield name, inputs, outputs, largest
