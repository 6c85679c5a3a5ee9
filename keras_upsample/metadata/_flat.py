"""A FlatBuffer writer for plain values, after a schema of a few lines.

https://flatbuffers.dev/internals/. The schema is text: a table's name, then `field:kind` for each
of its slots in order. A kind is a letter of `struct` for a scalar, `str`, the name of a table, a
kind in brackets for a vector, or `<A,B>` for a union, which takes two slots.
"""

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, tuple[tuple[str, str], ...]]

_ALIGNED = 16  # of vectors of bytes, which may hold another FlatBuffer


def schema_of(text: str) -> Schema:
    """The schema that a text describes."""
    tables: dict[str, list[tuple[str, str]]] = {}
    table = ""
    for word in text.split():
        name, colon, kind = word.partition(":")
        if colon:
            tables[table].append((name, kind))
        else:
            table = name
            tables[table] = []
    return {name: tuple(fields) for name, fields in tables.items()}


def flat(schema: Schema, table: str, values: Mapping[str, Any], identifier: bytes) -> bytes:
    """A FlatBuffer of one root table.

    Args:
        schema: schema of the tables.
        table: name of the root's.
        values: field -> scalar, str, bytes, a list, a dict for a table, or a pair `(name of the
            table, dict)` for a union. None, an empty list and an empty text are left out.
        identifier: the file's four bytes.

    Raises:
        KeyError: a field that the schema does not have.
    """
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, schema, table, values), file_identifier=identifier)
    return bytes(builder.Output())


def _table(builder: Any, schema: Schema, table: str, values: Mapping[str, Any]) -> int:
    unknown = set(values) - {name for name, _ in schema[table]}
    if unknown:
        raise KeyError(f"{table} has no field {min(unknown)}")
    slots: list[tuple[int, str, Any]] = []
    slot = 0
    for name, kind in schema[table]:
        value = values.get(name)
        absent = value is None or (isinstance(value, str | bytes | list | tuple) and not value)
        if kind.startswith("<"):
            if value:
                chosen, facts = value
                number = kind[1:-1].split(",").index(chosen) + 1
                slots.append((slot, "B", number))
                slots.append((slot + 1, "", _table(builder, schema, chosen, facts)))
            slot += 2
            continue
        if not absent:
            scalar = len(kind) == 1
            slots.append(
                (slot, kind, value) if scalar else (slot, "", _behind(builder, schema, kind, value))
            )
        slot += 1
    builder.StartObject(slot)
    for number, code, value in slots:
        if code:
            _PREPEND[code](builder)(value)
        else:
            builder.PrependUOffsetTRelative(value)
        builder.Slot(number)
    return builder.EndObject()


def _behind(builder: Any, schema: Schema, kind: str, value: Any) -> int:
    """What a table refers to by an offset; it must be written before the table."""
    if kind == "str":
        return builder.CreateString(value)
    if not kind.startswith("["):
        return _table(builder, schema, kind, value)
    element = kind[1:-1]
    if element == "B":
        builder.StartVector(1, len(value), _ALIGNED)
        builder.head -= len(value)
        builder.Bytes[builder.head : builder.head + len(value)] = bytes(value)
        return builder.EndVector()
    if element == "f":
        builder.StartVector(4, len(value), 4)
        for number in reversed(value):
            builder.PrependFloat32(float(number))
        return builder.EndVector()
    offsets = [_behind(builder, schema, element, item) for item in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


_PREPEND: Mapping[str, Any] = {
    "b": lambda builder: builder.PrependInt8,
    "B": lambda builder: builder.PrependUint8,
    "i": lambda builder: builder.PrependInt32,
    "I": lambda builder: builder.PrependUint32,
    "f": lambda builder: builder.PrependFloat32,
}
