"""What the graph of a file of another maker says of its input and output.

The counterpart of `export._door` for files: arithmetic with constants that
the input goes through first, and the activation that the output came through last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..export._graph_facts import Door
from ..export._natural_range import natural_range
from ..export._tensorflow_graph import facts_of_function


@dataclass(frozen=True)
class FileGraph:
    """Of one file; empty where nothing is told.

    Attributes:
        value_range: that the input is made for.
        because: the operators that say so.
        activations: name of an output -> `"softmax"`, `"sigmoid"`, `"tanh"` or `"class_map"`.
    """

    value_range: tuple[float, float] | None = None
    because: str = ""
    activations: Mapping[str, str] = ()  # type: ignore[assignment]


def graph_of_file(runner: Any, channels: int | None, axis: int) -> FileGraph:
    """Read off the file of a runner; of what has no file nothing is known.

    Args:
        runner: of an `.onnx` or `.tflite` file, or a SavedModel; its first input is the picture.
        channels: of the picture.
        axis: on which they lie, 1 or 3.
    """
    if hasattr(runner, "function"):
        return _of_function(runner)
    path, input_name = Path(getattr(runner, "path", None) or ""), runner.inputs[0].name
    reader = {".onnx": _onnx_steps, ".tflite": _tflite_steps}.get(path.suffix)
    if reader is None:
        return FileGraph(activations={})
    try:
        steps, activations = reader(path, input_name)
        return _judged(list(steps), dict(activations), channels, axis)
    except Exception:  # damaged in a way that its runtime does not mind
        return FileGraph(activations={})


def _of_function(runner: Any) -> FileGraph:
    """Of a SavedModel."""
    names = [info.name for info in runner.outputs]
    found = facts_of_function(runner.function, [runner.inputs[0].name], names)
    door = found.doors[0] if found.doors else Door()
    activations = dict(zip(names, found.activations, strict=False))
    return FileGraph(door.value_range, door.because, activations)


@dataclass(frozen=True)
class _Step:
    """y = f(x, constant), or y = f(constant, x) where `turned`."""

    operator: str
    constant: np.ndarray | None
    turned: bool = False


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "Mul": np.multiply,
    "Div": np.divide,
    "Add": np.add,
    "Sub": np.subtract,
}
_ACTIVATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ArgMax": "class_map",
}
_MOVING = ("Cast", "Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Resize")


def _judged(
    steps: Sequence[_Step], activations: dict[str, str], channels: int | None, axis: int
) -> FileGraph:
    if channels is None or not any(step.operator in _ARITHMETIC for step in steps):
        return FileGraph(activations=activations)

    def run(value: float) -> np.ndarray:
        shape = [1, 1, 1, 1]
        shape[axis] = channels
        x = np.full(shape, value, "float64")
        for step in steps:
            if step.operator == "Transpose" and step.constant is not None:
                x = x.transpose(step.constant)
            elif step.operator in _ARITHMETIC and step.constant is not None:
                pair = (step.constant, x) if step.turned else (x, step.constant)
                x = _ARITHMETIC[step.operator](*pair)
        return np.asarray(x).reshape(-1)

    offset = run(0.0)
    scale = run(1.0) - offset
    if len(offset) != channels or not np.allclose(run(3.0), 3 * scale + offset, rtol=1e-4):
        return FileGraph(activations=activations)
    names = ", ".join(step.operator for step in steps if step.operator in _ARITHMETIC)
    return FileGraph(natural_range(np.diag(scale), offset), f"it begins with {names}", activations)


def _onnx_steps(path: Path, name: str) -> tuple[Iterator[_Step], Iterator[tuple[str, str]]]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(str(path), load_external_data=False).graph
    constants = {item.name: item for item in graph.initializer}
    constants |= {
        node.output[0]: node.attribute[0].t
        for node in graph.node
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value"
    }
    makers = {output: node for node in graph.node for output in node.output}

    def first() -> Iterator[_Step]:
        current = name
        while True:
            readers = [node for node in graph.node if current in node.input]
            if len(readers) != 1 or readers[0].op_type not in (*_ARITHMETIC, *_MOVING[:3]):
                return
            node = readers[0]
            others = [item for item in node.input if item != current]
            constant = None
            if node.op_type in _ARITHMETIC:
                if len(others) != 1 or others[0] not in constants:
                    return
                constant = numpy_helper.to_array(constants[others[0]]).astype("float64")
            elif node.op_type == "Transpose":
                constant = np.array(next(a.ints for a in node.attribute if a.name == "perm"))
            yield _Step(node.op_type, constant, node.input[0] != current)
            current = node.output[0]

    def last() -> Iterator[tuple[str, str]]:
        for output in graph.output:
            node = makers.get(output.name)
            while node is not None and node.op_type in _MOVING:
                node = makers.get(node.input[0])
            if node is not None and _ACTIVATIONS.get(node.op_type):
                yield output.name, _ACTIVATIONS[node.op_type]

    return first(), last()


_TFLITE_NAMES = {
    "MUL": "Mul", "DIV": "Div", "ADD": "Add", "SUB": "Sub", "CAST": "Cast",
    "TRANSPOSE": "Transpose", "RESHAPE": "Reshape", "SQUEEZE": "Squeeze", "SOFTMAX": "Softmax",
    "LOGISTIC": "Sigmoid", "TANH": "Tanh", "ARG_MAX": "ArgMax", "RESIZE_BILINEAR": "Resize",
    "DEQUANTIZE": "Cast", "RESIZE_NEAREST_NEIGHBOR": "Resize", "QUANTIZE": "Cast",
}  # fmt: skip


def _tflite_steps(path: Path, name: str) -> tuple[Iterator[_Step], Iterator[tuple[str, str]]]:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    graph = model.subgraphs[0]
    builtin = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
    codes = [max(c.builtinCode, c.deprecatedBuiltinCode) for c in model.operatorCodes]
    kinds = [_TFLITE_NAMES.get(builtin[codes[op.opcodeIndex]], "") for op in graph.operators]

    def constant_of(index: int) -> np.ndarray | None:
        tensor = graph.tensors[index]
        data = model.buffers[tensor.buffer].data
        if data is None or tensor.type not in (schema.TensorType.FLOAT32, schema.TensorType.INT32):
            return None
        dtype = "<f4" if tensor.type == schema.TensorType.FLOAT32 else "<i4"
        return np.frombuffer(bytes(data), dtype).reshape(list(tensor.shape))

    def first() -> Iterator[_Step]:
        current = int(graph.inputs[0])
        while True:
            readers = [i for i, op in enumerate(graph.operators) if current in list(op.inputs)]
            if len(readers) != 1 or kinds[readers[0]] not in (*_ARITHMETIC, *_MOVING[:3]):
                return
            operator, kind = graph.operators[readers[0]], kinds[readers[0]]
            others = [int(i) for i in operator.inputs if i != current]
            constant = constant_of(others[0]) if len(others) == 1 else None
            if kind in _ARITHMETIC and constant is None:
                return
            fused = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
            turned = int(operator.inputs[0]) != current
            yield _Step(kind, None if constant is None else constant.astype("float64"), turned)
            if fused:
                return
            current = int(operator.outputs[0])

    def last() -> Iterator[tuple[str, str]]:
        makers = {int(o): i for i, op in enumerate(graph.operators) for o in op.outputs}
        names = {int(t): graph.tensors[t].name.decode() for t in graph.outputs}
        for signature in model.signatureDefs or ():
            names |= {int(o.tensorIndex): o.name.decode() for o in signature.outputs}
        for index, output in names.items():
            maker = makers.get(index)
            while maker is not None and kinds[maker] in _MOVING:
                maker = makers.get(int(graph.operators[maker].inputs[0]))
            if maker is not None and _ACTIVATIONS.get(kinds[maker]):
                yield output, _ACTIVATIONS[kinds[maker]]

    return first(), last()
