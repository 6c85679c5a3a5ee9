"""A limit to the memory that ONNX Runtime takes in first runs of a file.

ONNX Runtime takes every tensor of a run from an arena, which can have a limit (`max_mem`). Beyond
it a run ends with an error, before the memory is taken. A session keeps the arena that is
registered while the session is made.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._text import printable
from ..errors import ArtefactError
from ..files._digest import parts_of

LEAST, OF_FILE = 2**30, 8
"""A first run may take so many bytes, and so many times the file's: values are copied and packed
when a session is made."""

_BEYOND = re.compile(r"bfc_arena.*smaller than requested bytes of (\d+)", re.DOTALL)
_NODE = re.compile(r"while running (\w+) node")


@dataclass(frozen=True)
class _Made:
    runners: list[Any]
    images: int


_made: ContextVar[_Made | None] = ContextVar("made", default=None)
_registering = threading.Lock()


class RunMemoryError(ArtefactError):
    """A run of an ONNX file asks for more memory than it may take.

    Attributes:
        why: the reason alone, without the file's name and without advice.
    """

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


@contextmanager
def first_runs(*, limited: bool, images: int = 1) -> Iterator[list[Any]]:
    """Runners of ONNX files that are made here limit their memory. Yields the list of them.

    Args:
        limited: False for a file that the user trusts.
        images: of a run, at most.
    """
    made = _Made([], images)
    token = _made.set(made if limited else None)
    try:
        yield made.runners
    finally:
        _made.reset(token)


def limit_of_first_runs(runner: Any, path: Path) -> int | None:
    """Bytes that a runner of this file may take, which is noted; None outside of `first_runs`."""
    made = _made.get()
    if made is None:
        return None
    made.runners.append(runner)
    return made.images * most_of(path)


def most_of(path: Path) -> int:
    """Bytes that a first run of this file may take."""
    return LEAST + OF_FILE * sum(part.stat().st_size for part in parts_of(path))


@contextmanager
def limited_arena(options: Any, most: int | None) -> Iterator[None]:
    """Sessions that are made here with these options take `most` bytes, or any number if None.

    Initial values of the file are taken from the same arena.
    """
    if most is None:
        yield
        return
    options.add_session_config_entry("session.use_env_allocators", "1")
    with _registering:
        _register(most)
        try:
            yield
        finally:
            _register(0)  # which lets go of the arena: it ends with its session


def _register(most: int) -> None:
    import onnxruntime as ort

    kind = ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    place = ort.OrtMemoryInfo("Cpu", kind, 0, ort.OrtMemType.DEFAULT)
    # As large as asked for, not the next power of two: little is left unused below the limit.
    settings = ort.OrtArenaCfg({"max_mem": most, "arena_extend_strategy": 1})
    ort.create_and_register_allocator(place, settings)


def limited_run(session: Any, names: Sequence[str] | None, feeds: Mapping[str, Any]) -> Any:
    """A run of a session with a limited arena, which gives back at its end what it took.

    Else pieces of the sizes of one run are left, and are too small for the next.
    """
    import onnxruntime as ort

    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return session.run(names, dict(feeds), options)


def refusal(error: BaseException, path: Path, most: int) -> RunMemoryError | None:
    """What to raise for an error of ONNX Runtime; None if it has another cause than the limit."""
    text = str(error)
    found = _BEYOND.search(text)
    if found is None:
        return None
    node = _NODE.search(text)
    why = (
        f"{node[1] if node else 'a node'} asks for {_size(int(found[1]))} at once, and a first run "
        f"may take {_size(most)} in all"
    )
    return RunMemoryError(
        f"`{printable(path)}` takes too much memory in ONNX Runtime: {why} ({_size(LEAST)}, and "
        f"{OF_FILE} times the file's size, for each image). It is damaged, or needs more than "
        "models do. If you know where it comes from, trust=True (--trust) runs it without this "
        "limit.",
        why,
    )


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB" if count >= 2**29 else f"{count / 2**20:,.1f} MiB"
