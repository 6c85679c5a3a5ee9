"""The child process of `_first_load`."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import ArtefactError
from ..files._limits import limit_memory, limit_time
from ._first_load import LOAD_SECONDS, MARK, RUN_SECONDS
from ._load import load

_LEAST_MEMORY = 8 << 30  # address space that TensorFlow reserves is more than it uses
_OPEN_SIZE = 32


def main() -> None:
    """In the child process: load the file, run it once on zeros, print the steps that succeed."""
    runtime, path = sys.argv[1], Path(sys.argv[2])
    _limit_memory()
    limit_time(LOAD_SECONDS)
    try:
        runner = load(path, runtime=runtime, trust=True)
    except ArtefactError as error:
        _say(json.dumps(str(error)))
        return
    except Exception:  # not the file's doing; the process that asked says it better
        return
    _say("loaded")
    limit_time(RUN_SECONDS)
    for feeds in _zeros(runner):
        with suppress(Exception):  # an error is no crash: zeros need not suit the model
            runner(feeds)
    _say("ran")


def _zeros(runner: Any) -> Iterator[dict[str, Any]]:
    import numpy as np

    if any(info.dtype.kind not in "buifc" for info in runner.inputs):
        return
    shapes = {
        info.name: tuple(
            size if size is not None else _OPEN_SIZE if axis else 1
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
