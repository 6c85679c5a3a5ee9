"""The graph of a TFLite file: what it does to its input first and to its outputs last."""

from pathlib import Path
from typing import Any

import numpy as np

from .._others import _litert
from ..export._natural_range import range_of_integers
from ._foreign_part import Arithmetic, Node, Part, last_activation, part_behind

_KINDS = {
    "ADD": "Add", "ARG_MAX": "ArgMax", "CAST": "Cast", "CONCATENATION": "Concat",
    "DEQUANTIZE": "Cast", "DIV": "Div", "EXPAND_DIMS": "Unsqueeze", "GATHER": "Gather",
    "LOGISTIC": "Sigmoid", "MIRROR_PAD": "Pad", "MUL": "Mul", "NEG": "Neg", "PACK": "Stack",
    "PAD": "Pad", "PADV2": "Pad", "QUANTIZE": "Cast", "RESHAPE": "Reshape",
    "RESIZE_BILINEAR": "Resize", "RESIZE_NEAREST_NEIGHBOR": "Resize", "REVERSE_V2": "Reverse",
    "SHAPE": "Shape", "SLICE": "Slice", "SOFTMAX": "Softmax", "SPLIT": "Split",
    "SPLIT_V": "Split", "SQUEEZE": "Squeeze", "STRIDED_SLICE": "Slice", "SUB": "Sub",
    "TANH": "Tanh", "TRANSPOSE": "Transpose", "UNPACK": "Unstack",
}  # fmt: skip
"""Operators by their names in ONNX."""


def read(path: Path, name: str) -> tuple[dict[str, str], Arithmetic | tuple[float, float] | None]:
    """Activations by output, and the arithmetic at the door, or the range of its integers.

    Args:
        path: of the file.
        name: of the input that takes the picture; a file's first, which is the only one.
    """
    schema = _litert.schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    builtin = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    codes = [builtin[max(c.builtinCode, c.deprecatedBuiltinCode)] for c in model.operatorCodes]
    nodes = [
        Node(
            _KINDS.get(codes[operator.opcodeIndex], ""),
            tuple(int(i) for i in operator.inputs if i >= 0),
            tuple(int(i) for i in operator.outputs),
            bool(getattr(operator.builtinOptions, "fusedActivationFunction", 0)),
        )
        for operator in graph.operators
    ]
    names = {int(t): graph.tensors[t].name.decode() for t in graph.outputs}
    for signature in model.signatureDefs or ():
        names |= {int(o.tensorIndex): o.name.decode() for o in signature.outputs}
    activations = {label: last_activation(nodes, index) for index, label in names.items()}
    activations = {label: kind for label, kind in activations.items() if kind}
    start, *others = (int(index) for index in graph.inputs)
    if stored := _integers(graph.tensors[start]):
        return activations, range_of_integers(*stored)
    if graph.tensors[start].type not in (schema.TensorType.FLOAT32, schema.TensorType.UINT8):
        return activations, None
    part = part_behind(nodes, start, set(others), set(names))
    if part is None or graph.tensors[part.end].type != schema.TensorType.FLOAT32:
        return activations, None
    return activations, Arithmetic(part.names, _running(model, start, part))


def _integers(tensor: Any) -> tuple[float, float] | None:
    """The least and the largest number that an integer tensor can stand for."""
    schema = _litert.schema()
    kinds = {schema.TensorType.INT8: "int8", schema.TensorType.UINT8: "uint8"}
    facts = tensor.quantization
    if tensor.type not in kinds or facts is None or facts.scale is None or len(facts.scale) != 1:
        return None
    ends = np.iinfo(kinds[tensor.type])
    scale, zero = float(facts.scale[0]), int(facts.zeroPoint[0])
    return scale * (ends.min - zero), scale * (ends.max - zero)


def _running(model: Any, start: int, part: Part) -> Any:
    """By LiteRT, which gets a file of that part alone."""
    import flatbuffers
    from ai_edge_litert.interpreter import Interpreter

    graph = model.subgraphs[0]
    graph.operators = [graph.operators[index] for index in part.nodes]
    graph.inputs, graph.outputs = [start], [part.end]
    used = {int(i) for operator in graph.operators for i in operator.inputs if i >= 0}
    kept = {graph.tensors[index].buffer for index in used}
    for index, buffer in enumerate(model.buffers):
        if index not in kept:
            buffer.data = None
    model.subgraphs, model.signatureDefs, model.metadata = [graph], [], []
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()))

    def run(image: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], image.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))

    return run
