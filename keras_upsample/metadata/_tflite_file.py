"""Entries of metadata and associated files in a `.tflite` file, the model in it left as it is.

A FlatBuffer's offsets lead ahead only. So a new root table, with the tables and data that it adds,
goes in front of the old file, whose bytes follow unchanged, and the new root refers to what the old
one did: nothing is parsed or copied but the root's two lists. Associated files follow as a zip
archive at the end, as the format of TFLite Metadata has it.
"""

import mmap
import os
import shutil
import struct
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .._others import _litert
from ..files._archive import is_zip

ALIGNED = 64
"""The old file begins at a multiple of this, so that its data keep their alignment."""

_DATA = 16  # bytes to which the format aligns the data of a buffer
_VERSION, _BUFFERS, _METADATA, _SLOTS = 0, 4, 6, 10  # of the table Model
_OFFSET, _LARGE_OPTIONS = 1, 9  # of Buffer and Operator: places in the file, from its beginning


def add_entries(path: Path, entries: Mapping[str, bytes], files: Mapping[str, bytes]) -> None:
    """Add entries to the file's own table of metadata, and files at its end.

    Args:
        path: the file; it is replaced.
        entries: name -> data; what the file has under another name stays.
        files: name -> content, stored uncompressed.

    Raises:
        ValueError: the file has fields that are not known here.
    """
    with map_file(path) as content:
        front = _front(content, entries)
        moved = list(_move_offsets(content, len(front)))
    copy = path.with_name(f"{path.name}.described")
    try:
        with path.open("rb") as old, copy.open("w+b") as new:
            new.write(front)
            shutil.copyfileobj(old, new, 1 << 20)
            for position, value in moved:
                new.seek(len(front) + position)
                new.write(struct.pack("<Q", value))
        kept = _take_files(copy)
        # An open file, because ZipFile empties a path that it can't open.
        with copy.open("r+b") as appended, zipfile.ZipFile(appended, "a") as archive:
            for name, data in (kept | dict(files)).items():
                archive.writestr(zipfile.ZipInfo(name), data)  # the date of a ZipInfo is fixed
        os.replace(copy, path)
    finally:
        copy.unlink(missing_ok=True)


def _take_files(path: Path) -> dict[str, bytes]:
    """Cut the files off the end, for a zip archive can't replace one: name -> content."""
    if not is_zip(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        found = {item.filename: archive.read(item) for item in archive.infolist()}
        start = min((item.header_offset for item in archive.infolist()), default=None)
    if start is not None:
        os.truncate(path, start)
    return found


@contextmanager
def map_file(path: Path) -> Iterator[Any]:
    """The file's bytes, of which only what is read comes into memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        yield content


def _front(content: Any, entries: Mapping[str, bytes]) -> bytes:
    """The bytes to put in front of the file."""
    import flatbuffers

    schema = _litert.schema()
    model = schema.Model.GetRootAs(content, 0)
    table = _litert.table_of(model)
    if (struct.unpack_from("<H", content, table.Pos - _vtable(table))[0] - 4) // 2 > _SLOTS:
        raise ValueError("the file has fields that this version does not know")
    builder = flatbuffers.Builder(4096)
    builder.Prep(ALIGNED, 0)  # so that the whole becomes a multiple of it
    buffers = [_behind(model.Buffers(i)) for i in range(model.BuffersLength())]
    before = [model.Metadata(i) for i in range(model.MetadataLength())]
    listed = [_behind(item) for item in before if (item.Name() or b"").decode() not in entries]
    for name, data in entries.items():
        builder.StartVector(1, len(data), _DATA)
        builder.head -= len(data)
        builder.Bytes[builder.head : builder.head + len(data)] = data
        vector = builder.EndVector()
        schema.BufferStart(builder)
        schema.BufferAddData(builder, vector)
        buffers.append(schema.BufferEnd(builder))
        text = builder.CreateString(name)
        schema.MetadataStart(builder)
        schema.MetadataAddName(builder, text)
        schema.MetadataAddBuffer(builder, len(buffers) - 1)
        listed.append(schema.MetadataEnd(builder))
    fields = {_BUFFERS: _list_of(builder, buffers), _METADATA: _list_of(builder, listed)}
    for slot in range(1, _SLOTS):
        offset = table.Offset(4 + 2 * slot)
        if offset and slot not in fields:
            fields[slot] = -table.Indirect(offset + table.Pos)
    builder.StartObject(_SLOTS)
    builder.PrependUint32Slot(_VERSION, model.Version(), 0)
    for slot, place in fields.items():
        builder.PrependUOffsetTRelativeSlot(slot, place, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _vtable(table: Any) -> int:
    return struct.unpack_from("<i", table.Bytes, table.Pos)[0]


def _behind(item: Any) -> int:
    """A builder counts places from its end backwards; the old file begins at its end."""
    return -_litert.table_of(item).Pos


def _list_of(builder: Any, places: list[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()


def _move_offsets(content: Any, by: int) -> Iterator[tuple[int, int]]:
    """Places that a file above 2 GiB states from its beginning: where they stand, and as they are
    once the model begins `by` bytes later."""
    schema = _litert.schema()
    model = schema.Model.GetRootAs(content, 0)
    holders = [(model.Buffers(i), _OFFSET) for i in range(model.BuffersLength())]
    for number in range(model.SubgraphsLength()):
        graph = model.Subgraphs(number)
        holders += [(graph.Operators(i), _LARGE_OPTIONS) for i in range(graph.OperatorsLength())]
    for holder, slot in holders:
        table = _litert.table_of(holder)
        offset = table.Offset(4 + 2 * slot)
        if offset:
            position = table.Pos + offset
            (value,) = struct.unpack_from("<Q", content, position)
            if value > 1:  # 0 and 1 stand for none
                yield position, value + by


def entry(content: Any, name: str) -> bytes | None:
    """The data of an entry of the file's table of metadata; None where there is none."""
    schema = _litert.schema()
    model = schema.Model.GetRootAs(content, 0)
    for index in range(min(model.MetadataLength(), 2**16)):
        found = model.Metadata(index)
        if found is not None and found.Name() == name.encode():
            buffer = model.Buffers(found.Buffer())
            return bytes(buffer.DataAsNumpy()) if buffer.DataLength() else b""
    return None
