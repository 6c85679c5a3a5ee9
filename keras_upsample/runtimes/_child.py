"""Modules of this package run in a child process."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def run_module(
    module: str, arguments: Sequence[str], *, seconds: float | None = None
) -> "subprocess.CompletedProcess[str]":
    """`python -m keras_upsample.MODULE ARGUMENTS`, its output captured.

    This package is found where it was imported from, and nothing is imported from the folder that
    the user happens to be in, where somebody may have put a `numpy.py`.

    Raises:
        subprocess.TimeoutExpired: it was ended after so many seconds.
    """
    package = str(Path(__file__).parents[2])
    before = os.environ.get("PYTHONPATH")
    path = package if not before else os.pathsep.join((package, before))
    return subprocess.run(
        [sys.executable, "-P", "-m", f"keras_upsample.{module}", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    )


def describe_end(code: int) -> str:
    """`SIGSEGV` for a process that ended with -11, else `code 3`."""
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"code {code}"
