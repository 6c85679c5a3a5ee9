"""Structural checks of a TFLite file before a runtime loads it.

The runtimes index by what the file says, without looking whether that exists. The rules on tensors
and operators are those of TFLite's own verifier (`tflite/core/tools/verifier.cc`).
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ._flatbuffer import DamagedError, Table, Vector, read_root
from ._tflite_schema import TABLES, TENSOR_TYPES

_BITS = {
    "FLOAT32": 32, "FLOAT16": 16, "INT32": 32, "UINT8": 8, "INT64": 64, "BOOL": 8, "INT16": 16,
    "COMPLEX64": 64, "INT8": 8, "FLOAT64": 64, "COMPLEX128": 128, "UINT64": 64, "UINT32": 32,
    "UINT16": 16, "INT4": 4, "BFLOAT16": 16, "INT2": 2, "UINT4": 4, "FLOAT8_E4M3FN": 8,
    "FLOAT8_E5M2": 8,
}  # fmt: skip

_MOST_DIMENSIONS = 32
_MOST_BYTES = 2**48  # of a tensor; its count in bits must not overflow 64
_CUSTOM = 32  # among the codes of operators


def check_structure(content: bytes) -> None:
    """Refuse a file of which a runtime would read what is not there.

    Raises:
        DamagedError: it says what is wrong.
    """
    if content[4:8] != b"TFL3":
        raise DamagedError("it is no TFLite file: it lacks the mark TFL3")
    model = read_root(content, "Model")
    graphs, codes = model.all("subgraphs"), model.all("operator_codes")
    if not graphs:
        raise DamagedError("it has no subgraph")
    buffers = [stored_bytes(buffer, len(content)) for buffer in model.all("buffers")]
    for number, graph in enumerate(graphs):
        with_name = f"subgraph {number}" if len(graphs) > 1 else "the graph"
        _check_graph(graph, with_name, codes, buffers, content)
    _check_calls(graphs)
    for signature in model.all("signature_defs"):
        index = signature.get("subgraph_index", 0)
        _in_range(index, len(graphs), "a signature names subgraph")
        tensors = len(graphs[index].all("tensors"))
        for end in (*signature.all("inputs"), *signature.all("outputs")):
            _in_range(end.get("tensor_index", 0), tensors, "a signature names tensor")
    for entry in model.all("metadata"):
        _in_range(entry.get("buffer", 0), len(buffers), "an entry of metadata names buffer")


def stored_bytes(buffer: Table, size: int) -> tuple[int, int]:
    """Where a buffer's bytes begin, in the table or behind all tables, and how many there are."""
    data = buffer.get("data")
    if data is not None and data.length:
        return data.start, data.length
    start, length = buffer.get("offset", 0), buffer.get("size", 0)
    if start > 1 and length:
        if start + length > size:
            raise DamagedError(f"a buffer would end at byte {start + length} of {size}")
        return start, length
    return 0, 0


def _check_graph(
    graph: Table, name: str, codes: list[Table], buffers: list[tuple[int, int]], content: bytes
) -> None:
    tensors = graph.all("tensors")
    for number, tensor in enumerate(tensors):
        label = tensor.get("name", b"").decode("utf-8", "replace") or f"{number} of {name}"
        _check_tensor(tensor, f"tensor {label!r}", buffers, content)
    given = _indices(graph.get("inputs"), len(tensors), f"{name} takes")
    constant = {i for i, tensor in enumerate(tensors) if _stored(tensor, buffers)}
    # Nothing writes to what is kept from call to call, is empty, or is no array.
    kept = {
        i
        for i, tensor in enumerate(tensors)
        if tensor.get("is_variable")
        or 0 in tensor.all("shape")
        or TENSOR_TYPES[tensor.get("type", 0)] in ("RESOURCE", "VARIANT")
    }
    ready = {*given, *constant, *kept}
    for number, operator in enumerate(graph.all("operators")):
        what = f"operator {number} of {name}"
        _in_range(operator.get("opcode_index", 0), len(codes), f"{what} names code")
        inputs = _indices(operator.get("inputs"), len(tensors), f"{what} reads", optional=True)
        outputs = _indices(operator.get("outputs"), len(tensors), f"{what} writes", optional=True)
        _indices(operator.get("intermediates"), len(tensors), f"{what} has", optional=True)
        early = set(inputs) - ready
        # Of custom operators some inputs are their memory, as those that Vela compiles.
        if early and not _is_custom(codes[operator.get("opcode_index", 0)]):
            raise DamagedError(f"{what} reads tensor {min(early)}, which nothing before it writes")
        if set(outputs) & constant:
            raise DamagedError(f"{what} writes to a constant")
        ready |= set(outputs)
        start, size = (
            operator.get("large_custom_options_offset", 0),
            operator.get("large_custom_options_size", 0),
        )
        if start > 1 and start + size > len(content):
            raise DamagedError(f"the options of {what} would end at byte {start + size}")
    results = _indices(graph.get("outputs"), len(tensors), f"{name} gives")
    missing = set(results) - ready
    if missing:
        raise DamagedError(f"{name} gives tensor {min(missing)}, which nothing writes")


