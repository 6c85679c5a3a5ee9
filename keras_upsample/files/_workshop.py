"""Folders for unfinished work, which a later run clears away where their process has died.

A workshop is called `.NAME.RANDOM.in-progress` and stands beside the place that its content will
take. Its process holds a lock on it. A workshop that nobody holds was left by a process that was
killed. The next one that writes to the same folder heals it: what was moved away comes back to its
place, and the workshop is removed.

Before a workshop's content is moved to its place, `swap.json` in it names the place, and the files
of values beside it (see `files._beside`) that a half-finished move has to give up or to remove.
"""

import atexit
import glob
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import Any

from ._durable import naming, sync, sync_names
from ._lock import locked, take
from ._openvino_ir import values_path

ENDING = ".in-progress"
REPLACED = "replaced_"
"""Begin of the names under which a workshop keeps what its content replaces; a number follows."""

VALUES = "values_before"
"""Name under which a workshop keeps the values of an OpenVINO file that its content replaces."""

_NAME = re.compile(r"\..*\.[a-z0-9_]{8}" + re.escape(ENDING), re.DOTALL)
_LONGEST = 100  # characters of the name in a workshop's name; a file's name may have 255 bytes
_JOURNAL = "swap.json"

_healed: set[Path] = set()
_unfinished: dict[Path, int] = {}
"""Workshops that are in use -> the process that made them; a fork knows its parent's too."""


@contextmanager
def workshop(folder: Path, name: str, *, alone: str = "") -> Iterator[Path]:
    """A new folder in `folder` to work in, removed at the end.

    Args:
        folder: where it is made; what other processes left there unfinished is healed first.
        name: of what is made in it.
        alone: a sentence's begin, `"... is being written"`, which refuses a second one of this
            name as long as the first is there.

    Raises:
        OSError: the folder can't be written to.
        BlockingIOError: there is another one of this name.
    """
    start = os.fsencode(name)[:_LONGEST].decode(errors="ignore")
    place: Path | None = None
    descriptor: int | None = None
    try:
        with names_locked(folder) as held:
            # Once for each process: a folder may hold a hundred thousand results.
            if held and (alone or folder.absolute() not in _healed):
                heal(folder)
                _healed.add(folder.absolute())
            if held and alone and any(folder.glob(f".{glob.escape(start)}.????????{ENDING}")):
                raise BlockingIOError(
                    f"{alone} by another process. Wait until that ends, or choose another folder."
                )
            place = _make(folder, start)
            descriptor = take(place)
        yield place
    finally:
        try:
            if place is not None:
                _leave(place)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _make(folder: Path, start: str) -> Path:
    """A new folder with a name that `_NAME` knows."""
    while True:
        place = folder / f".{start}.{token_hex(4)}{ENDING}"
        # Before it is there: a signal can come between the call and what would note its result.
        _unfinished[place.absolute()] = os.getpid()
        try:
            os.mkdir(place, 0o700)
            return place
        except OSError as error:
            del _unfinished[place.absolute()]
            if not isinstance(error, FileExistsError):
                raise


def _leave(place: Path) -> None:
    try:
        _clear(place)
    except OSError:  # a later one does it
        _healed.discard(place.parent.absolute())
    except BaseException:  # a signal that came meanwhile
        _clear(place)
        raise
    finally:
        _unfinished.pop(place.absolute(), None)


def _leave_all() -> None:
    """Remove the workshops of this process that a signal kept from being removed.

    A signal is an exception between any two instructions: also before the `try` of a context
    manager begins, and after its `finally` does.
    """
    for place in [place for place, process in _unfinished.items() if process == os.getpid()]:
        with suppress(OSError):
            _clear(place)


atexit.register(_leave_all)


