"""Check of a written file by its device's compiler or interpreter."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import first_line
from ..targets import Target

if TYPE_CHECKING:
    from ..edge import CheckReport

_NOT_DONE = {"vela": "not compiled", "tflm": "not run", "rules": "not checked", "gpu": "not run"}


def check_on_device(path: Path, target: Target) -> "tuple[CheckReport | None, str]":
    """Check a file for its device, if the device's compiler or interpreter is installed.

    Returns:
        The report, and the reason why there is none. The report is None if the target has no
        device, or if the compiler or interpreter is not installed; only in the latter case there
        is a reason. The file is valid without the check.
    """
    if not target.device:
        return None, ""
    from ..edge import check
    from ..targets import device_named

    try:
        return check(path, target.device), ""
    except ModuleNotFoundError as error:
        return None, f"{_NOT_DONE[device_named(target.device).how]}: {first_line(error)}"
