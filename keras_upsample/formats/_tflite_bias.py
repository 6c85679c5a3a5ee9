"""Biases of TFLite operators: one value per channel, one tensor per operator.

The converter adds a scalar that stands behind a transposed convolution to its bias; where there is
none, or only zeros, the scalar becomes the bias, of one element. LiteRT refuses such an operator,
and other runtimes read past the bias' end. It keeps equal constants once: the quantiser of 16-bit
activations then rounds the bias of two operators to the scale of one of them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .._others import _tf_lite

KERNEL = 1
PLACES = {
    "CONV_2D": (2, 0),
    "DEPTHWISE_CONV_2D": (2, 3),
    "FULLY_CONNECTED": (2, 0),
    "TRANSPOSE_CONV": (3, 0),
    "CONV_3D": (2, 4),
    "CONV_3D_TRANSPOSE": (3, 3),
}
"""Operator -> the input that is its bias, and the axis of its kernel that counts the channels."""


class _Use(NamedTuple):
    """A bias that an operator reads: its graph, its place there, the input, the channels."""

    graph: int
    operator: int
    input: int
    channels: int


def with_full_biases(content: bytes, *, own: bool = False) -> bytes:
    """A file of floats, its constant biases of one element repeated for each channel.

    Args:
        content: of the file.
        own: give each operator a bias of its own, too.
    """
    schema = _tf_lite.schema()
    uses = list(_wanting(schema.Model.GetRootAs(content, 0), own=own))
    if not uses:
        return content
    changed = _tf_lite.unpack(content)
    for use in uses:
        graph = changed.subgraphs[use.graph]
        operator = graph.operators[use.operator]
        inputs = [int(index) for index in operator.inputs]
        values = _values(changed, graph, inputs[use.input])
        if values is None:
            continue
        full, buffer = schema.TensorT(), schema.BufferT()
        full.name, full.type = graph.tensors[inputs[use.input]].name, schema.TensorType.FLOAT32
        full.shape, full.buffer = np.array([use.channels], "int32"), len(changed.buffers)
        buffer.data = np.broadcast_to(values, use.channels).astype("<f4").view("uint8")
        changed.buffers.append(buffer)
        inputs[use.input] = len(graph.tensors)
        operator.inputs = np.array(inputs, "int32")
        graph.tensors.append(full)
    return _tf_lite.pack(changed)


def _wanting(model: Any, *, own: bool) -> Iterator[_Use]:
    """Biases of one element for several channels; if `own`, those that another operator has too."""
    schema = _tf_lite.schema()
    places = {getattr(schema.BuiltinOperator, name): place for name, place in PLACES.items()}
    codes = [model.OperatorCodes(i).BuiltinCode() for i in range(model.OperatorCodesLength())]
    for k in range(model.SubgraphsLength()):
        graph, seen = model.Subgraphs(k), set()
        for place in range(graph.OperatorsLength()):
            operator = graph.Operators(place)
            at, axis = places.get(codes[operator.OpcodeIndex()], (0, 0))
            if not at or operator.InputsLength() <= at or operator.Inputs(at) < 0:
                continue
            bias = operator.Inputs(at)
            channels = int(graph.Tensors(operator.Inputs(KERNEL)).Shape(axis))
            short = np.prod(graph.Tensors(bias).ShapeAsNumpy()) == 1 != channels
            if short or (own and bias in seen):
                yield _Use(k, place, at, channels)
            seen.add(bias)


def _values(model: Any, graph: Any, index: int) -> np.ndarray | None:
    """A constant, through the operator that makes a half a float; None of what is computed."""
    schema = _tf_lite.schema()
    for operator in graph.operators:
        if index in operator.outputs:
            index = operator.inputs[0]
    tensor = graph.tensors[index]
    data = model.buffers[tensor.buffer].data
    kinds = {schema.TensorType.FLOAT16: "<f2", schema.TensorType.FLOAT32: "<f4"}
    if data is None or len(data) == 0 or tensor.type not in kinds:
        return None
    return np.frombuffer(bytes(data), kinds[tensor.type])
