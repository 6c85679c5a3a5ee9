"""Locks between processes and threads: `flock` on a folder.

The lock leaves no file, and the system releases it when its process ends, however it ends. Windows,
and some network file systems, have no locks on folders.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOOK = 0.005  # seconds between two attempts
_WAIT = 30.0  # seconds; others hold it for some renames


def take(folder: Path) -> int | None:
    """Lock a folder: a descriptor, which holds the lock until it is closed.

    None if another descriptor holds it, or there are no locks here (`can_lock` tells).
    """
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def can_lock(folder: Path) -> bool:
    """Whether folders can be locked at that place."""
    if fcntl is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Wait for the lock on a folder, for the few renames of another process.

    Yields whether it is held. It is not where there are no locks, nor after half a minute.
    """
    descriptor = None
    end = time.monotonic() + (_WAIT if can_lock(folder) else 0.0)
    while (descriptor := take(folder)) is None and time.monotonic() < end:
        time.sleep(_LOOK)
    try:
        yield descriptor is not None
    finally:
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)