@contextmanager
def names_locked(folder: Path) -> Iterator[bool]:
    """Wait for the lock on a folder whose names change; yields whether it is held, see `locked`.

    A workshop's own lock is held for as long as its process works in it. To wait for that, in this
    process or in a child, would be in vain: nothing is healed in a workshop, which goes as a whole.
    """
    if _NAME.fullmatch(folder.absolute().name):
        yield False
        return
    with locked(folder) as held:
        yield held


@contextmanager
def held_alone(folder: Path, name: str, what: str) -> Iterator[None]:
    """Work in a folder that no other process works in under this name.

    Where folders can't be locked, nobody can tell, and nothing is refused.

    Raises:
        BlockingIOError: another one does; the message begins with `what`.
    """
    with workshop(folder, name, alone=what):
        yield


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A path to write to, which takes the place of `path` if the block ends without an error.

    Raises:
        OSError: the file can't be written. What stood at `path` is still there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with workshop(path.parent, path.name) as place:
        staged = place / path.name
        with naming(path, place):
            yield staged
            sync(staged)
        os.replace(staged, path)
        sync_names(path.parent)


def note_swap(
    place: Path, name: str, *, added: Sequence[str] = (), obsolete: Sequence[str] = ()
) -> None:
    """Note in a workshop what is about to be moved; what has to be undone or done is seen to later.

    Args:
        place: the workshop, in which it stands under `name`.
        name: what it will be called in the folder of the workshop.
        added: files of values that are moved there before it; they go if it does not get there.
        obsolete: files of values that go once it is there.
    """
    note = place / _JOURNAL
    with naming(place.parent / name):
        note.write_text(json.dumps({"name": name, "added": [*added], "obsolete": [*obsolete]}))
        sync(note)
        sync_names(place)


def heal(folder: Path) -> None:
    """Undo or finish what dead processes left half done in a folder.

    Where folders can't be locked, nobody can tell the dead from the living, and all stays.
    """
    with suppress(OSError):
        for entry in os.scandir(folder):
            if _NAME.fullmatch(entry.name) and _is_mine(entry):
                _heal(folder / entry.name)


def _is_mine(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a folder of this user, no link: a note of a stranger is not followed."""
    found = entry.stat(follow_symlinks=False)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()


def _heal(place: Path) -> None:
    with suppress(OSError):
        descriptor = take(place)
        if descriptor is None:
            return  # its process lives, for all that can be known
        try:
            _clear(place)
        finally:
            os.close(descriptor)


def _clear(place: Path) -> None:
    """Remove a workshop, once what its content replaced is where it belongs."""
    if (note := _read(place / _JOURNAL)) is not None:
        _settle(place, **note)
    shutil.rmtree(place, ignore_errors=True)


def _settle(place: Path, name: str, added: list[str], obsolete: list[str]) -> None:
    folder = place.parent
    moved = sorted(place.glob(f"{REPLACED}*"), key=lambda old: int(old.name[len(REPLACED) :]))
    if moved and not os.path.lexists(folder / name):
        if os.path.lexists(place / VALUES):
            os.replace(place / VALUES, values_path(folder / name))
        os.rename(moved[-1], folder / name)
        sync_names(folder)
    unfinished = os.path.lexists(place / name)
    for file in added if unfinished else obsolete:
        with suppress(FileNotFoundError):
            os.unlink(folder / file)


def _read(path: Path) -> dict[str, Any] | None:
    """The note of a swap; none where it is not whole, or names anything but files of ours.

    Raises:
        OSError: it is there and can't be read.
    """
    with suppress(FileNotFoundError, ValueError, KeyError, TypeError):
        note = json.loads(path.read_text(encoding="utf-8"))
        name, added, obsolete = note["name"], note["added"], note["obsolete"]
        values = re.compile(re.escape(name) + r"\.[0-9a-f]{8}\.data")
        beside = values_path(Path(name)).name if Path(name).suffix.lower() == ".xml" else None
        if Path(name).name == name and all(
            values.fullmatch(file) or file == beside for file in (*added, *obsolete)
        ):
            return {"name": name, "added": added, "obsolete": obsolete}
    return None
