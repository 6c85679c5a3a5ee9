"""Quantization steps of a TFLite file's weights that leave the least error.

The converter divides the largest absolute weight of an output channel by 127. The weights of a
resize suffer from that: bicubic enlargement by 2 has the taps `-9 29 111 -3` / 128. In steps of
111/128/127 they become `-10 33 127 -3`, whose sum is 1.0038, so that a constant image grows by
0.4% on each axis. In steps of 1/128 they are exact. Weights that GPTQ put on the converter's grid
have no error there, and keep their step.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .._others import _tf_lite
from ._tflite_bias import KERNEL, PLACES

Kernels = Mapping[str, np.ndarray]
"""Name of a convolution's output -> its weights in float."""

_STEPS = np.arange(127, 63, -1)
"""Numbers of steps that the largest weight may have, the converter's first. Half as many would
leave each weight one bit less."""
_ALONE = 0.1
"""What a weight's own error counts beside the error of the sum: a window's pixels are much alike,
and errors of one sign add up."""
_LEAST_GAIN = 0.5
"""Share of the converter's error that another step may leave at most."""
_ON_GRID = 1e-4
"""Of a step: weights so close to their values were put there."""


def float_kernels(content: bytes) -> dict[str, np.ndarray]:
    """The constant weights of the convolutions of a file of floats."""
    model, schema = _tf_lite.unpack(content), _tf_lite.schema()
    found = {}
    for graph, operator, _ in _convolutions(model):
        kernel = graph.tensors[operator.inputs[KERNEL]]
        data = model.buffers[kernel.buffer].data
        if kernel.type == schema.TensorType.FLOAT32 and data is not None and len(data):
            values = np.frombuffer(bytes(data), "<f4").reshape(kernel.shape)
            found[_output_name(graph, operator)] = values
    return found


def with_fitting_steps(content: bytes, kernels: Kernels) -> bytes:
    """A file of integers, in which weights have the steps that leave the least error.

    Args:
        content: of the file.
        kernels: its weights before they were rounded.
    """
    model = _tf_lite.unpack(content)
    uses: dict[tuple[int, int], list[Any]] = defaultdict(list)
    readers: dict[tuple[int, int], set[int]] = defaultdict(set)
    for graph, operator, place in _convolutions(model):
        kernel = int(operator.inputs[KERNEL])
        uses[id(graph), kernel].append((graph, operator, place))
        for bias in operator.inputs[place[0] :][:1]:
            readers[id(graph), int(bias)].add(kernel)
    changed = False
    for (graph_id, _), operators in uses.items():
        biases = [b for _, operator, (at, _) in operators for b in operator.inputs[at:][:1]]
        # A bias counts in steps of its operator's weights: two kernels can't move one.
        if all(len(readers[graph_id, int(bias)]) == 1 for bias in biases if bias >= 0):
            changed |= _fit(model, operators, kernels)
    return _tf_lite.pack(model) if changed else content


def _convolutions(model: Any) -> Iterator[tuple[Any, Any, tuple[int, int]]]:
    """Graph, operator, and the places of its bias and of its kernel's channels."""
    schema = _tf_lite.schema()
    places = {getattr(schema.BuiltinOperator, name): place for name, place in PLACES.items()}
    for graph in model.subgraphs:
        for operator in graph.operators:
            place = places.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
            if place is not None:
                yield graph, operator, place


def _output_name(graph: Any, operator: Any) -> str:
    name = bytes(graph.tensors[operator.outputs[0]].name).decode()
    return name.removesuffix("_int16")  # that the quantiser adds to the outputs of a file


def _fit(model: Any, operators: list[Any], kernels: Kernels) -> bool:
    """Change the steps of one kernel, and of the biases beside it."""
    graph, operator, (_, axis) = operators[0]
    kernel = graph.tensors[operator.inputs[KERNEL]]
    wanted = kernels.get(_output_name(graph, operator))
    if kernel.type != _tf_lite.schema().TensorType.INT8 or wanted is None:
        return False
    old = kernel.quantization.scale
    if tuple(kernel.shape) != wanted.shape or len(old) != wanted.shape[axis]:
        return False  # one step for all channels
    old = old.astype("float64")
    whole = np.frombuffer(bytes(model.buffers[kernel.buffer].data), "int8").reshape(wanted.shape)
    channels = len(old)
    rows = np.moveaxis(wanted.astype("float64"), axis, 0).reshape(channels, -1)
    moved = np.moveaxis(whole, axis, 0)
    held = moved.reshape(channels, -1)
    if (np.abs(held * old[:, None] - rows) > 0.501 * old[:, None]).any():
        return False  # not these weights
    steps, chosen = fitting_steps(rows, held, old)
    if (steps == old).all():
        return False
    data = np.moveaxis(chosen.reshape(moved.shape), 0, axis).astype("int8")
    _put(model, kernel, data)
    kernel.quantization.scale = steps.astype("float32")
    for place in {int(op.inputs[at]) for _, op, (at, _) in operators if len(op.inputs) > at}:
        if place >= 0:
            _count_in(model, graph.tensors[place], steps / old)
    return True


def _count_in(model: Any, bias: Any, factors: np.ndarray) -> None:
    """Count a bias in steps that are larger by these factors."""
    kinds = {_tf_lite.schema().TensorType.INT32: "<i4", _tf_lite.schema().TensorType.INT64: "<i8"}
    values = np.frombuffer(bytes(model.buffers[bias.buffer].data), kinds[bias.type])
    _put(model, bias, np.round(values / factors).astype(values.dtype))
    scale = bias.quantization.scale.astype("float64") * factors
    bias.quantization.scale = scale.astype("float32")


def _put(model: Any, tensor: Any, values: np.ndarray) -> None:
    """Give a constant other values; equal constants of other tensors may lie in its buffer."""
    users = sum(t.buffer == tensor.buffer for graph in model.subgraphs for t in graph.tensors)
    if users > 1:
        tensor.buffer = len(model.buffers)
        model.buffers.append(_tf_lite.schema().BufferT())
    data = np.ascontiguousarray(values).view("uint8").reshape(-1)
    model.buffers[tensor.buffer].data = data


def fitting_steps(
    rows: np.ndarray, held: np.ndarray, old: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The steps, and the weights as multiples of them.

    Of the errors e of a row, (sum of e)² + 0.1 · sum of e² is the least: the error of the result
    where the inputs of a window are alike.

    Args:
        rows: (channels, weights).
        held: as `rows`: the converter's multiples.
        old: (channels,): the converter's steps.
    """
    best, whole = old.copy(), held.astype("float64")
    error = whole * old[:, None] - rows
    least = _LEAST_GAIN * _cost(error)
    least[np.abs(error).max(axis=1) < _ON_GRID * old] = 0
    top = np.abs(rows).max(axis=1)
    for count in _STEPS[1:]:
        step = np.where(top > 0, top / count, old)
        multiples = np.round(rows / step[:, None])
        cost = _cost(multiples * step[:, None] - rows)
        better = cost < least
        least = np.where(better, cost, least)
        best = np.where(better, step, best)
        whole = np.where(better[:, None], multiples, whole)
    return best, whole


def _cost(error: np.ndarray) -> np.ndarray:
    return error.sum(axis=1) ** 2 + _ALONE * (error**2).sum(axis=1)
