"""The package's commands, each in a forked process of its own.

A Python process with TensorFlow takes seconds to start. This process imports what the commands
need, starts no thread, and forks for each of them. The fork runs `keras_upsample.cli`, as the
command `keras-upsample` does, so that its end, its memory and its time are its own.
"""

import atexit
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

MARK = "RELIABILITY_RUN"
"""A variable in the environment of all that a command starts, by which orphans are found."""

MODULES = {
    "light": (
        "numpy", "PIL.Image", "PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.BmpImagePlugin",
        "PIL.GifImagePlugin", "PIL.WebPImagePlugin", "PIL.TiffImagePlugin", "tifffile", "onnx",
        "ai_edge_litert.interpreter", "keras_upsample.cli", "keras_upsample.predict._predictor",
        "keras_upsample.images._pictures", "rich.progress",
    ),
    "tensorflow": ("tensorflow", "keras", "h5py", "tf2onnx"),
}  # fmt: skip

# They start threads.
_NOT_BEFORE_A_FORK = (
    "__main__", "onnxruntime", "openvino", "keras_upsample._registered",
    "keras_upsample.metadata._described",
)  # fmt: skip
_AFTER_A_FORK_TOO = "jemalloc_bg_thd"
"""A thread of pyarrow's allocator, which the allocator starts anew in a fork."""
_REGISTERED = "keras_upsample._registered"
_LATER = ModuleType(_REGISTERED)
"""Stands for the module that registers our classes as soon as Keras is there, until the fork."""

_POLL = 0.01
_LOOK_AT_MEMORY = 0.1


@dataclass
class Outcome:
    """How a command ended.

    Attributes:
        status: its exit status, negative for the number of a signal.
        seconds: by the clock.
        cpu: processor seconds of it and what it waited for.
        peak: largest resident memory in bytes, of it or a process that it waited for.
        stopped: why the watcher killed it, or empty.
        output, errors: what it printed.
        orphans: processes that it left behind.
    """

    status: int
    seconds: float
    cpu: float
    peak: int
    stopped: str = ""
    output: str = ""
    errors: str = ""
    orphans: list[int] = field(default_factory=list)

    @property
    def traceback(self) -> bool:
        return "Traceback (most recent call last)" in self.errors + self.output

    @property
    def line(self) -> str:
        """The last line of what it complained about."""
        return (self.errors.strip().splitlines() or [""])[-1]


@dataclass
class Limits:
    """When the watcher kills a command: seconds by the clock, bytes of memory."""

    seconds: float = 120.0
    memory: int = 5 << 30


