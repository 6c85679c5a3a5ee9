"""Single files out of a zip or tar archive; no path of the archive is followed."""

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
)


class ArchiveError(Exception):
    """The archive is damaged, lacks a member, or holds one that is no plain file or too large."""


def is_zip(path: Path) -> bool:
    """Whether a file is a zip archive.

    Raises:
        OSError: it can't be opened, which `zipfile.is_zipfile(path)` would call "no archive".
    """
    with path.open("rb") as file:
        return zipfile.is_zipfile(file)


def unpack(archive: Path, members: Mapping[str, Path], limit: int) -> None:
    """Write members of an archive to the given paths.

    Args:
        archive: a `.whl` or `.zip` file, or else a tar archive of any compression.
        members: path in the archive -> file to write.
        limit: bytes that one member may have; no more than that is ever written.

    Raises:
        ArchiveError: a member can't be read; the message names it.
        OSError: a file can't be written.
    """
    try:
        if archive.suffix in (".whl", ".zip"):
            _unpack_zip(archive, members, limit)
        else:
            _unpack_tar(archive, members, limit)
    except _ERRORS as error:
        raise ArchiveError(str(error) or type(error).__name__) from error


def _unpack_zip(archive: Path, members: Mapping[str, Path], limit: int) -> None:
    with zipfile.ZipFile(archive) as source:
        for member, path in members.items():
            try:
                size = source.getinfo(member).file_size
            except KeyError as error:
                raise _missing(member) from error
            with source.open(member) as stream:
                _copy(stream, path, member, size, limit)


def _unpack_tar(archive: Path, members: Mapping[str, Path], limit: int) -> None:
    with tarfile.open(archive) as source:
        for member, path in members.items():
            try:
                info = source.getmember(member)
            except KeyError as error:
                raise _missing(member) from error
            # A link could lead out of the archive, a device anywhere.
            stream = source.extractfile(info) if info.isreg() else None
            if stream is None:
                raise ArchiveError(f"{member!r} is no plain file")
            with stream:
                _copy(stream, path, member, info.size, limit)


def _copy(stream: IO[bytes], path: Path, member: str, size: int, limit: int) -> None:
    if size > limit:
        raise ArchiveError(f"{member!r} has {size:,} bytes; at most {limit:,} are unpacked")
    with path.open("wb") as target:
        shutil.copyfileobj(stream, target)


def _missing(member: str) -> ArchiveError:
    return ArchiveError(f"there is no item named {member!r} in the archive")
