"""Programs that end when the process that started them ends, however it ends."""

import os
import sys

# Without it a child of a process that was killed goes on: a download, or a model that computes.
# The child asks the system for a signal at the end of its parent; on Linux, which alone has that.
_ASK = """
import ctypes, os, resource, sys
ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
if os.getppid() != int(sys.argv[1]):
    sys.exit("its parent has ended")
if (largest := int(sys.argv[2])) >= 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
os.execv(sys.argv[3], sys.argv[3:])
"""


def end_with_parent(command: list[str], *, largest: int = -1) -> list[str]:
    """The command line that runs a program so that it ends with this process.

    Args:
        command: path of the program, and its arguments.
        largest: bytes that a file may have which it writes, on Linux; it fails beyond.
    """
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", "-c", _ASK, str(os.getpid()), str(largest), *command]


def ask_to_end_with_parent(parent: int) -> None:
    """Ask the system to kill this process when its parent ends, on Linux.

    Args:
        parent: the parent's number; if it has ended already, this process ends at once.
    """
    import ctypes
    import signal

    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(1)
