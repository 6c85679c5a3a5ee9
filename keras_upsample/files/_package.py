"""Files from a package of a public index, by name, version and SHA-256, kept in the cache."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import FetchError, first_line
from ._archive import ArchiveError, unpack
from ._cache import cache_folder
from ._durable import sync, sync_names
from ._npm import download_tarball
from ._pip import download_wheel
from ._recorded import are_as_recorded, record
from ._workshop import workshop

LARGEST = 1 << 30  # bytes of one unpacked file
_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]*")


@dataclass(frozen=True)
class Package:
    """A wheel (PyPI) or a tarball (npm).

    Attributes:
        name: name of the package; `version` is its version.
        sha256: SHA-256 of the wheel or tarball; `size` is its size in bytes.
        index: "pypi", or "npm".
        tags: pip's options that select the same wheel on every machine.
    """

    name: str
    version: str
    sha256: str
    size: int
    index: Literal["pypi", "npm"] = "pypi"
    tags: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Name of its folder in the cache: `name-version`; a scope `@a/b` becomes `a+b`."""
        return f"{self.name.removeprefix('@').replace('/', '+')}-{self.version}"


def cached_paths(package: Package, members: Mapping[str, str], folder: str = "") -> list[Path]:
    """Where the members are kept, whether or not they are there.

    Args:
        package: the package.
        members: path in the archive -> name of the file in the cache.
        folder: subfolder of the package's folder, for members whose names several nets share.

    Raises:
        ValueError: a name that is not plain: letters, digits and `_.+@=-`.
    """
    for name in (package.folder, *filter(None, (folder,)), *members.values()):
        if not _PLAIN.fullmatch(name):
            raise ValueError(
                f"A file in the cache must have a plain name, of letters, digits and _.+@=-. "
                f"Received: {name!r}."
            )
    place = cache_folder() / package.folder / folder
    return [place / name for name in members.values()]


def fetch_members(
    package: Package,
    members: Mapping[str, str],
    *,
    folder: str = "",
    label: str | None = None,
    limit: int = LARGEST,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Return files of a package; download it at the first call.

    pip or npm downloads the package by its name from the index that it is configured for, without
    dependencies; nothing of it is run. Its SHA-256 is compared with the recorded one before
    anything is unpacked. The files are unpacked into a temporary folder and then renamed into the
    cache, so that an interrupted fetch, or a second one at the same time, does no harm. Files that
    are in the cache are not fetched again, unless their SHA-256 is not that in `sha256.json` beside
    them.

    Args:
        package: the package.
        members: path in the archive -> name of the file in the cache. Paths in an npm tarball
            begin with `package/`.
        folder: subfolder of the package's folder, for members whose names several nets share.
        label: what is fetched, for messages. Default: the package's name.
        limit: bytes that one unpacked file may have.
        progress: called with the number of bytes downloaded and the size of the package.

    Returns:
        Paths, in the order of `members`.

    Raises:
        FetchError: no network, no pip or npm, a package that is not the expected one, or a cache
            that can't be written to.
        ValueError: a name in the cache is not plain.

    Example:
        >>> package = Package("toy-samples", "1.2", "0" * 64, 1000)
        >>> fetch_members(package, {"toy_samples/a.bin": "a.bin"})  # doctest: +SKIP
        [PosixPath('.../toy-samples-1.2/a.bin')]
    """
    label = label or package.name
    files = cached_paths(package, members, folder)
    if are_as_recorded(files):
        return files
    place = cache_folder() / package.folder / folder
    try:
        place.mkdir(parents=True, exist_ok=True)
        with workshop(place, "fetch") as shop:
            archive = _download(package, label, shop, progress)
            _check_hash(package, label, archive)
            staged = [shop / f"member{i}" for i in range(len(files))]
            unpack(archive, dict(zip(members, staged, strict=True)), limit)
            for source, path in zip(staged, files, strict=True):
                sync(source)
                os.replace(source, path)
            sync_names(place)
            record(files)
    except FetchError:
        raise
    except ArchiveError as error:
        raise FetchError(
            f"{label!r}: {package.name} {package.version} can't be unpacked: {error}"
        ) from error
    except OSError as error:
        raise FetchError(
            f"{label!r} can't be written to the cache {str(cache_folder())!r}: "
            f"{error.strerror or first_line(error)}. Set KERAS_UPSAMPLE_CACHE to a folder that you "
            "may write to."
        ) from error
    return files


def _download(
    package: Package, label: str, folder: Path, progress: Callable[[int, int], None] | None
) -> Path:
    def report(done: int) -> None:
        if progress is not None:
            progress(done, package.size)

    if package.index == "npm":
        return download_tarball(package.name, package.version, label, folder, report, package.size)
    return download_wheel(
        package.name, package.version, package.tags, label, folder, report, package.size
    )


def _check_hash(package: Package, label: str, archive: Path) -> None:
    from ._digest import digest_of

    found = digest_of(archive)
    if found != package.sha256:
        kind, settings = (
            ("tarball", "where npm gets it from (`npm config list`, `npm cache clean --force`)")
            if package.index == "npm"
            else ("wheel", "where pip gets it from (`pip config list`, `pip cache purge`)")
        )
        raise FetchError(
            f"{label!r}: the {kind} of {package.name} {package.version} is not the expected "
            f"one. SHA-256 expected: {package.sha256}. Received: {found}. Nothing was unpacked. "
            f"See {settings}."
        )
