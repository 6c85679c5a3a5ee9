"""`Metadata` in the runtime information (`rt_info`) of OpenVINO IR.

The pairs are those of an ONNX file. They are in the section `framework`, where OpenVINO itself puts
the pairs of an ONNX file that it converts.
"""

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from ..files._openvino_ir import entries, parse_ir, put_entries, save_ir, tensors
from ._deepness import Tensor
from ._facts import Metadata
from ._onnx import KEY, as_properties, from_properties

SECTION = "framework"

_DTYPES = {
    "f16": "float16", "f32": "float32", "f64": "float64", "boolean": "bool", "i8": "int8",
    "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16",
    "u32": "uint32", "u64": "uint64",
}  # fmt: skip
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)


def write_openvino(path: Path, metadata: Metadata) -> None:
    """Put the metadata into an `.xml` file, whose graph stays as it is, and sign it."""
    from .._version import __version__

    root = parse_ir(path)
    pairs = as_properties(metadata, _tensors(root, "Parameter"), _tensors(root, "Result"))
    named = {key: value for key, value in pairs.items() if _NAME.fullmatch(key)}
    put_entries(root, SECTION, {key: _as_text(key, value) for key, value in named.items()})
    save_ir(root, path, __version__)


def read_openvino(path: Path) -> Metadata | None:
    """The metadata of an `.xml` file; None for no fact.

    Raises:
        ValueError: it is no IR, or the metadata are damaged.
    """
    return from_properties(entries(parse_ir(path), SECTION))


def _as_text(key: str, value: str) -> str:
    """Characters that XML lacks: in JSON, which is read back, escaped; else replaced."""
    if key == KEY:
        return _NO_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    return _NO_XML.sub("\ufffd", value)


def _tensors(root: Element, kind: str) -> list[Tensor]:
    found = tensors(root, kind)
    return [Tensor(name, shape, _DTYPES.get(dtype, dtype)) for name, shape, dtype in found]
