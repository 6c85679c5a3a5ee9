"""Read a TFLite file as plain values, without an interpreter."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .._others import _litert
from .._text import printable
from ..errors import ArtefactError, first_line
from ..files._tflite_structure import check_structure


@dataclass(frozen=True)
class TensorFacts:
    """One tensor.

    Attributes:
        shape: shape as stored; open dimensions are -1.
        kind: type of the elements, `"int8"`, `"float32"`, ...
        constant: whether its values are in the file.
        size: size of the values in bytes.
        zeros: whether all values are zero.
        values: of a short int32 constant (axes, sizes, steps); else empty.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    constant: bool
    size: int
    zeros: bool
    values: tuple[int, ...] = ()


@dataclass(frozen=True)
class OperatorFacts:
    """One operator.

    Attributes:
        name: name of the built-in operator, e.g. `"CONV_2D"`, or custom code of a custom one.
        custom: whether it is a custom operator.
        version: version of the operator.
        inputs, outputs: its tensors, without the optional ones that are absent.
        options: options of the operator, by their names in the schema.
        layer: name of the Keras layer that it came from, if the converter's tensor names show it.
    """

    name: str
    custom: bool
    version: int
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]
    options: Mapping[str, Any]
    layer: str

    @property
    def where(self) -> str:
        """Its layer; where that is unknown, its first output, which a damaged file may lack."""
        return self.layer or next((tensor.name for tensor in self.outputs), "no layer")


@dataclass(frozen=True)
class FileFacts:
    """A file: operators of its first subgraph, the number of subgraphs, the size in bytes."""

    operators: tuple[OperatorFacts, ...]
    inputs: tuple[TensorFacts, ...]
    subgraphs: int
    size: int

    @property
    def parameters(self) -> int:
        """Size in bytes of all constants that operators read."""
        read = {t.name: t.size for op in self.operators for t in op.inputs if t.constant}
        return sum(read.values())


