"""OpenVINO IR: `NAME.xml` holds the graph, `NAME.bin` beside it the values of its constants."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from math import prod
from pathlib import Path
from xml.etree.ElementTree import Element

from ._sha256 import sha256_of

SUFFIX = ".xml"
MARK = "keras_upsample"
"""Entry of `rt_info` in files of this package."""

_BLOCK = 1 << 20

# Type of an element -> its bits.
_BITS = {
    "u1": 1,
    "u2": 2,
    "u3": 3,
    "u6": 6,
    **dict.fromkeys(("i4", "u4", "nf4", "f4e2m1"), 4),
    **dict.fromkeys(("i8", "u8", "boolean", "f8e4m3", "f8e5m2", "f8e8m0"), 8),
    **dict.fromkeys(("i16", "u16", "f16", "bf16"), 16),
    **dict.fromkeys(("i32", "u32", "f32"), 32),
    **dict.fromkeys(("i64", "u64", "f64"), 64),
}


class _WithoutDocumentType(ElementTree.TreeBuilder):
    """Refuses entities, which expand to gigabytes or to other files, before one is defined."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise ValueError("it has a document type (DOCTYPE), which no IR file has")


def values_path(path: Path) -> Path:
    """The file of the values: `net.xml` -> `net.bin`."""
    return path.with_suffix(".bin")


def parse_ir(path: Path) -> Element:
    """The root of an IR file.

    Raises:
        ValueError: it is no XML in UTF-8, has a document type, or is no IR.
        OSError: it can't be read.
    """
    parser = ElementTree.XMLParser(target=_WithoutDocumentType(), encoding="utf-8")
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                if b"\0" in block:  # UTF-16, which expat reads whatever it is told
                    raise ValueError("it is no XML in UTF-8")
                parser.feed(block)
        root: Element = parser.close()
    except ElementTree.ParseError as error:
        raise ValueError(f"it is no XML: {error}") from error
    if root.tag != "net":
        raise ValueError(f"it is no OpenVINO IR, but XML of <{root.tag[:40]}>")
    return root


def check_ir(path: Path) -> None:
    """Raise unless an IR file is consistent with the file of its values.

    OpenVINO adds offsets and sizes in 64 bits, and so reads anywhere in memory if a sum overflows.

    Raises:
        ValueError: values beyond the end of `NAME.bin`, or fewer than the shape needs; values of
            another export; or an operator that no operator set of OpenVINO's own has.
        OSError: a file can't be read.
    """
    root, values = parse_ir(path), values_path(path)
    there = values.stat().st_size if values.is_file() else None
    for layer in root.iter("layer"):
        name, kind = layer.get("name", ""), layer.get("type", "")
        if not re.fullmatch(r"opset\d{1,3}", layer.get("version", "opset1")):
            raise ValueError(
                f"{name!r} is the operator {kind!r} of the extension {layer.get('version')!r}, "
                "and no extension is loaded"
            )
        if kind != "Const":
            continue
        if there is None:
            raise ValueError(f"its values are missing: {values.name} must be beside it")
        _check_constant(name, layer.find("data"), there, values.name)
    recorded = _marked(root, "values")
    if recorded and (there is None or _digest(values) != recorded):
        raise ValueError(f"{values.name} beside it is not the file that it was written with")


def _check_constant(name: str, data: Element | None, there: int, file: str) -> None:
    facts = {} if data is None else data.attrib
    offset, size = _number(facts.get("offset")), _number(facts.get("size"))
    shape = [_number(n) for n in re.split(r"[,\s]+", facts.get("shape", "").strip()) if n]
    if offset is None or size is None or None in shape:
        raise ValueError(f"the constant {name!r} has no whole numbers as shape, offset and size")
    bits = _BITS.get(facts.get("element_type", ""))
    if bits is None:
        kind = facts.get("element_type")
        raise ValueError(f"the constant {name!r} has elements of the type {kind!r}")
    if offset + size > there:
        raise ValueError(
            f"the constant {name!r} has its values at {offset} to {offset + size}, and {file} has "
            f"{there} bytes"
        )
    if prod(n for n in shape if n is not None) * bits > 8 * size:
        raise ValueError(f"the constant {name!r} has fewer values than its shape needs")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,20}", text) else None


def entries(root: Element, section: str) -> dict[str, str]:
    """The pairs in one section of `rt_info`."""
    found = root.find(f"rt_info/{section}")
    return {} if found is None else {item.tag: item.get("value", "") for item in found}


def put_entries(root: Element, section: str, pairs: dict[str, str]) -> None:
    """Add the pairs to a section of `rt_info`, or replace them there."""
    place = root
    for tag in ("rt_info", section):
        found = place.find(tag)
        place = ElementTree.SubElement(place, tag) if found is None else found
    for key, value in pairs.items():
        item = place.find(key)
        item = ElementTree.SubElement(place, key) if item is None else item
        item.set("value", value)


def save_ir(root: Element, path: Path, version: str) -> None:
    """Write a graph beside its values, and sign it with their digest."""
    put_entries(root, MARK, {"version": version, "values": _digest(values_path(path))})
    ElementTree.indent(root, "\t")
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def is_ours(path: Path) -> bool:
    """Whether this package wrote the file, and the values beside it.

    Raises:
        ValueError, OSError: it can't be read.
    """
    recorded, values = _marked(parse_ir(path), "values"), values_path(path)
    return bool(recorded) and (not values.is_file() or _digest(values) == recorded)


def tensors(root: Element, kind: str) -> Iterator[tuple[str, tuple[int | None, ...], str]]:
    """Name, shape and type (`"f32"`) of the inputs (`"Parameter"`) or outputs (`"Result"`)."""
    for layer in root.iterfind("layers/layer"):
        if layer.get("type") != kind:
            continue
        port = layer.find("output/port" if kind == "Parameter" else "input/port")
        if port is None:
            continue
        sizes = [int(item.text or -1) for item in port.iterfind("dim")]
        name = layer.get("output_names") or layer.get("name") or ""
        shape = tuple(None if size < 0 else size for size in sizes)
        yield name, shape, port.get("precision", "").lower().replace("fp", "f")


def _marked(root: Element, entry: str) -> str:
    return entries(root, MARK).get(entry, "")


def _digest(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""
