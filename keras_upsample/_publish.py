"""Write beside, then rename: what stood at a path before is never lost to a failure."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ._ours import other_files, our_data
from .files._beside import values_beside
from .files._digest import digest_of
from .files._durable import naming, sync, sync_names
from .files._openvino_ir import values_path
from .files._workshop import REPLACED, VALUES, names_locked, note_swap, workshop

_ATTEMPTS = 20


@contextmanager
def publish(
    path: str | Path,
    *,
    directory: bool = False,
    others: Callable[[Path], list[Path]] = other_files,
) -> Iterator[Path]:
    """A place beside `path` to write to, renamed to `path` when the block ends without an error.

    Args:
        path: where the artefact shall stand.
        directory: whether the artefact is a directory.
        others: of a directory that is replaced: the files in it that are kept, relative to it.

    Raises:
        ValueError: something of the other kind stands at `path`.
        PermissionError: the parent folder can't be written to.
        OSError: the disk can't take it.
    """
    path = Path(path)
    check_place(path, directory=directory, overwrite=True)
    created = _make_parents(path.parent)
    kept = False
    try:
        with ExitStack() as stack:
            try:
                place = stack.enter_context(workshop(path.parent, path.name))
            except OSError as error:
                raise _refusal(
                    f"`path` {str(path)!r} can't be written", error, path.parent
                ) from error
            staged = place / path.name
            with naming(path, place):
                yield staged
                if directory:
                    _keep(others(path), path, staged)
                sync(place)
            with names_locked(path.parent):
                _swap(staged, path)
                sync_names(path.parent)
            kept = True
    finally:
        if not kept:
            _remove_empty(created)


def check_place(path: Path, *, directory: bool, overwrite: bool = False) -> None:
    """Refuse a path that can't take the artefact, before any work is done.

    Raises:
        ValueError: a directory stands where a file should, or the reverse, or a directory that
            is not a SavedModel would be replaced.
    """
    if not path.name:
        raise ValueError(f"`path` must name a file or folder. Received: {str(path)!r}.")
    if directory:
        if path.is_dir():
            whole = (path / "saved_model.pb").is_file() or overwrite
            if any(path.iterdir()) and not whole:
                raise ValueError(
                    f"`path` {str(path)!r} is a folder that holds other things than a SavedModel; "
                    "it is not replaced. Choose another path, empty it, or pass overwrite=True "
                    "(--overwrite), which keeps them."
                )
        elif path.exists():
            raise ValueError(
                f"`path` {str(path)!r} is a file; a SavedModel is a folder. Choose another path."
            )
    elif path.is_dir():
        raise ValueError(
            f"`path` {str(path)!r} is a folder; it must be the file to write, e.g. "
            f"{str(path / 'model')!r} with the format's suffix."
        )


def _keep(files: list[Path], path: Path, staged: Path) -> None:
    """Files that are no part of the directory's artefact go on to be where they were."""
    for file in files:
        place = staged / file
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path / file, place, follow_symlinks=False)


def _swap(staged: Path, path: Path) -> None:
    if staged.is_file():
        _swap_file(staged, path)
        return
    # A folder that is not empty can't be replaced in one step: the old one waits in the workshop.
    note_swap(staged.parent, path.name)
    for attempt in range(_ATTEMPTS):
        old = staged.parent / f"{REPLACED}{attempt}"
        with suppress(FileNotFoundError):  # nothing stood there
            os.rename(path, old)
        try:
            os.rename(staged, path)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise  # the workshop moves the old one back
            # Another process was faster; its folder is replaced in turn.
    raise FileExistsError(f"`path` {str(path)!r} is written by other processes all the time.")


def _swap_file(staged: Path, path: Path) -> None:
    """Rename the file and its data. The name of an ONNX file's data tells its content, so nothing
    reads it yet, and what the old file reads stays until the file itself has changed in one step.
    """
    new = {file: path.with_name(file.name) for file in values_beside(staged)}
    old = our_data(path)
    for file, place in new.items():
        if os.path.lexists(place) and place not in old and digest_of(place) != digest_of(file):
            raise ValueError(
                f"{str(place)!r} is there and was not written by this package. It is not replaced. "
                "Move it away."
            )
    added = [place for place in new.values() if not os.path.lexists(place)]
    obsolete = [
        place for place in old if place not in new.values() and not _read_by_others(place, path)
    ]
    in_pairs = path.suffix.lower() == ".xml"
    if added or obsolete or in_pairs:
        note_swap(
            staged.parent,
            path.name,
            added=[place.name for place in added],
            obsolete=[place.name for place in obsolete],
        )
    if in_pairs:
        _take_away(path, staged.parent)
    for file, place in new.items():
        os.replace(file, place)
    os.replace(staged, path)


def _take_away(path: Path, place: Path) -> None:
    """Move an OpenVINO file and its values to the workshop, which moves them back if need be.

    The two names can't be given to other files in one step, and the values' name tells nothing of
    their content: between the steps no file stands there, rather than one with wrong values.
    """
    with suppress(FileNotFoundError):
        os.rename(path, place / f"{REPLACED}0")
        os.rename(values_path(path), place / VALUES)


def _read_by_others(data: Path, path: Path) -> bool:
    """Whether another ONNX file in the folder has its values there: a copy of the old one."""
    others = [file for file in path.parent.glob("*.onnx") if file != path and file.is_file()]
    return any(data.name.encode() in file.read_bytes() for file in others)


def _make_parents(folder: Path) -> list[Path]:
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(f"The folder {str(folder)!r} can't be made", error, folder.parent) from error
    return missing


def _refusal(what: str, error: OSError, folder: Path) -> OSError:
    reason = f"{what}: {error.strerror or error} in {str(folder)!r}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OSError(f"{reason} Make room there, or choose another folder.")
    return PermissionError(f"{reason} Choose a folder that you may write to.")


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        try:
            folder.rmdir()
        except OSError:
            return
