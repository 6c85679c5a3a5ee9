"""Damaged pictures whose checksums and lengths are true again, so that decoders read on."""

import random
import struct
import zlib
from collections.abc import Callable
from functools import partial

from reliability_study.mutate import bytes_of, several, write_integer


def picture(content: bytes, rng: random.Random) -> bytes:
    """By the file's first bytes."""
    for start, change in _KINDS:
        if content.startswith(start):
            ways: list[tuple[float, Callable[[bytes], bytes]]] = [
                (8, partial(change, rng=rng)),
                (2, partial(bytes_of, rng=rng)),
            ]
            return several(rng, content, ways)
    return bytes_of(content, rng)


def _integers(data: bytearray, begin: int, end: int, rng: random.Random, order: str) -> None:
    for _ in range(rng.choice((1, 1, 2, 3))):
        size = rng.choice((1, 2, 4))
        write_integer(data, rng.randrange(begin, max(begin + 1, end - size)), size, rng, order)


def _png(content: bytes, rng: random.Random) -> bytes:
    chunks, at = [], 8
    while at < len(content):
        (length,) = struct.unpack_from(">I", content, at)
        chunks.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + length]])
        at += 12 + length
    number, choice = rng.randrange(len(chunks)), rng.randrange(8)
    if choice == 0:
        del chunks[number]
    elif choice == 1:
        chunks.insert(rng.randrange(len(chunks)), list(chunks[number]))
    elif choice == 2:
        kind = rng.choice((b"tRNS", b"gAMA", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"fcTL", b"acTL"))
        chunks.insert(1, [kind, rng.randbytes(rng.choice((0, 1, 6, 26, 300)))])
    elif choice < 5:
        data = bytearray(chunks[0][1])
        _integers(data, 0, 13, rng, ">")
        chunks[0][1] = bytes(data)
    elif choice == 5 and chunks[number][0] in (b"IDAT", b"fdAT"):
        raw = bytes_of(zlib.decompress(chunks[number][1]), rng)
        chunks[number][1] = zlib.compress(raw * rng.choice((1, 1, 50)))
    elif chunks[number][1]:
        chunks[number][1] = bytes_of(chunks[number][1], rng, 3)
    parts = [content[:8]]
    for kind, data in chunks:
        crc = zlib.crc32(kind + data)
        parts.append(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc))
    return b"".join(parts)


def _jpeg(content: bytes, rng: random.Random) -> bytes:
    segments, at = [], 2
    while content[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", content, at + 2)
        segments.append([content[at : at + 2], content[at + 4 : at + 2 + length]])
        at += 2 + length
    scan = content[at:]
    number, choice = rng.randrange(len(segments)), rng.randrange(7)
    frame = [n for n, (mark, _) in enumerate(segments) if mark[1] in (0xC0, 0xC2)]
    if choice == 0:
        del segments[number]
    elif choice == 1:
        segments.insert(rng.randrange(len(segments)), list(segments[number]))
    elif choice == 2:
        scan = scan[:14] + bytes_of(scan[14:], rng)
    else:
        number = frame[0] if frame and choice < 5 else number
        data = bytearray(segments[number][1])
        _integers(data, 0, len(data), rng, ">")
        segments[number][1] = bytes(data)
    parts = [mark + struct.pack(">H", len(data) + 2) + data for mark, data in segments]
    return content[:2] + b"".join(parts) + scan


def _bmp(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    _integers(data, 10, 54, rng, "<")
    return bytes(data)


def _gif(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    if rng.random() < 0.4:
        _integers(data, 6, 13, rng, "<")
    else:
        images = [at for at in range(13, len(data)) if data[at] in (0x2C, 0x21)]
        begin = rng.choice(images)
        _integers(data, begin, min(begin + 12, len(data)), rng, "<")
    return bytes(data)


def _webp(content: bytes, rng: random.Random) -> bytes:
    chunks, at = [], 12
    while at + 8 <= len(content):
        (length,) = struct.unpack_from("<I", content, at + 4)
        chunks.append([content[at : at + 4], content[at + 8 : at + 8 + length]])
        at += 8 + length + length % 2
    number, choice = rng.randrange(len(chunks)), rng.randrange(5)
    if choice == 0:
        del chunks[number]
    elif choice == 1:
        chunks.insert(rng.randrange(len(chunks)), list(chunks[number]))
    else:
        data = bytearray(chunks[number][1])
        _integers(data, 0, min(len(data), 30), rng, "<")
        chunks[number][1] = bytes(data)
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
        for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _tiff(content: bytes, rng: random.Random) -> bytes:
    """Kind, type, count and value of entries; the next directory may be an earlier one."""
    order = "<" if content[:2] == b"II" else ">"
    data, entries, ends = bytearray(content), [], []
    (at,) = struct.unpack_from(order + "I", content, 4)
    while at and len(ends) < 100:
        (count,) = struct.unpack_from(order + "H", content, at)
        entries += [at + 2 + 12 * number for number in range(count)]
        ends.append(at + 2 + 12 * count)
        (at,) = struct.unpack_from(order + "I", content, ends[-1])
    for _ in range(rng.choice((1, 1, 2, 4))):
        choice, entry = rng.randrange(12), rng.choice(entries)
        if choice == 0:
            back = rng.choice((8, ends[0] - 12, 0, len(data) - 4, 2**31))
            data[ends[-1] : ends[-1] + 4] = struct.pack(order + "I", back)
        elif choice == 1:
            other = rng.choice(entries)
            data[entry : entry + 12] = data[other : other + 12]
        elif choice == 2:
            _values_of(data, entry, order, rng)
        else:
            start, size = rng.choice(((0, 2), (2, 2), (4, 4), (8, 4), (8, 2), (8, 4), (8, 2)))
            write_integer(data, entry + start, size, rng, order)
    return bytes(data)


def _values_of(data: bytearray, entry: int, order: str, rng: random.Random) -> None:
    """What an entry points to."""
    (there,) = struct.unpack_from(order + "I", data, entry + 8)
    if there < len(data) - 8:
        _integers(data, there, there + 8, rng, order)


_KINDS: tuple[tuple[bytes, Callable[..., bytes]], ...] = (
    (b"\x89PNG", _png),
    (b"\xff\xd8", _jpeg),
    (b"BM", _bmp),
    (b"GIF8", _gif),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
