"""Mutations that keep a file's structure: (seeds, generator of random numbers) -> damaged file.

Each function returns the damaged content of one file. The same numbers give the same content, so
that a failing input can be made again from its seed.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

INTERESTING = (
    0, 1, 2, 3, 4, 7, 8, 16, 31, 32, 64, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535,
    65536, 10**6, 2**24, 2**30, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**62, 2**63 - 1,
    -1, -2, -128, -(2**31), -(2**63),
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-38, 3e38, -3e38, 1e300, float("nan"), float("inf"))
TEXTS = ("", "\0", "a" * 5000, "../../x", "/etc/passwd", "\udcff", "é漢", "%s%n", "-1", "1e999")


def bytes_of(content: bytes, rng: random.Random, most: int = 8) -> bytes:
    """Bytes changed, removed, repeated or cut off, without regard to the structure."""
    data = bytearray(content)
    for _ in range(rng.randint(1, most)):
        if not data:
            break
        at, length = rng.randrange(len(data)), rng.choice((1, 2, 4, 8, 64))
        choice = rng.randrange(9)
        if choice < 4:
            data[at] ^= 1 << rng.randrange(8) if choice < 2 else rng.randrange(1, 256)
        elif choice < 6:
            write_integer(data, at, rng.choice((1, 2, 4, 8)), rng, rng.choice("<>"))
        elif choice == 6:
            del data[at : at + length]
        elif choice == 7:
            data[at:at] = data[at : at + length]
        else:
            del data[at + (at < 8) * 8 :]
    return bytes(data)


def write_integer(data: bytearray, at: int, size: int, rng: random.Random, order: str) -> None:
    """Another integer of `size` bytes, near the one that stands there or an interesting one."""
    name = {"<": "little", ">": "big"}[order]
    old = int.from_bytes(data[at : at + size], name)  # type: ignore[arg-type]
    new = other_integer(old, rng) % (1 << 8 * size)
    data[at : at + size] = new.to_bytes(size, name)[: len(data) - at]  # type: ignore[arg-type]


def other_integer(old: int, rng: random.Random) -> int:
    choice = rng.randrange(6)
    if choice < 2:
        return old + rng.choice((-2, -1, 1, 2))
    if choice == 2:
        return old * rng.choice((2, 3, 256, 65536))
    if choice == 3:
        return old ^ (1 << rng.randrange(32))
    return rng.choice(INTERESTING)


def other_value(old: Any, rng: random.Random) -> Any:
    """Another value of the same type."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return other_integer(old, rng)
    if isinstance(old, float):
        return rng.choice((*FLOATS, old * 2, -old, old / 1e6))
    if isinstance(old, bytes):
        return (
            bytes_of(old, rng, 2) if old and rng.random() < 0.7 else rng.choice((b"", b"\xff" * 9))
        )
    if isinstance(old, str):
        if old and rng.random() < 0.5:
            at = rng.randrange(len(old))
            return old[:at] + rng.choice(("", "x", "0", "é")) + old[at + 1 :]
        return rng.choice(TEXTS)
    return old


def other_type(rng: random.Random) -> Any:
    return rng.choice((None, True, 0, -1, 2**70, 1.5, "", "x", [], {}, [[]], {"a": 1}))


def message(root: Any, rng: random.Random, most: int = 3) -> None:
    """Change fields of a protobuf message, however deep, in place."""
    for _ in range(rng.randint(1, most)):
        places = list(_fields(root))
        if not places:
            return
        # A field of few entries is as likely as one of many: names would outweigh sizes.
        kinds = sorted({field.full_name for _, field in places})
        chosen = rng.choice(kinds)
        owner, field = rng.choice([place for place in places if place[1].full_name == chosen])
        _change_field(owner, field, rng)


def _fields(owner: Any) -> Iterator[tuple[Any, Any]]:
    for field, value in owner.ListFields():
        yield owner, field
        if field.message_type is None or is_map(field):
            continue
        for part in value if is_repeated(field) else [value]:
            yield from _fields(part)


def is_map(field: Any) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def is_repeated(field: Any) -> bool:
    if hasattr(field, "is_repeated"):
        return bool(field.is_repeated)
    return bool(field.label == field.LABEL_REPEATED)


def _change_field(owner: Any, field: Any, rng: random.Random) -> None:
    value = getattr(owner, field.name)
    if is_map(field):
        keys = sorted(value, key=str)
        if keys and rng.random() < 0.5:
            del value[rng.choice(keys)]
        elif keys and field.message_type.fields_by_name["value"].message_type is not None:
            message(value[rng.choice(keys)], rng, 1)
        return
    if not is_repeated(field):
        if field.message_type is not None or rng.random() < 0.1:
            owner.ClearField(field.name)
        else:
            _assign(owner, field.name, other_value(value, rng))
        return
    at, choice = rng.randrange(len(value)), rng.randrange(5)
    if choice == 0:
        del value[at]
    elif choice == 1:
        copies = [value[at]] * rng.choice((1, 1, 2, 40))
        value.extend(copies)
    elif choice == 2 and field.message_type is not None:
        order = list(range(len(value)))
        rng.shuffle(order)
        parts = [type(value[0]).FromString(value[i].SerializeToString()) for i in order]
        del value[:]
        value.extend(parts)
    elif field.message_type is None:
        try:
            value[at] = other_value(value[at], rng)
        except (ValueError, TypeError):
            del value[at:]


def _assign(owner: Any, name: str, value: Any) -> None:
    try:
        setattr(owner, name, value)
    except (ValueError, TypeError):  # out of the field's range, or no UTF-8
        owner.ClearField(name)


def plain(root: Any, rng: random.Random, most: int = 3) -> Any:
    """Change dictionaries and lists, as of JSON, however deep; returns the changed root."""
    for _ in range(rng.randint(1, most)):
        places = list(_entries(root))
        if not places:
            return root
        owner, key = rng.choice(places)
        choice = rng.randrange(6)
        if choice == 0:
            del owner[key]
        elif choice == 1:
            owner[key] = other_type(rng)
        elif choice == 2 and isinstance(owner, list):
            owner.extend([owner[key]] * rng.choice((1, 30)))
        elif choice == 3:
            other, name = rng.choice(places)
            owner[key] = other[name] if not _holds(other[name], owner) else 0
        else:
            owner[key] = other_value(owner[key], rng)
    return root


def _entries(owner: Any) -> Iterator[tuple[Any, Any]]:
    pairs = owner.items() if isinstance(owner, dict) else enumerate(owner)
    for key, value in list(pairs):
        yield owner, key
        if isinstance(value, dict | list):
            yield from _entries(value)


def _holds(value: Any, part: Any) -> bool:
    if value is part:
        return True
    if isinstance(value, dict | list):
        return any(_holds(v, part) for v in (value.values() if isinstance(value, dict) else value))
    return False


def several(
    rng: random.Random, content: bytes, ways: list[tuple[float, Callable[[bytes], bytes]]]
) -> bytes:
    """One of the ways by weight; bytes are damaged where the way can't read the content."""
    (way,) = rng.choices([way for _, way in ways], [weight for weight, _ in ways])
    try:
        return way(content)
    except Exception:  # of whatever library reads it
        return bytes_of(content, rng)
