"""npm, run as a program: a package's tarball, without its dependencies."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from ..errors import FetchError
from ._end_with_parent import end_with_parent
from ._transfer import Limit

_OPTIONS = ("--ignore-scripts", "--loglevel=error", "--no-update-notifier", "--no-progress")
LISTS = 2**26  # bytes beside the tarball: npm keeps lists of a package's versions too


def download_tarball(
    name: str,
    version: str,
    label: str,
    folder: Path,
    progress: Callable[[int], None],
    size: int,
) -> Path:
    """Let `npm pack` download a package's tarball into `folder`, which must be empty.

    npm uses its configured registry and its own cache, and compares the registry's checksum.

    Args:
        name: name of the package, with its scope; `version` is its version.
        label: what is fetched, for messages.
        folder: folder for the tarball.
        progress: called with the number of bytes downloaded, at the end.
        size: bytes of the tarball.

    Raises:
        FetchError: there is no npm, it fails, takes too long, or gets far more than `size`.
    """
    npm = shutil.which("npm")  # with its suffix, which Windows asks for
    if npm is None:
        raise FetchError(
            f"{label!r} is downloaded by npm, which is not installed. Install Node.js, or fetch it "
            "on another machine and copy its cache here."
        )
    limit = Limit(size)
    command = [npm, "pack", f"{name}@{version}", f"--pack-destination={folder}", *_OPTIONS]
    try:
        done = subprocess.run(
            # npm writes to its cache first, so that only the system can tell how much it is.
            end_with_parent(command, largest=size + LISTS),
            cwd=folder,  # away from a package.json that is none of ours
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit.seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(
            f"{label!r}: npm's download of {name} {version} was stopped: it takes more than "
            f"{limit.seconds:.0f} seconds. Check the network and npm's settings (`npm config "
            "list`)."
        ) from error
    if done.returncode and "EFBIG" in done.stderr:
        raise FetchError(
            f"{label!r}: npm's download of {name} {version} was stopped: there are more than "
            f"{size + LISTS:,} bytes, and it should have {size:,}. See npm's settings (`npm "
            "config list`)."
        )
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode or len(tarballs) != 1:
        raise FetchError(
            f"{label!r}: npm could not download {name} {version}: {_reason(done.stderr)}. Check "
            "the network and npm's settings (`npm config list`), or fetch it on another machine "
            "and copy its cache here."
        )
    progress(tarballs[0].stat().st_size)
    return tarballs[0]


def _reason(log: str) -> str:
    """The line of npm's output that says why; the code before it says of what kind it is."""
    lines = [line.strip().removeprefix("npm ") for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("error ") for line in lines if line.startswith("error ")]
    said = [line for line in errors if not line.startswith(("code ", "errno ", "A complete log"))]
    first = (said or errors or lines or ["it does not say why"])[0]
    return first.rstrip(".")
