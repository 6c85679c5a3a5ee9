"""Signals that ask the program to end: it clears up first."""

import signal
from types import FrameType
from typing import Any

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_received: list[int] = []


def clear_up_on_signals() -> None:
    """Let signals end the program by an exception, so that unfinished files go.

    It exits with 128 and the signal's number, as shells count. A second SIGTERM or SIGHUP ends it
    at once.
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
        raise SystemExit(128 + _received[0])


def _end(number: int, frame: FrameType | None) -> Any:
    _received.append(number)
    if number == signal.SIGINT:
        signal.signal(number, signal.default_int_handler)
        raise KeyboardInterrupt
    signal.signal(number, signal.SIG_DFL)
    raise SystemExit(128 + number)
