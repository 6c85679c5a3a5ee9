"""Files, and other things to time, that each run in a process of their own, in turn."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_SCRIPT = Path(__file__).with_name("_plain_runner.py")
_SECONDS_OF_A_ROUND = 0.3


class RunnerProcess:
    """One process, which stands still unless it is asked for something.

    Args:
        command: `_plain_runner.py` with a file, or a script that answers likewise.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        )
        self.failed = self._answer().get("failed", "")
        """Why it can't start, e.g. load its file; empty where it did."""
        self._stop()

    def run(self, x: np.ndarray, folder: Path) -> tuple[np.ndarray | None, dict[str, Any]]:
        """The file's answer, or None and the reason as `{"fixed": ...}` or `{"failed": ...}`."""
        if self.failed:
            return None, {"failed": self.failed}
        given, answer = folder / "given.npy", folder / "answer.npy"
        np.save(given, x)
        found = self._ask(case=str(given), out=str(answer))
        if "ran" not in found:
            return None, found
        return np.load(answer), {}

    def seconds(self, calls: int) -> float:
        """Of one call on the array of the last `run`, the mean of so many."""
        return float(self._ask(time=calls)["seconds"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _ask(self, **order: Any) -> dict[str, Any]:
        if self._process.poll() is not None:
            return {"failed": "the process had ended"}
        os.kill(self._process.pid, signal.SIGCONT)
        assert self._process.stdin
        print(json.dumps(order), file=self._process.stdin, flush=True)
        found = self._answer()
        self._stop()
        return found

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            return {"failed": f"the process ended with code {self._process.wait()}"}
        return dict(json.loads(line))

    def _stop(self) -> None:
        # Idle threads of a runtime spin, which would slow the process whose turn it is.
        if self._process.poll() is None:
            os.kill(self._process.pid, signal.SIGSTOP)


@contextmanager
def processes(
    paths: Mapping[str, Path], threads: int | None = None
) -> Iterator[dict[str, RunnerProcess]]:
    """One a file, ended at the end; with so many threads, or one for each core."""
    more = [] if threads is None else [str(threads)]
    run = [sys.executable, str(_SCRIPT)]
    with started({name: [*run, str(path), *more] for name, path in paths.items()}) as found:
        yield found


@contextmanager
def started(commands: Mapping[str, Sequence[str]]) -> Iterator[dict[str, RunnerProcess]]:
    """One a command, ended at the end."""
    found: dict[str, RunnerProcess] = {}
    try:
        for name, command in commands.items():
            found[name] = RunnerProcess(command)
        yield found
    finally:
        for process in found.values():
            process.close()


def times(runners: Mapping[str, RunnerProcess], rounds: int) -> dict[str, tuple[float, float]]:
    """(minimum, median) seconds of a call by name, in interleaved rounds."""
    calls = {}
    for name, runner in runners.items():
        runner.seconds(1)
        calls[name] = max(1, round(_SECONDS_OF_A_ROUND / runner.seconds(2)))
    found: dict[str, list[float]] = {name: [] for name in runners}
    for _ in range(rounds):
        for name, runner in runners.items():
            found[name].append(runner.seconds(calls[name]))
    return {name: (min(values), float(np.median(values))) for name, values in found.items()}