def preload(*groups: str) -> None:
    """Import what commands need, before they are forked."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    sys.modules.setdefault(_REGISTERED, _LATER)
    for group in groups:
        for module in MODULES[group]:
            import_module(module)
    _check_threads()


def preload_as(arguments: Sequence[Any], folder: Path, **options: Any) -> Outcome:
    """Import the modules that a command imports, which runs once in a fork to tell them.

    What it returns is how that run ended.
    """
    note = folder / "modules"

    def tell() -> None:
        note.write_text("\n".join(sorted(sys.modules)))

    options.setdefault("limits", Limits(seconds=900))  # the modules are new to this machine
    outcome = run_command(arguments, folder, at_exit=tell, **options)
    if not note.exists():
        raise RuntimeError(
            f"{' '.join(map(str, arguments))} ended with {outcome.status} {outcome.stopped}: "
            f"{outcome.errors[-2000:]}"
        )
    for module in note.read_text().splitlines():
        if not f"{module}.".startswith(tuple(f"{name}." for name in _NOT_BEFORE_A_FORK)):
            with suppress(Exception):  # a name that stands for a part of another module
                import_module(module)
    note.unlink()
    _check_threads()
    gc.collect()
    gc.freeze()  # a collection in a fork would copy every page
    return outcome


def _check_threads() -> None:
    """
    Raises:
        RuntimeError: an import started a thread, which a fork would lose.
    """
    if sys.platform != "linux":
        return
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    if (threads := len(names) - names.count(_AFTER_A_FORK_TOO)) > 1:
        raise RuntimeError(f"{threads} threads run after the imports; a fork keeps only one.")


def run_command(
    arguments: Sequence[Any],
    folder: Path,
    *,
    at_start: Callable[[], None] | None = None,
    at_exit: Callable[[], None] | None = None,
    watched: bool = False,
    **options: Any,
) -> Outcome:
    """`keras-upsample ARGUMENTS` in a folder; see `run_function` for the options.

    Args:
        watched: whether the command runs in a child of the fork that says how it ended, as a
            user's does; else in the fork itself, which is what is killed, whose calls are counted
            and whose own end shows.
    """

    def work() -> None:
        if at_start is not None:
            at_start()
        if at_exit is not None:
            atexit.register(at_exit)
        from keras_upsample import cli

        sys.argv = ["keras-upsample", *map(str, arguments)]
        (cli.main if watched else cli.run_command)()

    return run_function(work, folder, **options)


def run_function(
    work: Callable[[], Any],
    folder: Path,
    *,
    variables: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    strike: Callable[[int, float], int | None] | None = None,
) -> Outcome:
    """Run a function in a fork. Its temporary files go to `folder/tmp`.

    Args:
        work: the function.
        folder: its current folder.
        variables: set in its environment.
        limits: when it is killed.
        strike: called with the process and the seconds since its start until it returns a signal,
            which is sent.
    """
    limits = limits or Limits()
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    name = f"{os.getpid()}.{time.monotonic_ns()}"
    said = [folder / f".{name}.{end}" for end in ("out", "err")]
    environment = {"TMPDIR": str(temporary), MARK: name, **(variables or {})}
    sys.stdout.flush()
    sys.stderr.flush()
    start = time.monotonic()
    process = os.fork()
    if process == 0:
        _in_the_fork(work, folder, said, environment)
    stopped, sent, looked = "", False, start
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            break
        now = time.monotonic()
        if strike is not None and not sent and (number := strike(process, now - start)):
            os.kill(process, number)
            sent = True
        if now - start > limits.seconds:
            stopped = f"after {limits.seconds:.0f} s"
        elif now - looked > _LOOK_AT_MEMORY:
            looked = now
            if _resident(process) > limits.memory:
                stopped = f"above {limits.memory / 2**30:.0f} GiB"
        if stopped:
            os.kill(process, signal.SIGKILL)
            _, status, used = os.wait4(process, 0)
            break
        time.sleep(_POLL)
    seconds = time.monotonic() - start
    texts = [path.read_text(errors="replace") if path.exists() else "" for path in said]
    for path in said:
        path.unlink(missing_ok=True)
    return Outcome(
        os.waitstatus_to_exitcode(status),
        seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * 1024,
        stopped,
        *texts,
        _left(name),
    )


def _in_the_fork(
    work: Callable[[], Any], folder: Path, said: Sequence[Path], environment: Mapping[str, str]
) -> None:
    """Never returns."""
    status = 1
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        for number, path in enumerate(said, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        os.environ.update(environment)
        if sys.modules.get(_REGISTERED) is _LATER:
            del sys.modules[_REGISTERED]
        os.chdir(folder)
        import tempfile

        tempfile.tempdir = None
        for name in ("SIGTERM", "SIGHUP"):  # the benchmark may have been started by nohup
            signal.signal(getattr(signal, name), signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        work()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else bool(end.code)
    except BaseException:
        traceback.print_exc()
    finally:
        # Even what ends the process by an exception must not come back to the benchmark.
        with suppress(BaseException):
            atexit._run_exitfuncs()
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _resident(process: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _left(name: str, seconds: float = 5.0) -> list[int]:
    """Processes with the mark in their environment that are still there; they are ended."""
    end = time.monotonic() + seconds
    while (found := _marked(name)) and time.monotonic() < end:
        time.sleep(0.02)
    for process in found:
        with suppress(OSError):
            os.kill(process, signal.SIGKILL)
    return found


def _marked(name: str) -> list[int]:
    mark = f"{MARK}={name}".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError):
                if mark in Path(entry.path, "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found
