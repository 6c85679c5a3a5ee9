"""Check of a written file by its device's compiler or interpreter."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import first_line
from ..targets import Target

if TYPE_CHECKING:
    from ..edge import CheckReport

_NOT_DONE = {"vela": "not compiled", "tflm": "not run", "rules": "not checked"}


def check_on_device(path: Path, target: Target) -> "tuple[CheckReport | None, str]":
    """What the device makes of a file, and why that is not known.

    Returns:
        The report, None for files of no device and where the device's compiler or interpreter is
        not installed; in the latter case the reason: the file is as good without it.
    """
    if not target.device:
        return None, ""
    from ..edge import check
    from ..targets import device_named

    try:
        return check(path, target.device), ""
    except ModuleNotFoundError as error:
        return None, f"{_NOT_DONE[device_named(target.device).how]}: {first_line(error)}"
