"""A TFLite file as plain tensors and operators."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..._others import _litert
from ..._text import printable
from ...errors import ArtefactError
from ...files._flatbuffer import DamagedError, Table, read_root
from ...files._tflite_schema import TENSOR_TYPES
from ...files._tflite_structure import check_structure, stored_bytes

_DTYPES = {"FLOAT32": "<f4", "FLOAT16": "<f2", "INT32": "<i4", "INT64": "<i8"}
_QUANTIZED = ("INT2", "INT4", "INT8", "INT16", "UINT4", "UINT8", "UINT16")
_CUSTOM = "CUSTOM"
_MOST = 1 << 29  # numbers in a tensor: 2 GiB


@dataclass(frozen=True)
class TfliteTensor:
    """A tensor.

    Attributes:
        name: the file's own, or its number.
        shape: its lengths; where the file leaves one open, what it holds at a batch of 1.
        signature: its lengths, None where one is open.
        kind: e.g. "FLOAT32".
        values: what the file holds of it, or None.
        kept: whether it keeps its value from call to call.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int | None, ...]
    kind: str
    values: np.ndarray | None
    kept: bool


@dataclass(frozen=True)
class TfliteOperator:
    """An operator.

    Attributes:
        kind: its name, of a custom operator its own.
        inputs, outputs: numbers of tensors; −1 for an optional one that is absent.
        options: the fields that are stored; absent ones are 0 or what the schema says.
        custom: the options of a custom operator.
    """

    kind: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Mapping[str, Any]
    custom: bytes

    def option(self, name: str, default: int = 0) -> Any:
        return self.options.get(name, default)


@dataclass(frozen=True)
class TfliteFile:
    """The first graph of a file; names of inputs and outputs are those of its signature."""

    tensors: Sequence[TfliteTensor]
    operators: Sequence[TfliteOperator]
    inputs: Mapping[int, str]
    outputs: Mapping[int, str]


def read_file(path: Path) -> TfliteFile:
    """Read a file; every offset in it is checked first.

    Raises:
        ArtefactError: it is missing or damaged, or quantised, or keeps values between calls.
    """
    if not path.is_file():
        raise ArtefactError(f"`{printable(path)}` does not exist. Pass a .tflite file.")
    content = path.read_bytes()
    try:
        check_structure(content)
    except DamagedError as error:
        raise ArtefactError(f"`{printable(path)}` can't be read as TFLite: {error}.") from error
    model = read_root(content, "Model")
    graph = model.all("subgraphs")[0]
    buffers = model.all("buffers")
    tensors = [
        _tensor(number, table, buffers, content)
        for number, table in enumerate(graph.all("tensors"))
    ]
    operators = [_operator(table, model.all("operator_codes")) for table in graph.all("operators")]
    for operator in operators:
        for number in (*operator.inputs, *operator.outputs):
            if number >= 0:
                _check_plain(path, operator, tensors[number])
    names = _signature(model)
    ends = [
        {i: names[kind].get(i, tensors[i].name) for i in graph.all(kind)}
        for kind in ("inputs", "outputs")
    ]
    return TfliteFile(tensors, operators, *ends)


def _tensor(number: int, table: Table, buffers: list[Table], content: bytes) -> TfliteTensor:
    kind = TENSOR_TYPES[table.get("type", 0)]
    shape = tuple(table.all("shape"))
    values = None
    at = table.get("buffer", 0)
    start, size = stored_bytes(buffers[at], len(content)) if at < len(buffers) else (0, 0)
    if size and kind in _DTYPES and table.get("sparsity") is None:
        count = int(np.prod(shape, dtype=np.int64))
        values = np.frombuffer(content, _DTYPES[kind], count, start).reshape(shape)
    lengths = table.all("shape_signature") or shape
    return TfliteTensor(
        _text(table.get("name", b"")) or str(number),
        shape,
        tuple(None if n < 0 else n for n in lengths),
        kind,
        values,
        bool(table.get("is_variable", False)),
    )


def _operator(table: Table, codes: list[Table]) -> TfliteOperator:
    code = codes[table.get("opcode_index", 0)]
    number = max(code.get("builtin_code", 0), code.get("deprecated_builtin_code", 0))
    kind = _litert.builtin_operators().get(number, f"operator {number}")
    if kind == _CUSTOM:
        kind = _text(code.get("custom_code", b"")) or _CUSTOM
    options = table.get("builtin_options")
    custom = table.get("custom_options")
    return TfliteOperator(
        kind,
        table.all("inputs"),
        table.all("outputs"),
        {} if options is None else options.fields,
        bytes(custom) if custom is not None else b"",
    )


def _check_plain(path: Path, operator: TfliteOperator, tensor: TfliteTensor) -> None:
    if tensor.kind in _QUANTIZED:
        raise ArtefactError(
            f"`{printable(path)}`: {operator.kind} has the tensor {tensor.name!r}, "
            f"{tensor.kind.lower()}. "
            "Files of integers (quantised ones, and images as integers) are not read. Pass the "
            "float32 or float16 file that it was made from."
        )
    if math.prod(tensor.shape) > _MOST:
        raise ArtefactError(
            f"`{printable(path)}`: {operator.kind} has the tensor {tensor.name!r} of shape "
            f"{tensor.shape}; at most {_MOST:,} numbers are read."
        )
    if tensor.kept:
        raise ArtefactError(
            f"`{printable(path)}`: {operator.kind} has the tensor {tensor.name!r}, which keeps its "
            "value from call to call. Such files are not read."
        )


def _signature(model: Table) -> dict[str, dict[int, str]]:
    """Number of a tensor -> its name in the first signature of the first graph."""
    found = [s for s in model.all("signature_defs") if s.get("subgraph_index", 0) == 0]
    if not found:
        return {"inputs": {}, "outputs": {}}
    ends = {kind: found[0].all(kind) for kind in ("inputs", "outputs")}
    return {
        kind: {entry.get("tensor_index", 0): _text(entry.get("name", b"")) for entry in entries}
        for kind, entries in ends.items()
    }


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
