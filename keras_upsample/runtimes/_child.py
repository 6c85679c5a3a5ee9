"""Modules of this package run in a child process."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ..files._end_with_parent import end_with_parent

_LOOK = 0.02  # seconds between two looks at the memory of a process


def run_module(
    module: str,
    arguments: Sequence[str],
    *,
    seconds: float | None = None,
    memory: int | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> "subprocess.CompletedProcess[str]":
    """`python -m keras_upsample.MODULE ARGUMENTS`, its output captured.

    Args:
        seconds: after which it is ended.
        memory: bytes in use (resident) above which it is ended, on Linux.
        variables: set in its environment.

    Raises:
        subprocess.TimeoutExpired: it was ended after so many seconds.
        MoreMemoryError: it was ended as it used more than `memory`.
    """
    command, environment = module_command(module, arguments)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**environment, **variables},
    ) as process:
        try:
            output, log = _outputs(process, seconds, memory)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, log)


class MoreMemoryError(Exception):
    """A child process used more memory than it may."""


def _outputs(
    process: "subprocess.Popen[str]", seconds: float | None, memory: int | None
) -> tuple[str, str]:
    """Both outputs at the end of a process, which is looked at from time to time until then."""
    if memory is None:
        return process.communicate(timeout=seconds)
    end = math.inf if seconds is None else time.monotonic() + seconds
    while True:
        try:
            return process.communicate(timeout=_LOOK)
        except subprocess.TimeoutExpired:
            if time.monotonic() > end:
                raise
        if _resident(process.pid) > memory:
            raise MoreMemoryError


def _resident(pid: int) -> int:
    """Bytes of memory that a process uses; 0 where the system does not say."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return 0


def module_command(module: str, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """`python -m keras_upsample.MODULE ARGUMENTS`, which ends with this process; its environment.

    This package is found where it was imported from, and nothing is imported from the folder that
    the user happens to be in, where somebody may have put a `numpy.py`.
    """
    package = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    path = package if not before else os.pathsep.join((package, before))
    command = [sys.executable, "-P", "-m", f"keras_upsample.{module}", *arguments]
    return end_with_parent(command), {**os.environ, "PYTHONPATH": path}


def describe_end(code: int) -> str:
    """`SIGSEGV` for a process that ended with -11, else `code 3`."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"code {code}"
