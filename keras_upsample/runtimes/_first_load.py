"""First load of an unknown file, in a child process.

The runtimes are C++ code that trusts its files: a damaged file crashes the process. A file that
was loaded before, or was written and verified here, is recognised by its SHA-256 and loaded at
once, also by later processes (`files._tried`).
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .._text import printable
from ..errors import ArtefactError
from ..files._digest import digest_of, parts_of
from ..files._openvino_ir import check_ir
from ..files._tflite_structure import check_structure
from ..files._tried import note_tried, was_tried
from ._child import MoreMemoryError, describe_end, run_module
from ._runner import load_errors

# TensorFlow on SavedModels is not among them: it checks what it reads (of 230 damaged ones none
# crashed it), and a process with it takes 4 seconds to start.
_TITLES = {
    "litert": ("LiteRT", "ai-edge-litert"),
    "litert_builtin": ("LiteRT", "ai-edge-litert"),
    "litert_flex": ("TensorFlow Lite", "tensorflow"),
    "tflm": ("LiteRT", "ai-edge-litert"),  # which reads the names; TFLM has a process of its own
    "onnxruntime": ("ONNX Runtime", "onnxruntime"),
    "openvino": ("OpenVINO", "openvino"),
    "openvino_default": ("OpenVINO", "openvino"),
}

_READ_AS_TFLITE = ("LiteRT", "TensorFlow Lite")

LOAD_SECONDS, RUN_SECONDS, SPEED = 300, 60, 10e6
"""What loading and one run may take; a run takes a second more for each `SPEED` bytes."""

SMALL, MEMORY = 10_000_000, 3 * 2**29
"""A file below so many bytes is loaded and run once in so much memory."""

MARK = "first load:"

_HINT = "If you know where the file comes from, trust=True (--trust) loads it here all the same."


def admit(path: Path, runtime: str) -> None:
    """Raise unless this runtime can load the file without crashing the process.

    Raises:
        ArtefactError: its structure is damaged, or the process that loaded it first did not
            survive, or took too long or too much memory.
    """
    if runtime not in _TITLES:
        return
    title = _TITLES[runtime][0]
    with load_errors(path, title):
        if title in _READ_AS_TFLITE:
            check_structure(path.read_bytes())
        if path.suffix == ".xml":
            check_ir(path)
        key = _key(path, runtime)
    if was_tried(key):
        return
    refused = _refusal(path, runtime)
    if refused is None:
        note_tried(key)
    elif refused:
        raise ArtefactError(refused)


def remember(path: Path, runtimes: Iterable[str], digests: Mapping[str, str]) -> None:
    """Record a file that was loaded and run here; it is not tried in a child process again.

    Args:
        path: of the file.
        runtimes: that ran it.
        digests: of its files, see `digests_of`.
    """
    for runtime in runtimes:
        if runtime in _TITLES:
            note_tried(_key(path, runtime, digests))


def _key(path: Path, runtime: str, digests: Mapping[str, str] | None = None) -> str:
    package = _TITLES[runtime][1]
    try:
        number = version(package)
    except PackageNotFoundError:
        number = "?"
    return f"{digest_of(path, digests)} {runtime} {number}"


def _refusal(path: Path, runtime: str) -> str | None:
    """None if the file runs, else why it is refused; "" if loading it here gives the reason."""
    title = _TITLES[runtime][0]
    start = f"`{printable(path)}` can't be loaded by {title}: "
    size = sum(part.stat().st_size for part in parts_of(path))
    seconds = RUN_SECONDS + size / SPEED
    slow = f"{start}that took more than {LOAD_SECONDS} seconds. {_HINT}"
    try:
        done = run_module(
            "runtimes._first_load_process",
            [runtime, str(path), str(LOAD_SECONDS), str(seconds)],
            seconds=LOAD_SECONDS + seconds + 30,
            memory=MEMORY if size < SMALL else None,
        )
    except subprocess.TimeoutExpired:
        return slow
    except MoreMemoryError:
        return (
            f"{start}to load it and to run it once takes more than {MEMORY / 2**30:g} GiB of "
            f"memory, and the file has {size:,} bytes. {_HINT}"
        )
    said = [line.partition(MARK)[2].strip() for line in done.stdout.splitlines() if MARK in line]
    loaded = "loaded" in said
    if "ran" in said:
        return None  # whatever became of the process when it ended
    how = describe_end(done.returncode)
    if how == "SIGALRM" and loaded:
        return (
            f"{start}one run of it on zeros takes more than {seconds:.0f} seconds, and may never "
            f"end. {_HINT}"
        )
    if how == "SIGALRM":
        return slow
    refused = next((json.loads(line) for line in said if line.startswith('"')), "")
    if loaded and refused:
        why = refused.rstrip(".")
        return f"{start}one run of it on zeros needs too much memory: {why}. {_HINT}"
    if done.returncode == 0:
        return str(refused)
    if done.returncode == 1 and not said:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        return f"{start}the process for its first load can't start: {last[0]}"
    what = "running it" if loaded else "loading it"
    return (
        f"{start}{what} ended the process that tried it first with {how}. It is damaged, or meets "
        f"a fault of the runtime. {_HINT}"
    )
