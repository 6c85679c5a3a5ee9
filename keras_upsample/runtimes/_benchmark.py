"""Latency of files, measured in interleaved rounds; each file has a process of its own."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from .._text import printable, table_lines
from ..errors import ArtefactError
from ._child import describe_end, module_command
from ._load import default_runtime
from ._runner import cpu_threads

MARK = "benchmark:"
DEFAULT_SIZE = 256
_HEADER = (
    "file", "runtime", "input", "minimum ms", "median ms", "ratio of minima", "ratio of medians",
)  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Latency of one file.

    Attributes:
        name: name of the file, as it was given.
        runtime: name and version of the runtime.
        inputs: input name -> shape that the file was run on.
        seconds: seconds of one call, one number for each round.
    """

    name: str
    runtime: str
    inputs: dict[str, tuple[int, ...]]
    seconds: tuple[float, ...]

    @property
    def minimum(self) -> float:
        """Lowest latency of one call, in seconds."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """Median latency of one call, in seconds."""
        return float(np.median(self.seconds))


@dataclass(frozen=True)
class Benchmark:
    """The latency of several files on this machine; `print` it for a table.

    Attributes:
        timings: one `Timing` for each file, in the order in which the files were given.
        threads: number of processor threads of each runtime.
        rounds: number of rounds; every file was timed once in each.
    """

    timings: tuple[Timing, ...]
    threads: int
    rounds: int

    @property
    def same_inputs(self) -> bool:
        """Whether the inputs of all files have equally many elements; else ratios are unfair."""
        pixels = {sum(map(np.prod, timing.inputs.values())) for timing in self.timings}
        return len(pixels) == 1

    def to_dict(self) -> dict[str, Any]:
        """The results as plain values: milliseconds, and ratios to the first file."""
        first = self.timings[0]
        return {
            "threads": self.threads,
            "rounds": self.rounds,
            "same_inputs": self.same_inputs,
            "files": [
                {
                    "file": timing.name,
                    "runtime": timing.runtime,
                    "inputs": {name: list(shape) for name, shape in timing.inputs.items()},
                    "minimum_ms": 1e3 * timing.minimum,
                    "median_ms": 1e3 * timing.median,
                    "minimum_ratio": timing.minimum / first.minimum,
                    "median_ratio": timing.median / first.median,
                }
                for timing in self.timings
            ],
        }

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [_HEADER]
        for timing, facts in zip(self.timings, self.to_dict()["files"], strict=True):
            shapes = ", ".join("x".join(map(str, shape)) for shape in timing.inputs.values())
            numbers = (f"{facts[name]:.4g}" for name in ("minimum_ms", "median_ms"))
            ratios = (f"{facts[name]:.2f}" for name in ("minimum_ratio", "median_ratio"))
            rows.append((timing.name, timing.runtime, shapes, *numbers, *ratios))
        lines = table_lines(rows)
        threads = f"{self.threads} thread" + "s" * (self.threads != 1)
        lines.append(
            f"{self.rounds} interleaved rounds, {threads}, each file in a process of its own; "
            "ratios to the first file"
        )
        if not self.same_inputs:
            lines.append("The files take inputs of different sizes: ratios compare different work.")
        return "\n".join(lines)


def benchmark(
    paths: Sequence[str | Path],
    *,
    rounds: int = 20,
    threads: int | None = None,
    size: tuple[int, int] | None = None,
    names: Sequence[str] | None = None,
    trust: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> Benchmark:
    """Measure how long one call of each file takes, in the runtime that it is for.

    Every file is loaded in a process of its own, without threads of other runtimes. In each round
    every file is called once to wake its threads up, and then timed: the time of a round is the
    mean over as many calls as take 50 ms, at least one. If the machine is busy for a moment, this
    affects all files alike.

    Args:
        paths: SavedModel folders, `.tflite`, `.onnx` and `.xml` files. The others are compared
            with the first one.
        rounds: number of rounds.
        threads: processor threads of each runtime, including TensorFlow. None: all that this
            process may use.
        size: height and width for files that leave them open. None: those of the first file with
            fixed ones, else 256x256. An open batch becomes 1.
        names: names of the files in the result. None: their paths.
        trust: as for `load`.
        progress: called with the share that is done, 0 to 1.

    Returns:
        The `Benchmark`.

    Raises:
        ArtefactError: a file can't be loaded or run.
        ValueError: an argument is not allowed or does not fit the files.

    Example:
        >>> print(benchmark(["net.onnx", "net.tflite"], rounds=10))  # doctest: +SKIP
    """
    if isinstance(paths, str | Path) or not paths:
        raise ValueError(f"`paths` must be a sequence of at least one file. Received: {paths!r}.")
    for name, value in (("rounds", rounds), ("threads", 1 if threads is None else threads)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"`{name}` must be a whole number >= 1. Received: {value!r}.")
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise ValueError(f"`size` must be (height, width) in pixels or None. Received: {size!r}.")
    if names is not None and len(names) != len(paths):
        raise ValueError(
            f"`names` must be one a file, here {len(paths)}, or None. Received: {names!r}."
        )
    threads = threads or cpu_threads()
    files = [Path(path) for path in paths]
    called = [str(path) for path in paths] if names is None else list(names)
    for file in files:
        default_runtime(file)  # a wrong path is told before any process starts
    with ExitStack() as stack:
        children = [stack.enter_context(_child(file, threads, trust)) for file in files]
        loaded = [child.answer() for child in children]
        fixed = [facts["size"] for facts in loaded if facts["size"]]
        height, width = size or (fixed or [(DEFAULT_SIZE, DEFAULT_SIZE)])[0]
        shapes = [child.ask({"size": [height, width]})["inputs"] for child in children]
        seconds: list[list[float]] = [[] for _ in children]
        for turn in range(rounds):
            for number, child in enumerate(children):
                seconds[number].append(float(child.ask({"run": True})["seconds"]))
            progress((turn + 1) / rounds)
    return Benchmark(
        tuple(
            Timing(name, facts["runtime"], {n: tuple(s) for n, s in given.items()}, tuple(measured))
            for name, facts, given, measured in zip(called, loaded, shapes, seconds, strict=True)
        ),
        threads,
        rounds,
    )


@contextmanager
def _child(path: Path, threads: int, trust: bool) -> Iterator["_Child"]:
    """Context manager: a child process that has loaded one file; it ends with the block."""
    arguments = [str(path), str(threads), str(int(trust))]
    command, environment = module_command("runtimes._benchmark_process", arguments)
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+", errors="replace") as log,
        subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=log,
            text=True,
            errors="replace",
            env=environment,
        ) as process,
    ):
        try:
            yield _Child(path, process, log)
        finally:
            process.kill()
            with suppress(BrokenPipeError):  # of a question that nobody reads any more
                cast(IO[str], process.stdin).close()


@dataclass(frozen=True)
class _Child:
    """A child process that answers in lines of JSON; runtimes may write other lines."""

    path: Path
    process: "subprocess.Popen[str]"
    log: IO[str]

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Send a question and return its answer."""
        questions = cast(IO[str], self.process.stdin)
        with suppress(BrokenPipeError):  # it ended: `answer` says how
            questions.write(json.dumps(question) + "\n")
            questions.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Wait for the next answer of the process.

        Raises:
            ArtefactError: the file can't be loaded or run, or the process ended.
        """
        for line in cast(IO[str], self.process.stdout):
            if MARK not in line:
                continue
            facts = json.loads(line.partition(MARK)[2])
            if "error" in facts:
                raise ArtefactError(facts["error"])
            return facts
        how = describe_end(self.process.wait())
        self.log.seek(0)
        last = self.log.read().strip().splitlines()[-1:] or ["no message"]
        raise ArtefactError(f"`{printable(self.path)}`: its process ended with {how}: {last[0]}")
