"""A FlatBuffer reader that checks every offset.

What the C++ `flatbuffers::Verifier` does: https://flatbuffers.dev/languages/cpp/. TFLite's runtimes
do not run it, and follow an offset wherever it leads.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._tflite_schema import TABLES, UNIONS

_MOST_TABLES = 1_000_000  # as the C++ verifier


class DamagedError(ValueError):
    """An offset or a length leads out of the file."""


@dataclass(frozen=True)
class Vector:
    """Scalars: where they begin, how many, in which letter of `struct`."""

    content: bytes
    start: int
    length: int
    code: str

    @property
    def size(self) -> int:
        """Bytes."""
        return self.length * struct.calcsize(self.code)

    def __iter__(self) -> Iterator[Any]:
        return iter(struct.unpack_from(f"<{self.length}{self.code}", self.content, self.start))


class Table:
    """The fields of a table that are stored: `table.get("shape")`.

    Scalars and strings (bytes) are themselves, vectors of scalars a `Vector`, other vectors lists.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, Any] = {}

    def get(self, field: str, default: Any = None) -> Any:
        return self.fields.get(field, default)

    def all(self, field: str) -> list[Any]:
        """The values of a vector, empty where it is absent."""
        return list(self.fields.get(field, ()))


class _Walk:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._known: dict[tuple[int, str], Table] = {}
        self._count = 0

    def scalar(self, position: int, code: str, what: str) -> Any:
        self._within(position, struct.calcsize("<" + code), what)
        return struct.unpack_from("<" + code, self._content, position)[0]

    def table(self, position: int, name: str) -> Table:
        if (position, name) in self._known:
            return self._known[position, name]
        self._more(1)
        vtable = position - self.scalar(position, "i", name)
        size, length = (self.scalar(vtable + at, "H", f"the vtable of {name}") for at in (0, 2))
        self._within(vtable, size, f"the vtable of {name}")
        self._within(position, length, name)
        if size < 4 or size % 2 or length < 4:
            raise DamagedError(f"{name} has a vtable of {size} and a body of {length} bytes")
        result = self._known[position, name] = Table(name)
        # Fields that a later schema added are behind the known ones, and nobody here reads them.
        for slot, (field, kind) in enumerate(TABLES.get(name, ())):
            at = 4 + 2 * slot
            offset = self.scalar(vtable + at, "H", name) if at + 2 <= size else 0
            if not offset or not kind:
                continue
            what = f"{name}.{field}"
            bytes_there = struct.calcsize("<" + kind) if len(kind) == 1 else 4
            if offset + bytes_there > length:
                raise DamagedError(f"{what} lies outside of its table")
            if kind.startswith("<"):
                union = UNIONS[kind[1:-1]]
                number = result.get(TABLES[name][slot - 1][0], 0)
                chosen = union[number] if number < len(union) else ""
                if chosen not in ("", "NONE"):
                    result.fields[field] = self.table(self._there(position + offset, what), chosen)
            else:
                result.fields[field] = self._value(position + offset, kind, what)
        return result

    def _value(self, position: int, kind: str, what: str) -> Any:
        if len(kind) == 1:
            return self.scalar(position, kind, what)
        there = self._there(position, what)
        if kind == "str":
            vector = self._vector(there, "B", what)
            return self._content[vector.start : vector.start + vector.length]
        if not kind.startswith("["):
            return self.table(there, kind)
        element = kind[1:-1]
        if len(element) == 1:
            return self._vector(there, element, what)
        offsets = self._vector(there, "I", what)
        self._more(offsets.length)
        return [
            self._value(offsets.start + 4 * number, element, what)
            for number in range(offsets.length)
        ]

    def _vector(self, position: int, code: str, what: str) -> Vector:
        length = self.scalar(position, "I", what)
        vector = Vector(self._content, position + 4, length, code)
        self._within(vector.start, vector.size, f"{what}, {length} values long,")
        return vector

    def _there(self, position: int, what: str) -> int:
        """Where the offset at a position leads: always ahead."""
        return position + self.scalar(position, "I", what)

    def _within(self, position: int, size: int, what: str) -> None:
        if position < 0 or position + size > len(self._content):
            raise DamagedError(
                f"{what} would end at byte {position + size} of {len(self._content)}"
                if position >= 0
                else f"{what} would begin in front of the file"
            )

    def _more(self, count: int) -> None:
        self._count += count
        if self._count > _MOST_TABLES:
            raise DamagedError(f"it claims more than {_MOST_TABLES:,} tables")


def read_root(content: bytes, name: str) -> Table:
    """The root table of a FlatBuffer, checked down to its last vector.

    Raises:
        DamagedError: something lies outside of the file.
    """
    walk = _Walk(content)
    return walk.table(walk.scalar(0, "I", "the root"), name)
