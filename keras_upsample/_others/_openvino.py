"""OpenVINO without its telemetry."""

import sys
from importlib import import_module
from typing import Any

_TELEMETRY = "openvino_telemetry"


def openvino() -> Any:
    """The module `openvino`, as it is where the package `openvino_telemetry` is not installed.

    Each import sends an event to a server, from a copy of this process, and writes to `~/intel`.
    The copy holds files and locks that are open here. Who imports OpenVINO himself before has
    chosen otherwise.

    OpenVINO 2026.4.1, `openvino.tools.ovc.telemetry_utils`.
    """
    if "openvino" not in sys.modules and _TELEMETRY not in sys.modules:
        sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # its import fails, as intended
        try:
            return import_module("openvino")
        finally:
            del sys.modules[_TELEMETRY]
    return import_module("openvino")
