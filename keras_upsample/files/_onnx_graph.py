"""References of an ONNX graph to other files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def external_files(path: Path) -> list[Path]:
    """The files beside an ONNX file that hold its tensors, each once; none where it can't be read.

    Raises:
        ValueError: one of them is not in the file's folder or below it.
        OSError: the file can't be read.
    """
    content = path.read_bytes()
    if b"location" not in content:
        return []  # which spares the parsing of nearly every file
    names = dict.fromkeys(_locations(content))
    folder = Path(os.path.realpath(path.parent))
    found = []
    for name in names:
        place = Path(os.path.realpath(folder / name))
        if not place.is_relative_to(folder):
            raise ValueError(
                f"it keeps values in {name!r}, outside of its own folder, where ONNX Runtime does "
                "not read them either. Put the file of the values, no link, into that folder"
            )
        if place.is_file():
            found.append(path.parent / name)
    return found


def _locations(content: bytes) -> Iterator[str]:
    import onnx

    try:
        model = onnx.load_from_string(content)
    except Exception:  # protobuf's; the runtime refuses the file
        return
    for tensor in _tensors(model):
        for entry in tensor.external_data:
            if entry.key == "location":
                yield entry.value


def _tensors(message: Any) -> Iterator[Any]:
    """Every tensor in a message, wherever it is: in subgraphs, attributes, functions, sparse."""
    if message.DESCRIPTOR.name == "TensorProto":
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in (value,) if hasattr(value, "ListFields") else value:
                yield from _tensors(part)
