"""How large a transfer may get, and how long it may take."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import first_line

MOST = 1 << 30
"""Bytes of a file whose size is not known beforehand."""

SECONDS, SLOWEST = 300, 50_000
"""What any transfer may take, and the bytes in a second that a larger one must make."""

_LOOK = 0.1  # seconds between two looks at a transfer
_READ_SECONDS = 30  # without a byte
_BLOCK = 2**14


class TransferError(OSError):
    """A transfer was stopped, or broke off; the message says why, and not of what."""


class Limit:
    """Of one transfer, which begins now.

    Args:
        size: bytes that it should have; None where that is not known.
    """

    def __init__(self, size: int | None) -> None:
        self.most = MOST if size is None else size
        self.seconds = SECONDS + self.most / SLOWEST
        self._known = size is not None
        self._end = time.monotonic() + self.seconds

    def check(self, done: int) -> None:
        """Raise if `done` bytes are too many, or it is too late.

        Raises:
            TransferError: they are, or it is.
        """
        if done > self.most:
            what = "what it should have" if self._known else "what is taken of unknown sizes"
            raise TransferError(f"there are more than {self.most:,} bytes, which is {what}")
        if time.monotonic() > self._end:
            raise TransferError(f"it takes more than {self.seconds:.0f} seconds")


def transfer(url: str, path: Path, size: int | None) -> None:
    """Write what an address gives to a file.

    Raises:
        TransferError: it gives more than `size`, or takes too long altogether.
        OSError: of requests: no network, no such file, less than was announced.
    """
    limit, taken, failed = Limit(size), [0], list[Exception]()
    stopped = threading.Event()

    # A read may wait for each byte, so that the time of all is kept by another thread.
    def work() -> None:
        try:
            _read(url, path, taken, limit, stopped.is_set)
        except Exception as error:  # of requests and urllib3, for the thread that waits
            failed.append(error)

    reader = threading.Thread(target=work, daemon=True)
    reader.start()
    try:
        while reader.is_alive():
            reader.join(_LOOK)
            limit.check(taken[0])
    finally:
        stopped.set()
    if failed:
        error = failed[0]
        raise error if isinstance(error, OSError) else TransferError(first_line(error))


def _read(
    url: str, path: Path, taken: list[int], limit: Limit, stopped: Callable[[], bool]
) -> None:
    import requests

    with requests.get(url, stream=True, timeout=_READ_SECONDS) as answer, path.open("wb") as file:
        answer.raise_for_status()
        for block in answer.iter_content(_BLOCK):
            taken[0] += len(block)
            if stopped():
                return
            limit.check(taken[0])
            file.write(block)
