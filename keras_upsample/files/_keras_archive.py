"""What a `.keras` archive claims, compared with its size, and all of it read once."""

import io
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ._hdf5_structure import ClaimError, most_unpacked, read_all
from ._scratch import scratch

_BLOCK = 2**20
_LOCAL_HEADER = 30  # bytes, and the two lengths at its end are of what follows it


def elements_of(path: Path) -> int:
    """Read the whole of a `.keras`, `.h5` or `.hdf5` file; the number of elements of its weights.

    Raises:
        ClaimError: it claims more than it holds.
        Exception: of zipfile, h5py and NumPy, where it is damaged.
    """
    import h5py

    size = path.stat().st_size
    if path.suffix != ".keras":
        with h5py.File(path, "r") as file:
            return read_all(file, size)
    with path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
        members = archive.infolist()
        _check_members(members, size)
        elements = 0
        for member in members:
            _read(archive, member)
            if member.filename.endswith(".h5"):
                with _opened(archive, member, raw) as stream, h5py.File(stream, "r") as file:
                    elements += read_all(file, size)
            elif member.filename.endswith(".npz"):
                elements += _elements_of_arrays(archive, member)
        return elements


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    if len(set(names)) < len(names):
        raise ClaimError("its archive has two members of one name")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ClaimError(
                f"its member {member.filename!r} is compressed by method {member.compress_type}, "
                "and Keras writes stored ones"
            )
    stored = sum(member.compress_size for member in members)
    if stored > size:
        raise ClaimError(f"its members claim {stored:,} bytes of the file, which has {size:,}")
    claimed = sum(member.file_size for member in members)
    if claimed > most_unpacked(size):
        raise ClaimError(f"its members unpack to {claimed:,} bytes, and the file has {size:,}")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """All of a member; zipfile compares its checksum at the end, but not its size."""
    there = 0
    with archive.open(member) as stream:
        while block := stream.read(_BLOCK):
            there += len(block)
    if there != member.file_size:
        raise ClaimError(
            f"its member {member.filename!r} claims {member.file_size:,} bytes and has {there:,}"
        )


@contextmanager
def _opened(archive: zipfile.ZipFile, member: zipfile.ZipInfo, raw: IO[bytes]) -> Iterator[Any]:
    """A member as a file that can be read anywhere, never whole in memory."""
    if member.compress_type == zipfile.ZIP_STORED:
        raw.seek(member.header_offset + _LOCAL_HEADER - 4)
        lengths = int.from_bytes(raw.read(2), "little") + int.from_bytes(raw.read(2), "little")
        start = member.header_offset + _LOCAL_HEADER + lengths
        yield _Part(raw, start, member.file_size)
        return
    with scratch() as folder:
        copy = folder / "weights.h5"
        with archive.open(member) as stream, copy.open("wb") as target:
            while block := stream.read(_BLOCK):
                target.write(block)
        with copy.open("rb") as opened:
            yield opened


class _Part(io.RawIOBase):
    """Bytes `start` to `start + size` of an open file, to be read."""

    def __init__(self, raw: IO[bytes], start: int, size: int) -> None:
        self._raw, self._start, self._size, self._at = raw, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._raw.seek(self._start + self._at)
        block = self._raw.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(block)] = block
        self._at += len(block)
        return len(block)


def _elements_of_arrays(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """Of an `.npz`, by the headers of its arrays."""
    from numpy.lib import format as npy

    elements = 0
    with archive.open(member) as stream, zipfile.ZipFile(stream) as inner:
        for each in inner.infolist():
            with inner.open(each) as array:
                version = npy.read_magic(array)
                read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                shape, _, dtype = read(array)
            claimed = math.prod(shape) * dtype.itemsize
            if claimed > each.file_size or each.file_size > most_unpacked(member.file_size):
                raise ClaimError(
                    f"its array {each.filename!r} claims {max(claimed, each.file_size):,} bytes, "
                    f"and its archive has {member.file_size:,}"
                )
            elements += math.prod(shape)
    return elements
