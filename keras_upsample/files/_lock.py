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

    None if another descriptor holds it, or there are no locks here.
    """
    return _attempt(folder)[0]


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Wait for the lock on a folder, for the few renames of another process.

    Yields whether it is held. It is not where there are no locks, nor after half a minute.
    """
    end = time.monotonic() + _WAIT
    descriptor: int | None = None
    try:
        descriptor, busy = _attempt(folder)
        while busy and time.monotonic() < end:
            time.sleep(_LOOK)
            descriptor, busy = _attempt(folder)
        yield descriptor is not None
    finally:
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


def _attempt(folder: Path) -> tuple[int | None, bool]:
    """A descriptor that holds the lock, if it was free, and whether another one holds it."""
    if fcntl is None:
        return None, False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        return None, isinstance(error, BlockingIOError)
    return descriptor, False
