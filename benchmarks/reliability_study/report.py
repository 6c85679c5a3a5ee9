"""Figures of all rows in one JSON file, and the stop of a long run."""

import json
import os
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Stop = Callable[[], bool]
"""Whether a row is to end before its count is reached."""

PACKAGES = ("tensorflow", "keras", "ai-edge-litert", "onnxruntime", "onnx", "pillow", "tifffile")


def stop_after(minutes: float | None) -> Stop:
    end = None if minutes is None else time.monotonic() + 60 * minutes
    return lambda: end is not None and time.monotonic() > end


def versions() -> dict[str, str]:
    from keras_upsample._version import __version__

    found = {"keras_upsample": __version__}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def known(results: Path, row: str, part: str) -> dict[str, Any]:
    """Figures of a part of a row that an earlier run wrote; empty where none did."""
    found = json.loads(results.read_text()) if results.exists() else {}
    return dict(found.get(row, {}).get(part, {}))


def enter(results: Path, row: str, part: str, figures: dict[str, Any]) -> None:
    """Write the figures of a part of a row. What an earlier run found of other parts stays."""
    rows = json.loads(results.read_text()) if results.exists() else {}
    entry = {"date": date.today().isoformat(), "versions": versions(), **figures}
    rows.setdefault(row, {})[part] = entry
    results.parent.mkdir(parents=True, exist_ok=True)
    temporary = results.with_name(f"{results.name}.new")
    temporary.write_text(json.dumps(rows, indent=1) + "\n")
    os.replace(temporary, results)
