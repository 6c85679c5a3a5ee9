"""An unknown Keras file is first read in a child process, and may not build more than it holds.

libhdf5 is C code that trusts its files: a damaged file crashes it, or lets it go on for ever. And
the configuration in a file of 10 kB may ask for layers of terabytes.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from ._others._keras import variables_within
from .errors import ArtefactError, first_line
from .files._digest import digest_of
from .files._keras_archive_process import MARK
from .files._tried import note_tried, was_tried
from .runtimes._child import describe_end, run_module

SECONDS, SPEED = 20, 20e6
"""What any file may take, and the bytes in a second that a larger one must make."""

MEMORY = 2**30  # bytes above those of the libraries

SHARE, SPARE = 4, 2**24
"""Elements that layers may have beside those in the file, tables that they compute: one for each
`SHARE` of the file's, and `SPARE` more."""

SUFFIXES = (".keras", ".h5", ".hdf5")
HINT = "If you know where the file comes from, trust=True (--trust) loads it all the same."


@contextmanager
def first_read(path: Path, *, trust: bool = False, hint: str = HINT) -> Iterator[None]:
    """Read a model or weights file in a child process, then let the block load it by Keras.

    A file that was loaded before is not tried again. One of another kind (`.json`) is not read.

    Args:
        path: the file.
        trust: whether it is neither tried nor bounded.
        hint: what to do where it is refused.

    Raises:
        ArtefactError: it is damaged, the process did not survive, the file claims more than it
            holds, or the block makes variables of more elements than the file has.
    """
    if trust or path.suffix not in SUFFIXES:
        yield
        return
    try:
        key = f"{digest_of(path)} keras {version('keras')} h5py {version('h5py')}"
    except OSError as error:
        raise ArtefactError(f"{str(path)!r} can't be read: {first_line(error)}") from error
    if was_tried(key):
        yield
        return
    elements = _elements(path, hint)

    def refusal(asked: int) -> ArtefactError:
        return ArtefactError(
            f"{str(path)!r} is refused: its layers ask for weights of {asked:,} elements, and the "
            f"file has {elements:,}. {hint}"
        )

    with variables_within(elements + elements // SHARE + SPARE, refusal):
        yield
    note_tried(key)


def _elements(path: Path, hint: str) -> int:
    """Elements of all weights in a file, which a child process has read."""
    seconds = SECONDS + path.stat().st_size / SPEED
    start = f"{str(path)!r} can't be loaded by Keras: "
    try:
        done = run_module(
            "files._keras_archive_process",
            [str(path), str(seconds), str(MEMORY)],
            seconds=seconds + 30,
        )
    except subprocess.TimeoutExpired:
        raise ArtefactError(f"{start}{_too_long(seconds, hint)}") from None
    lines = [line.partition(MARK)[2] for line in done.stdout.splitlines() if MARK in line]
    if lines:
        said = json.loads(lines[-1])
        if "damage" in said:
            raise ArtefactError(f"{start}it is damaged: {said['damage'].rstrip('.')}.")
        if "claim" in said:
            raise ArtefactError(f"{str(path)!r} is refused: {said['claim']}. {hint}")
        return int(said["elements"])
    how = describe_end(done.returncode)
    if how == "SIGALRM":
        raise ArtefactError(f"{start}{_too_long(seconds, hint)}")
    if done.returncode > 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no message"]
        raise ArtefactError(f"{start}the process that reads it first can't start: {last[0]}")
    raise ArtefactError(
        f"{start}reading it ended the process that tried it first with {how}. It is damaged, or "
        f"meets a fault of libhdf5. {hint}"
    )


def _too_long(seconds: float, hint: str) -> str:
    return f"to read it takes more than {seconds:.0f} seconds. {hint}"
