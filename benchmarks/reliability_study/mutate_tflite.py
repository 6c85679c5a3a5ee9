"""Damaged TFLite files."""

import random
import struct
from functools import partial
from typing import Any

from reliability_study.mutate import bytes_of, other_integer, other_value, several

SIZES = {code: struct.calcsize("<" + code) for code in "?bBhHiIqQfd"}


def tflite(content: bytes, rng: random.Random) -> bytes:
    """Stored scalars, offsets and lengths changed in place; or the tables changed and packed."""
    ways = [
        (5, partial(_in_place, rng=rng)),
        (4, partial(_repacked, rng=rng)),
        (1, partial(bytes_of, rng=rng)),
    ]
    return several(rng, content, ways)


def _in_place(content: bytes, rng: random.Random) -> bytes:
    sites = Sites(content)
    data = bytearray(content)
    kinds = sorted(sites.found)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        position, code = rng.choice(sites.found[rng.choice(kinds)])
        size = SIZES[code]
        old = int.from_bytes(data[position : position + size], "little")
        value = other_integer(old, rng) % (1 << 8 * size)
        data[position : position + size] = value.to_bytes(size, "little")
    return bytes(data)


class Sites:
    """Where the scalars, offsets and lengths of a whole file are, by the name of the field."""

    def __init__(self, content: bytes) -> None:
        from keras_upsample.files._tflite_schema import TABLES, UNIONS

        self.tables, self.unions, self.content = TABLES, UNIONS, content
        self.found: dict[str, list[tuple[int, str]]] = {}
        self.seen: set[int] = set()
        self._table(self._read(0, "I"), "Model")

    def _read(self, position: int, code: str) -> Any:
        return struct.unpack_from("<" + code, self.content, position)[0]

    def _add(self, name: str, position: int, code: str) -> None:
        self.found.setdefault(name, []).append((position, code))

    def _table(self, position: int, name: str) -> None:
        if position in self.seen:
            return
        self.seen.add(position)
        self._add(f"{name} vtable", position, "i")
        vtable = position - self._read(position, "i")
        size = self._read(vtable, "H")
        kind_before = 0
        for slot, (field, kind) in enumerate(self.tables.get(name, ())):
            at = vtable + 4 + 2 * slot
            offset = self._read(at, "H") if at + 2 <= vtable + size else 0
            if not offset or not kind:
                continue
            self._add(f"{name} slot", at, "H")
            place = position + offset
            if kind.startswith("<"):
                chosen = self.unions[kind[1:-1]][kind_before]
                self._add(f"{name}.{field}", place, "I")
                self._table(place + self._read(place, "I"), chosen)
            else:
                self._value(place, kind, f"{name}.{field}")
            if len(kind) == 1:
                kind_before = self._read(place, kind)

    def _value(self, place: int, kind: str, name: str) -> None:
        if len(kind) == 1:
            self._add(name, place, kind)
            return
        self._add(f"{name} offset", place, "I")
        there = place + self._read(place, "I")
        if not kind.startswith("[") and kind != "str":
            self._table(there, kind)
            return
        self._add(f"{name} length", there, "I")
        length, element = self._read(there, "I"), "B" if kind == "str" else kind[1:-1]
        if len(element) == 1:
            for number in range(min(length, 64)):
                self._add(f"{name}[]", there + 4 + SIZES[element] * number, element)
            return
        for number in range(length):
            self._value(there + 4 + 4 * number, element, f"{name}[]")


def _repacked(content: bytes, rng: random.Random) -> bytes:
    """Consistent offsets around tables that are wrong."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places: dict[str, list[tuple[Any, Any]]] = {}
        _attributes(model, places)
        owner, name = rng.choice(places[rng.choice(sorted(places))])
        _change(owner, name, rng)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _attributes(owner: Any, places: dict[str, list[tuple[Any, Any]]]) -> None:
    for name, value in vars(owner).items():
        if value is None:
            continue
        places.setdefault(f"{type(owner).__name__}.{name}", []).append((owner, name))
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "Pack"):
                _attributes(part, places)


def _change(owner: Any, name: str, rng: random.Random) -> None:
    value = getattr(owner, name)
    if isinstance(value, list) and value:
        at, choice = rng.randrange(len(value)), rng.randrange(4)
        if choice == 0:
            del value[at]
        elif choice == 1:
            value.extend([value[at]] * rng.choice((1, 30)))
        elif choice == 2:
            rng.shuffle(value)
        elif isinstance(value[at], int):
            value[at] = max(-(2**31), min(other_value(value[at], rng), 2**31 - 1))
    elif hasattr(value, "size") and value.size:
        changed = value.copy().reshape(-1)
        choice = rng.randrange(4)
        if choice == 0:
            changed = changed[: rng.randrange(changed.size)]
        elif choice == 1:
            changed = changed.repeat(rng.choice((2, 9)))
        else:
            info = 2 ** (8 * changed.itemsize - 1) if changed.dtype.kind in "iu" else None
            at = rng.randrange(changed.size)
            old = changed[at].item()
            if info is None:
                changed[at] = min(max(other_value(float(old), rng), -3e38), 3e38)
            else:
                changed[at] = other_value(int(old), rng) % info
        setattr(owner, name, changed)
    elif hasattr(value, "Pack"):
        setattr(owner, name, None)
    elif isinstance(value, bool | int | float | bytes | str):
        new = other_value(value, rng)
        if isinstance(new, int):
            new = rng.choice((new % 128, new % 2**31))
        setattr(owner, name, new)
