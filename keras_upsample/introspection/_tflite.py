"""The graph of a TFLite file: what its preprocessing and its last activations say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .._others import _litert
from ._facts import Door
from ._natural_range import range_of_integers
from ._preprocessing import Preprocessing
from ._subgraph import Node, Subgraph, last_activation, preprocessing_subgraph

_MOVING = (
    "CONCATENATION", "GATHER", "MIRROR_PAD", "PACK", "PAD", "PADV2", "REVERSE_V2", "SLICE", "SPLIT",
    "SPLIT_V", "STRIDED_SLICE", "UNPACK",
)  # fmt: skip
_PASSING = (
    "CAST", "DEQUANTIZE", "EXPAND_DIMS", "QUANTIZE", "RESHAPE", "RESIZE_BILINEAR",
    "RESIZE_NEAREST_NEIGHBOR", "SQUEEZE", "TRANSPOSE",
)  # fmt: skip
_ROLES = {
    **dict.fromkeys(("ADD", "DIV", "MUL", "NEG", "SUB"), "computes"),
    **dict.fromkeys(_MOVING, "moves"),
    **dict.fromkeys(_PASSING, "passes"),
    "SHAPE": "sizes",
    "ARG_MAX": "class_map",
    "LOGISTIC": "sigmoid",
    "SOFTMAX": "softmax",
    "TANH": "tanh",
}


def read(path: Path, name: str) -> tuple[Preprocessing | Door, dict[str, str]]:
    """The preprocessing of the input, or what its integers say, and the last activations by output.

    Args:
        path: of the file.
        name: of the input that takes the picture; a file's first, which is the only one.
    """
    schema = _litert.schema()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    builtin = _litert.builtin_operators()
    codes = [builtin[max(c.builtinCode, c.deprecatedBuiltinCode)] for c in model.operatorCodes]
    nodes = [_neutral(operator, codes[operator.opcodeIndex]) for operator in graph.operators]
    names = {int(t): graph.tensors[t].name.decode() for t in graph.outputs}
    for signature in model.signatureDefs or ():
        names |= {int(o.tensorIndex): o.name.decode() for o in signature.outputs}
    kinds = {label: last_activation(nodes, index) for index, label in names.items()}
    activations = {label: kind for label, kind in kinds.items() if kind}
    start, *others = (int(index) for index in graph.inputs)
    if stored := _integers(graph.tensors[start]):
        because = "a converter learnt that its integers stand for these values"
        return Door(range_of_integers(*stored), because), activations
    if graph.tensors[start].type not in (schema.TensorType.FLOAT32, schema.TensorType.UINT8):
        return Door(), activations
    part = preprocessing_subgraph(nodes, start, set(others), set(names))
    if part is None or graph.tensors[part.end].type != schema.TensorType.FLOAT32:
        return Door(), activations
    return Preprocessing(part.names, _runner(model, start, part)), activations


def _neutral(operator: Any, code: str) -> Node:
    """An operator with an activation in it has no role: its code does not say all that it does."""
    fused = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
    return Node(
        "" if fused else _ROLES.get(code, ""),
        code.capitalize(),
        tuple(int(index) for index in operator.inputs if index >= 0),
        tuple(int(index) for index in operator.outputs),
    )


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


def _runner(model: Any, start: int, part: Subgraph) -> Callable[[np.ndarray], np.ndarray]:
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

    def run(images: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))

    return run
