"""Triton Inference Server: `NAME/config.pbtxt`, `NAME/labels.txt`, `NAME/1/model.onnx`.

https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html

The configuration is protobuf text of `ModelConfig`. What it states of inputs and outputs is read
from the ONNX file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ..._publish import publish
from ...errors import ExportError
from ...metadata import Metadata
from .._report import ArtefactReport
from ._content import Content, moved, named_as
from ._folder import check_folder, write_list

CONFIG, LABELS, MODEL = "config.pbtxt", "labels.txt", "1/model.onnx"
LARGEST_BATCH = 8
"""`max_batch_size` of a file that takes any batch."""

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "FLOAT": "FP32",
        "FLOAT16": "FP16",
        "DOUBLE": "FP64",
        **{name: name for name in ("BOOL", "INT8", "INT16", "INT32", "INT64", "STRING")},
        **{name: name for name in ("UINT8", "UINT16", "UINT32", "UINT64")},
        "BFLOAT16": "BF16",
    }
)
"""ONNX's name of a dtype -> Triton's, without `TYPE_`."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def write_triton(content: Content, out: Path) -> tuple[Path, ArtefactReport | None]:
    """Write the folder, whole or not at all."""
    folder = out / content.name
    check_folder(folder, (CONFIG, LABELS, MODEL), overwrite=content.options.overwrite)
    with publish(folder, directory=True) as staged, named_as(folder, staged):
        report = content.write(staged / MODEL, "onnx")
        config, labels = describe(staged / MODEL, content.name)
        (staged / CONFIG).write_text(config, encoding="utf-8")
        if labels:
            (staged / LABELS).write_text("".join(f"{name}\n" for name in labels), encoding="utf-8")
        write_list(staged, "triton")
    return folder, moved(report, folder / MODEL)


def describe(path: Path, name: str) -> tuple[str, list[str]]:
    """The configuration of an ONNX file, and the names of its classes.

    `max_batch_size` is above 0 only if the first axis of all inputs and outputs is open; the other
    axes are listed then. `label_filename` is not set: with it, Triton's classification names
    the positions in a flat tensor, which are no classes in a map. The metadata of the file become
    `parameters`, which clients can ask for.

    Raises:
        ExportError: an output's number of axes is unknown.
    """
    import onnx

    from ...metadata._onnx import from_properties

    model = onnx.load(str(path), load_external_data=False)
    facts = {item.key: item.value for item in model.metadata_props}
    metadata = from_properties(facts) or Metadata()
    labels = [" ".join(label.split()) for label in metadata.class_names]
    if labels:
        facts["labels"] = LABELS
    ends = [*model.graph.input, *model.graph.output]
    shapes = [_shape(value) for value in ends]
    batched = all(shape and shape[0] == -1 for shape in shapes)
    lines = [
        f"name: {_quoted(name)}",
        'backend: "onnxruntime"',
        f"max_batch_size: {LARGEST_BATCH if batched else 0}",
    ]
    for number, (value, shape) in enumerate(zip(ends, shapes, strict=True)):
        kind = "input" if number < len(model.graph.input) else "output"
        lines += _tensor(kind, value, shape[1:] if batched else shape)
    for key, text in facts.items():
        lines += ["parameters {", f"  key: {_quoted(key)}"]
        lines += [f"  value {{ string_value: {_quoted(text)} }}", "}"]
    return "\n".join(lines) + "\n", labels


def _tensor(kind: str, value: Any, dims: Sequence[int]) -> Iterator[str]:
    import onnx

    dtype = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    yield f"{kind} {{"
    yield f"  name: {_quoted(value.name)}"
    yield f"  data_type: TYPE_{_TYPES[dtype]}"
    yield f"  dims: [{', '.join(map(str, dims or (1,)))}]"
    if not dims:  # Triton wants one axis at least
        yield "  reshape { shape: [] }"
    yield "}"


def _shape(value: Any) -> list[int]:
    """Sizes of a tensor; -1 where they are open."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        raise ExportError(f"The number of axes of {value.name!r} is unknown, which Triton needs.")
    return [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]


def _quoted(text: str) -> str:
    """A string of protobuf text, UTF-8; what is not printable as octal bytes."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in _ESCAPES or character.isprintable():
        return _ESCAPES.get(character, character)
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