def read(path: str | Path) -> FileFacts:
    """Read the facts of a file.

    Raises:
        ArtefactError: it does not exist, is not a TFLite file, or is damaged.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a directory" if path.is_dir() else "does not exist"
        raise ArtefactError(f"`{printable(path)}` {what}. Pass a .tflite file.")
    content = path.read_bytes()
    if content[4:8] != b"TFL3":
        raise ArtefactError(f"`{printable(path)}` is no TFLite file: it lacks the mark TFL3.")
    try:
        check_structure(content)
        return _facts(content)
    except Exception as error:  # the schema's code meets damage as struct.error, IndexError, ...
        reason = first_line(error)
        raise ArtefactError(
            f"`{printable(path)}` is damaged and can't be read: {reason}"
        ) from error
    except RecursionError as error:
        raise ArtefactError(f"`{printable(path)}` is damaged: it refers to itself.") from error


def _facts(content: bytes) -> FileFacts:
    schema = _litert.schema()
    root = schema.Model.GetRootAs(content, 0)
    if root.SubgraphsLength() < 1:
        raise ValueError("it has no subgraph")
    _check_length(root.SubgraphsLength(), content)
    graph = root.Subgraphs(0)
    for length in (graph.TensorsLength(), graph.OperatorsLength(), root.OperatorCodesLength()):
        _check_length(length, content)
    tensors = [_tensor(graph.Tensors(i), root) for i in range(graph.TensorsLength())]
    codes = [root.OperatorCodes(i) for i in range(root.OperatorCodesLength())]
    operators = []
    for index in range(graph.OperatorsLength()):
        operator = graph.Operators(index)
        if not 0 <= operator.OpcodeIndex() < len(codes):
            raise ValueError(f"operator {index} has no code")
        operators.append(_operator(operator, codes[operator.OpcodeIndex()], tensors))
    ends = [graph.Inputs(i) for i in range(_check_length(graph.InputsLength(), content))]
    return FileFacts(
        tuple(operators), tuple(_at(tensors, i) for i in ends), root.SubgraphsLength(), len(content)
    )


def _check_length(length: int, content: bytes) -> int:
    """The length, if it is plausible; reading a damaged length would take minutes."""
    if not 0 <= 4 * length <= len(content):
        raise ValueError(f"a list of {length} entries does not fit the file")
    return length


def _at(tensors: list[TensorFacts], index: int) -> TensorFacts:
    if not 0 <= index < len(tensors):
        raise ValueError(f"there is no tensor {index}")
    return tensors[index]


def _tensor(tensor: Any, root: Any) -> TensorFacts:
    kinds = _names("TensorType")
    if tensor.Type() not in kinds:
        raise ValueError(f"there is no type {tensor.Type()}")
    if not 0 <= tensor.ShapeLength() <= 32:
        raise ValueError(f"a tensor of {tensor.ShapeLength()} dimensions")
    signature = [
        int(tensor.ShapeSignature(i)) for i in range(min(tensor.ShapeSignatureLength(), 32))
    ]
    shape = [int(tensor.Shape(i)) for i in range(tensor.ShapeLength())]
    if not 0 <= tensor.Buffer() < max(root.BuffersLength(), 1):
        raise ValueError(f"there is no buffer {tensor.Buffer()}")
    buffer = root.Buffers(tensor.Buffer()) if root.BuffersLength() else None
    size = buffer.DataLength() if buffer is not None else 0
    data = buffer.DataAsNumpy() if buffer is not None and size else b""
    name = tensor.Name() or b""
    return TensorFacts(
        name.decode("utf-8", "replace"),
        tuple(signature if len(signature) == len(shape) else shape),
        kinds[tensor.Type()].lower(),
        size > 0,
        size,
        size > 0 and not any(bytes(data)),
        tuple(np.frombuffer(data, "<i4").tolist()) if _is_short(kinds[tensor.Type()], size) else (),
    )


def _is_short(kind: str, size: int) -> bool:
    return kind == "INT32" and size % 4 == 0 and size <= 64


def _operator(operator: Any, code: Any, tensors: list[TensorFacts]) -> OperatorFacts:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    names = _names("BuiltinOperator")
    if number not in names:
        raise ValueError(f"there is no operator {number}")
    custom = names[number] == "CUSTOM"
    name = (code.CustomCode() or b"?").decode("utf-8", "replace") if custom else names[number]
    for length in (operator.InputsLength(), operator.OutputsLength()):
        if not 0 <= length <= 4096:
            raise ValueError(f"{name} with {length} tensors")
    inputs = [operator.Inputs(i) for i in range(operator.InputsLength())]
    outputs = [operator.Outputs(i) for i in range(operator.OutputsLength())]
    results = tuple(_at(tensors, i) for i in outputs)
    return OperatorFacts(
        name,
        custom,
        code.Version(),
        tuple(_at(tensors, i) for i in inputs if i >= 0),
        results,
        _options(operator),
        _layer([_at(tensors, i) for i in inputs if i >= 0], results),
    )


def _options(operator: Any) -> dict[str, Any]:
    schema = _litert.schema()
    kind = _names("BuiltinOptions").get(operator.BuiltinOptionsType())
    table = operator.BuiltinOptions()
    if kind in (None, "NONE") or table is None:
        return {}
    options = getattr(schema, kind)()
    options.Init(table.Bytes, table.Pos)
    values = getattr(schema, f"{kind}T").InitFromObj(options)
    return dict(vars(values))


@cache
def _names(enumeration: str) -> dict[int, str]:
    schema = _litert.schema()
    values = vars(getattr(schema, enumeration)).items()
    return {number: name for name, number in values if not name.startswith("_")}


def _layer(inputs: list[TensorFacts], outputs: tuple[TensorFacts, ...]) -> str:
    """The layer named by the weights, which keep their layer's name, else by the output."""
    weights = [t.name for t in inputs if t.constant and len(t.shape) > 1]
    found = [layer_of(name) for name in (*weights, *(t.name for t in outputs))]
    return next((layer for layer in found if layer), "")


def layer_of(name: str) -> str:
    """`unet_1/decoder_stage1_conv1_1/Relu;...` -> `decoder_stage1_conv1`.

    The converter names a tensor by the traced operations that went into it, with semicolons between
    them; Keras appends `_1` to the names of a model that is called a second time.
    """
    parts = name.split(";")[0].split(":")[0].split("/")
    if len(parts) < 2:
        return ""
    return re.sub(r"_1$", "", parts[-2])
