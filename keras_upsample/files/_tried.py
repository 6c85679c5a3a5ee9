"""Files that were tried on this machine: `first_loads.txt` in the cache folder has a line of each.

A key is the SHA-256 of a file and what it was tried for. It is kept once a file was read without
harm, or was written and verified here, and spares later processes the trial.
"""

from contextlib import suppress
from pathlib import Path

from ._cache import cache_folder

_MOST_BYTES = 1 << 20  # of the list, then it begins anew

_known: set[str] = set()


def was_tried(key: str) -> bool:
    """Whether a file was tried before, by this process or another one."""
    if key in _known:
        return True
    with suppress(OSError, ValueError):
        return key in _list().read_text(encoding="utf-8").splitlines()
    return False


def note_tried(key: str) -> None:
    """Remember that a file did no harm."""
    if key in _known:
        return
    _known.add(key)
    with suppress(OSError):  # it is only time saved
        place = _list()
        place.parent.mkdir(parents=True, exist_ok=True)
        full = place.exists() and place.stat().st_size > _MOST_BYTES
        with place.open("w" if full else "a", encoding="utf-8") as file:
            file.write(key + "\n")


def _list() -> Path:
    return cache_folder() / "first_loads.txt"
