"""The child process of `_first_load`."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ArtefactError, first_line
from ..files._limits import limit_memory, limit_time
from ._first_load import MARK
from ._load import load
from ._onnx_memory import RunMemoryError, first_runs

_LEAST_MEMORY = 8 << 30  # address space that TensorFlow reserves is more than it uses
OPEN_SIZE = 32
_MEMORY = r"bad.?alloc|allocate|out of memory"
"""What runtimes say when memory runs out."""


def main() -> None:
    """In the child process: load the file, run it once on zeros, print the steps that succeed."""
    runtime, path, load_seconds, run_seconds = sys.argv[1:]
    _limit_memory()
    with first_runs(limited=True):
        _try(runtime, Path(path), float(load_seconds), float(run_seconds))


def _try(runtime: str, path: Path, load_seconds: float, run_seconds: float) -> None:
    limit_time(load_seconds)
    try:
        runner = load(path, runtime=runtime, trust=True)
    except ArtefactError as error:
        _say(json.dumps(str(error)))
        return
    except Exception:  # not the file's doing; the process that asked says it better
        return
    _say("loaded")
    limit_time(run_seconds)
    try:
        for feeds in _zeros(runner):
            runner(feeds)
    except RunMemoryError as error:
        _say(json.dumps(error.why))
        return
    except Exception as error:  # no crash: zeros need not suit the model
        text = first_line(error)
        if isinstance(error, MemoryError) or re.search(_MEMORY, text, re.IGNORECASE):
            _say(json.dumps(text))
            return
    _say("ran")


def _zeros(runner: Any) -> Iterator[dict[str, Any]]:
    import numpy as np

    if any(info.dtype.kind not in "buifc" for info in runner.inputs):
        return
    shapes = {
        info.name: tuple(
            size if size is not None else OPEN_SIZE if axis else 1
            for axis, size in enumerate(info.shape)
        )
        for info in runner.inputs
    }
    yield {info.name: np.zeros(shapes[info.name], info.dtype) for info in runner.inputs}


def _say(what: str) -> None:
    print(f"\n{MARK} {what}", flush=True)


def _limit_memory() -> None:
    """To the machine's; runtimes reserve address space beyond what they use."""
    with suppress(OSError, ValueError, AttributeError):
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        limit_memory(max(there, _LEAST_MEMORY))


if __name__ == "__main__":
    main()
