"""Bring files to the disk, so that they outlive a power cut.

After a rename without it, a file system may show the new name with no content:
https://www.kernel.org/doc/html/latest/filesystems/ext4/.
"""

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def sync(path: Path) -> None:
    """Bring a file, or a folder with all that is in it, to the disk.

    Raises:
        OSError: the disk can't take it.
    """
    if path.is_symlink():
        return
    if not path.is_dir():
        descriptor = os.open(path, os.O_RDWR)  # Windows syncs nothing that is open for reading
        try:
            os.fsync(descriptor)
        except OSError as error:
            error.filename = str(path)  # the call knows a number alone
            raise
        finally:
            os.close(descriptor)
        return
    for part in path.iterdir():
        sync(part)
    sync_names(path)


def sync_names(folder: Path) -> None:
    """Bring a folder's list of names to the disk, after a file in it was renamed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems can't; their server does it
        return
    finally:
        os.close(descriptor)


def is_of_disk(error: BaseException) -> bool:
    """Whether a disk could not take or give what was asked for."""
    return isinstance(error, OSError) and error.errno in _OF_DISKS


@contextmanager
def naming(path: Path, place: Path | None = None) -> Iterator[None]:
    """Let an error of the disk that names no file name this one.

    A call on an open file knows a number alone. What is read in the block has a `naming` of its
    own, or its errors would name the file that is written.

    Args:
        path: the file, as the user knows it.
        place: the folder where it is made: an error of a file in it names the file that this one
            will be.
    """
    try:
        yield
    except OSError as error:
        named = error.filename
        if named is None and is_of_disk(error):
            error.filename = str(path)
        elif place is not None and isinstance(named, str) and Path(named).is_relative_to(place):
            error.filename = str(path.parent / Path(named).relative_to(place))
        raise


def open_all(path: Path) -> None:
    """Open a file, or each file of a folder, once to read.

    Some libraries say that they can't open a file, and not why.

    Raises:
        OSError: why.
    """
    for file in path.rglob("*") if path.is_dir() else [path]:
        if not file.is_dir():
            with file.open("rb"):
                pass


def open_new(path: Path) -> IO[bytes]:
    """Open a file to write to, like `path.open("wb")`; each error of the disk names it.

    Where several files are written at once, `naming` around all of them could not tell which.
    """
    return io.BufferedWriter(_Named(path, "w"))


class _Named(io.FileIO):
    def write(self, data: Any) -> int:
        with naming(Path(os.fsdecode(self.name))):
            return super().write(data)

    def close(self) -> None:
        with naming(Path(os.fsdecode(self.name))):
            super().close()
