"""Modules of this package run in a child process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from ..files._end_with_parent import end_with_parent


def run_module(
    module: str,
    arguments: Sequence[str],
    *,
    seconds: float | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> "subprocess.CompletedProcess[str]":
    """`python -m keras_upsample.MODULE ARGUMENTS`, its output captured.

    Args:
        seconds: after which it is ended.
        variables: set in its environment.

    Raises:
        subprocess.TimeoutExpired: it was ended after so many seconds.
    """
    command, environment = module_command(module, arguments)
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env={**environment, **variables},
    )


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
