"""Signals that ask the program to end: it clears up first."""

import signal
from types import FrameType
from typing import Any

_NAMES = ("SIGTERM", "SIGHUP")  # Windows has no SIGHUP; SIGINT is Python's own affair


def clear_up_on_signals() -> None:
    """Let SIGTERM and SIGHUP end the program by an exception, so that unfinished files go.

    It exits with 128 and the signal's number, as shells count. A second signal ends it at once.
    """
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores one
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> Any:
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
