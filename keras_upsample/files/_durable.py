"""Bring files to the disk, so that they outlive a power cut.

After a rename without it, a file system may show the new name with no content:
https://www.kernel.org/doc/html/latest/filesystems/ext4/.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OF_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


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


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an error of the disk that names no file name this one.

    A write to an open file knows a number alone. What may be an error of reading stays as it is.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_WRITING:
            error.filename = str(path)
        raise
