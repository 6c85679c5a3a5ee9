"""Signals that ask the program to end: it clears up first."""

import os
import signal
import time
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_received: list[tuple[int, float]] = []
"""Numbers of the signals that came, and when."""
_SAME = 1.0
"""Seconds in which a second signal is the same request: a terminal and `timeout` ask all processes
of a group, and each passes it on."""


def clear_up_on_signals() -> None:
    """Let signals end the program by an exception, so that unfinished files go.

    It exits with 128 and the signal's number, as shells count. A second SIGTERM or SIGHUP, a second
    later, ends it at once.
    """
    usual = (signal.SIG_DFL, signal.default_int_handler)  # nohup ignores one
    for name in _NAMES:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in usual:
            signal.signal(number, _end)


def end_if_asked() -> None:
    """End now if a signal came.

    Its exception may have been lost: TensorFlow and Python's own loader of compiled modules make
    another one of it, which says something else or is taken for a fault of the model.
    """
    if _received:
        raise SystemExit(128 + _received[0][0])


def _end(number: int, frame: FrameType | None) -> Any:
    now, again = time.monotonic(), bool(_received)
    if again and now - _received[0][1] < _SAME:
        return
    _received.append((number, now))
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    if again:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    raise SystemExit(128 + number)
