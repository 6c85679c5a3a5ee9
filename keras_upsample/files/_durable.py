"""Bring files to the disk, so that they outlive a power cut.

After a rename without it, a file system may show the new name with no content:
https://www.kernel.org/doc/html/latest/filesystems/ext4/.
"""

import os
from pathlib import Path


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
