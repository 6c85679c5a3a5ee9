"""GPU engines: which driver they find, and what their logs say.

Each engine runs in a process of its own, because the driver's variables must stand before a process
starts, and because a driver may take its process down.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._text import printable
from ..errors import ArtefactError
from ..files._scratch import scratch
from ._child import describe_end, run_module

_CHROMIUM_FOLDERS = ("/usr/lib/chromium", "/usr/lib/chromium-browser", "/opt/google/chrome")
_SOFTWARE_DRIVER = "vk_swiftshader_icd.json"
_CHOSEN = ("VK_ICD_FILENAMES", "VK_DRIVER_FILES")  # of Vulkan's loader: the driver to use
_SECONDS = 900  # software drivers compile shaders on the processor

# LiteRT logs what its WebGPU device refuses and returns success, with the outputs as they were.
_FAULT = re.compile(
    r"[^\n]*(Validation error|Error while parsing WGSL|device (?:was )?lost"
    r"|(?i:webgpu)[^\n]*validation[^\n]*fail)[^\n]*"
)
_ADAPTER = re.compile(r"Selected adapter: (.+?), arch=")
_REFUSED = re.compile(
    r"Following operations are not supported by GPU delegate:\n(.*?)\n\s*"
    r"(?:No operations|\d+ operations?)\b",
    re.DOTALL,
)
_EXCEPTION = re.compile(r"^Traceback .*?^(?=\S)(?!Traceback)([^\n]+)", re.DOTALL | re.MULTILINE)


def driver_is_absent() -> str:
    """Why no GPU engine can run here, or empty.

    On Linux the engines need a Vulkan driver: a GPU's, the one that the variable VK_ICD_FILENAMES
    names, or the software driver (SwiftShader) in Chromium's folder.
    """
    if not sys.platform.startswith("linux") or _chosen() or _has_gpu() or _chromium():
        return ""
    return (
        "there is no Vulkan driver. Install a GPU's, or Chromium, whose software driver gives the "
        "same values slowly (Debian: apt-get install chromium), or set VK_ICD_FILENAMES"
    )


def driver_variables() -> dict[str, str]:
    """Variables of the environment with which an engine finds its driver.

    A GPU is left to the system. Without one the software driver is taken, so that a result never
    comes from a driver that was not asked for; the runner's name says which it was.
    """
    if not sys.platform.startswith("linux"):
        return {}
    variables = {}
    folder = _chromium()
    software = not _chosen() and not _has_gpu()
    if software and folder:
        variables["VK_ICD_FILENAMES"] = str(folder / _SOFTWARE_DRIVER)
    if software or _chosen():
        # Without it ONNX Runtime lists no device on a machine without a GPU.
        variables["ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER"] = "1"
    if folder and find_library("vulkan") is None:  # Chromium brings Vulkan's loader along
        before = os.environ.get("LD_LIBRARY_PATH")
        variables["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, (before, str(folder))))
    return variables


def _chosen() -> bool:
    return any(os.environ.get(name) for name in _CHOSEN)


def _has_gpu() -> bool:
    return any(Path("/dev/dri").glob("renderD*")) or Path("/dev/nvidia0").exists()


def _chromium() -> Path | None:
    """The folder of a Chromium that has the software driver."""
    folders = map(Path, _CHROMIUM_FOLDERS)
    return next((folder for folder in folders if (folder / _SOFTWARE_DRIVER).is_file()), None)


@dataclass(frozen=True)
class Attempt:
    """A run in an engine's process.

    Attributes:
        outputs: by name; None if the process wrote none.
        log: whatever it printed.
        code: of its end.
    """

    outputs: dict[str, np.ndarray] | None
    log: str
    code: int

    @property
    def fault(self) -> str:
        """What the device refused while it ran, or empty; the outputs are not valid then."""
        found = _FAULT.search(self.log)
        return found.group(0).strip() if found else ""

    @property
    def adapter(self) -> str:
        """Name of the device."""
        found = _ADAPTER.search(self.log)
        return found.group(1).strip() if found else "an unnamed device"

    @property
    def refusals(self) -> tuple[tuple[str, str], ...]:
        """What LiteRT's GPU accelerator does not take: kinds of operators and the reasons."""
        found = _REFUSED.search(self.log)
        lines = found.group(1).splitlines() if found else []
        parts = (line.strip().partition(":") for line in lines if line.strip())
        return tuple((kind.strip(), reason.strip()) for kind, _, reason in parts)

    @property
    def reason(self) -> str:
        """Why there are no outputs."""
        if self.refusals:
            lines = (f"{kind}: {why}" if why else kind for kind, why in self.refusals)
            return "; ".join(lines).rstrip(".")
        raised = _EXCEPTION.search(self.log)
        return raised.group(1) if raised else f"its process ended with {describe_end(self.code)}"


def attempt(
    module: str, path: Path, feeds: Mapping[str, np.ndarray], options: Sequence[str]
) -> Attempt:
    """Run a file once in `python -m keras_upsample.MODULE FILE INPUTS OUTPUTS OPTIONS`.

    Args:
        module: it reads the inputs and writes the outputs as `.npz`, by names.
        feeds: input name -> array.
    """
    with scratch() as folder:
        given, found = folder / "in.npz", folder / "out.npz"
        np.savez(given, **dict(feeds))  # type: ignore[arg-type]  # any name, as NumPy has it
        done = run_module(
            module,
            [str(path), str(given), str(found), *options],
            seconds=_SECONDS,
            variables=driver_variables(),
        )
        outputs = None
        if found.exists():
            with np.load(found) as values:
                outputs = {name: values[name] for name in values.files}
        return Attempt(outputs, done.stdout + done.stderr, done.returncode)


def outputs_of(done: Attempt, path: Path, engine: str) -> dict[str, np.ndarray]:
    """The outputs of an attempt, by name.

    Args:
        path, engine: for messages.

    Raises:
        ArtefactError: the engine refuses the file, its device refused a part of it, or the process
            ended.
    """
    if done.fault:
        raise ArtefactError(f"`{printable(path)}` is computed wrongly by {engine}: {done.fault}")
    if done.outputs is None:
        raise ArtefactError(f"`{printable(path)}` does not run in {engine}: {done.reason}")
    return done.outputs
