"""`pull`: the files of a repository to a folder, whole or not at all."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .._ours import files_in
from .._publish import publish
from ._address import address_of
from ._hubs import hub_of


@dataclass(frozen=True)
class PullReport:
    """What `pull` wrote.

    Attributes:
        address: address of the repository.
        path: the folder.
        revision: commit or version of the files.
        files: their paths in the folder.
    """

    address: str
    path: str
    revision: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.address} at {self.revision}: {len(self.files)} files in {self.path}"


def pull(
    address: str,
    out: str | Path,
    *,
    overwrite: bool = False,
    tell: Callable[[str], None] | None = None,
) -> PullReport:
    """Write the files of a repository to a folder, each compared with what the hub states.

    That is a hash at Hugging Face. Kaggle's list has sizes alone; the storage behind it may state
    an MD5, which is compared then.

    The folder appears whole or not at all. No file is loaded: what a foreign file may do is
    decided, by `trust`, where it is loaded.

    Args:
        address: `"hf://USER/NAME"` or `"kaggle://USER/MODEL/keras/VARIATION"`. `@REVISION` (a
            branch, tag or commit) or `/VERSION` may follow.
        out: the folder; it must be empty or not there.
        overwrite: whether files of the same names are replaced in a folder that is not empty. The
            others are kept.
        tell: called with a line on what is downloaded, before it is.

    Returns:
        The report.

    Raises:
        ValueError: an unknown address, or something stands at `out`.
        ModuleNotFoundError: the hub's client is not installed.
        HubError: no such repository or revision, no access, no network, or a file that is not as
            the hub states. Nothing was written.
        OSError: the folder can't be written.

    Example:
        >>> pull("hf://me/unet", "unet")  # doctest: +SKIP
    """
    place = address_of(address)
    hub = hub_of(place)
    out = Path(out)
    _check_free(out, overwrite=overwrite)
    hub.check(writes=False)
    if tell is not None:
        tell(f"from {place} to {out}")
    with publish(out, directory=True, others=_all_files) as staged:
        staged.mkdir()
        revision, names = hub.download(staged)
    return PullReport(str(place), str(out), revision, names)


def _check_free(out: Path, *, overwrite: bool) -> None:
    """Refuse a place where something of the user's stands.

    Raises:
        ValueError: it names what is there.
    """
    if not os.path.lexists(out):
        return
    if out.is_symlink() or not out.is_dir():
        raise ValueError(f"`out` {str(out)!r} is there and is no folder. Choose another path.")
    there = next(out.iterdir(), None)
    if there is not None and not overwrite:
        raise ValueError(
            f"`out` {str(out)!r} holds {there.name!r}. Choose another folder, or pass "
            "overwrite=True (--overwrite), which replaces files of the same names and keeps the "
            "others."
        )


def _all_files(folder: Path) -> list[Path]:
    return files_in(folder) if folder.is_dir() else []