def _is_custom(code: Table) -> bool:
    return max(code.get("builtin_code", 0), code.get("deprecated_builtin_code", 0)) == _CUSTOM


def _check_tensor(tensor: Table, name: str, buffers: list[tuple[int, int]], content: bytes) -> None:
    shape, signature = tensor.all("shape"), tensor.all("shape_signature")
    if len(shape) > _MOST_DIMENSIONS or min(shape, default=0) < 0:
        raise DamagedError(f"{name} has the shape {_short(shape)}")
    if signature and (len(signature) != len(shape) or min(signature) < -1):
        raise DamagedError(f"{name} has the shape {shape} and the signature {_short(signature)}")
    number = tensor.get("type", 0)
    _in_range(number, len(TENSOR_TYPES), f"{name} has type")
    # An absent list of buffers is one that is empty, as tensors without values name it.
    _in_range(tensor.get("buffer", 0), max(len(buffers), 1), f"{name} names buffer")
    _check_scales(tensor.get("quantization"), shape, name)
    kind = TENSOR_TYPES[number]
    needed = -(-math.prod(shape) * _BITS.get(kind, 0) // 8)
    if needed > _MOST_BYTES:
        raise DamagedError(f"{name} of shape {shape} would have {needed:.1e} bytes")
    if not _stored(tensor, buffers) or tensor.get("sparsity") is not None:
        return
    start, size = buffers[tensor.get("buffer", 0)]
    if kind == "STRING":
        _check_strings(Vector(content, start, size // 4, "i"), size, shape, name)
    elif size < needed:
        raise DamagedError(f"{name} of shape {shape}, {kind.lower()}, has {size} bytes of values")


def _stored(tensor: Table, buffers: list[tuple[int, int]]) -> bool:
    """Whether its values are in the file."""
    number = tensor.get("buffer", 0)
    return bool(number < len(buffers) and buffers[number][1])


def _check_scales(quantization: Table | None, shape: list[int], name: str) -> None:
    if quantization is None:
        return
    scales, zeros = (len(quantization.all(field)) for field in ("scale", "zero_point"))
    if zeros > 1 and zeros != scales:
        raise DamagedError(f"{name} has {scales} scales and {zeros} zero points")
    if scales > 1:
        axis = quantization.get("quantized_dimension", 0)
        _in_range(axis, len(shape), f"{name} has scales along axis")
        if shape[axis] != scales:
            raise DamagedError(f"{name} of shape {shape} has {scales} scales along axis {axis}")


def _check_strings(words: Vector, size: int, shape: list[int], name: str) -> None:
    """A count, where each string begins, and where the last one ends."""
    values = list(words)
    count = values[0] if values else -1
    ends = values[1 : count + 2] if 0 <= count <= len(values) - 2 else []
    rising = all(a <= b for a, b in itertools.pairwise(ends))
    if not ends or not rising or ends[0] < 4 * (count + 2) or ends[-1] > size:
        raise DamagedError(f"{name} holds no list of strings")
    if count < math.prod(shape):
        raise DamagedError(f"{name} of shape {shape} holds {count} strings")


def _check_calls(graphs: Sequence[Table]) -> None:
    """Subgraphs that operators name exist, and none runs itself."""
    calls: dict[int, set[int]] = {}
    for number, graph in enumerate(graphs):
        calls[number] = set()
        for operator in graph.all("operators"):
            for options in (operator.get("builtin_options"), operator.get("builtin_options2")):
                called = _called(options)
                for index in called:
                    _in_range(index, len(graphs), "an operator names subgraph")
                calls[number].update(called)
    _check_no_circle(calls)


def _called(options: Table | None) -> list[int]:
    """The subgraphs that an operator's options name; -1 is none."""
    if options is None:
        return []
    found: list[int] = []
    for field, kind in TABLES.get(options.name, ()):
        if "subgraph" in field or field == "called_computations":
            value = options.get(field, () if kind.startswith("[") else 0)  # 0 is not stored
            found += [value] if isinstance(value, int) else list(value)
    return [index for index in found if index != -1]


def _check_no_circle(calls: Mapping[int, Iterable[int]]) -> None:
    left = {number: set(called) for number, called in calls.items()}
    while left:
        free = [number for number, called in left.items() if not called & left.keys()]
        if not free:
            raise DamagedError(f"subgraph {min(left)} runs itself")
        for number in free:
            del left[number]


def _indices(
    values: Iterable[int] | None, count: int, what: str, *, optional: bool = False
) -> list[int]:
    """The tensors of a list; -1 is one that an operator does without."""
    found = [index for index in values or () if not (optional and index == -1)]
    for index in found:
        _in_range(index, count, f"{what} tensor")
    return found


def _in_range(index: int, count: int, what: str) -> None:
    if not 0 <= index < count:
        raise DamagedError(f"{what} {index}, and there are {count}")


def _short(values: Sequence[Any]) -> str:
    return str(list(values)) if len(values) <= 8 else f"of {len(values)} dimensions"
