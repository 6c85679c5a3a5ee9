"""The command runs in a child process, so that an end by a signal becomes one line.

TensorFlow and other libraries abort the process where memory runs out (SIGABRT, SIGSEGV), and the
system ends it (SIGKILL). Nothing in the process can say a line then; its parent can. The parent
imports nothing large, passes signals on and waits.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable

from ..files._end_with_parent import ask_to_end_with_parent

_PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP")
_BY_KERNEL = 0x80  # si_code of a signal that a terminal sent, to the child as well
_LOOK = 1.0  # seconds
_NO_LINKER_MEMORY = 127
"""Exit status of a process for which the dynamic linker had no memory."""


def run_watched(run: Callable[[], None]) -> None:
    """Run the command in a child process, and end as it ends; on Linux, else run it here.

    Raises:
        SystemExit: the child's status; 2 after a line on how it ended, 128 and the number of a
            signal that was passed on or that the system sent.
    """
    if sys.platform != "linux" or threading.active_count() > 1:
        run()
        return
    passed = {
        getattr(signal, name)
        for name in _PASSED_ON
        if signal.getsignal(getattr(signal, name)) != signal.SIG_IGN  # as nohup has it
    }
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, passed | {signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        ask_to_end_with_parent(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        run()
        return
    raise SystemExit(_status(_wait(child, passed), passed))


def _wait(child: int, passed: set[int]) -> int:
    """Pass signals on until the child ends: its exit status, negative for a signal."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        found = signal.sigtimedwait(passed | {signal.SIGCHLD}, _LOOK)
        if found is not None and found.si_signo in passed and found.si_code != _BY_KERNEL:
            os.kill(child, found.si_signo)


def _status(code: int, passed: set[int]) -> int:
    """The command's exit status; prints a line if the child could not."""
    if code >= 0 and code != _NO_LINKER_MEMORY:
        return code
    if -code in passed:
        return 128 - code
    if -code == signal.SIGKILL:
        _say("The system or another program ended it (SIGKILL). The system does so if memory runs")
        return 128 - code
    name = f"status {code}" if code > 0 else signal.Signals(-code).name
    _say(f"A library ended the process ({name}). Most often it is memory that runs")
    return 2


def _say(begin: str) -> None:
    print(
        f"{begin} out: end other programs, or take smaller images, tiles or batches. What stood at "
        "the results' places is still there.",
        file=sys.stderr,
    )
