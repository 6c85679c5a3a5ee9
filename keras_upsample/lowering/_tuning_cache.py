"""Times of blocks on this machine, remembered from run to run."""

import json
import os
import platform
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..export.targets import Target


class TuningCache:
    """Seconds by form, by block; one file for a runtime's version, a processor and a target.

    A file that is damaged counts as empty, and one that can't be written is not: times are only
    time saved.
    """

    def __init__(self, target: "Target") -> None:
        from ..data import cache_folder
        from ..runtimes._runner import cpu_threads

        names = (target.name, _version(target.runtime), _processor(), f"{cpu_threads()}threads")
        self.path = cache_folder() / "tuning" / ("_".join(map(_file_name, names)) + ".json")
        self._times: dict[str, dict[str, float]] = _read(self.path)

    def get(self, block: str) -> Mapping[str, float] | None:
        return self._times.get(block)

    def put(self, block: str, times: Mapping[str, float]) -> None:
        """Remember, beside what another process may have written meanwhile."""
        self._times = {**_read(self.path), **self._times, block: dict(times)}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=self.path.parent, suffix=".tmp", delete=False, encoding="utf-8"
            ) as file:
                json.dump(self._times, file, indent=1, sort_keys=True)
            os.replace(file.name, self.path)
        except OSError:
            return


def _read(path: Path) -> dict[str, dict[str, float]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {
            str(block): {str(form): float(seconds) for form, seconds in times.items()}
            for block, times in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _version(runtime: str) -> str:
    from importlib.metadata import version

    package = {"litert": "ai-edge-litert", "onnxruntime": "onnxruntime"}.get(runtime, "tensorflow")
    return f"{runtime}{version(package)}"


def _processor() -> str:
    """The processor's model, as the operating system says it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _file_name(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in text)
