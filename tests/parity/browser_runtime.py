"""Files in a browser: onnxruntime-web and LiteRT.js in headless Chromium, by WASM and WebGPU.

Without a GPU, Chromium runs WebGPU by its software driver, SwiftShader: right values, slowly.

Needs Node.js with npm, and Chromium (the environment's CHROMIUM, or by its usual names). The npm
packages that `browser/package.json` names are installed into the cache at the first call.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from keras_upsample.data import cache_folder
from keras_upsample.runtimes._gpu import Attempt

FOLDER = Path(__file__).parent / "browser"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_NPM_OPTIONS = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
_SECONDS = 1800
# Warnings that operators of a file stay on WASM. LiteRT.js does not always give its own.
_PARTLY_ONNX = "Some nodes were not assigned to the preferred execution providers"
_PARTLY_LITERT = "Model not fully compiled for webgpu"


@dataclass(frozen=True)
class Job:
    """A file to run once.

    Attributes:
        runtime: `"onnxruntime-web"` or `"litert.js"`, which use WASM, or one of these with
            `" WebGPU"` after it.
        model: an `.onnx` or a `.tflite` file.
        inputs: by name, in the file's own layout and types.
    """

    runtime: str
    model: Path
    inputs: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """What came of a job.

    Attributes:
        outputs: by name; empty after an error.
        error: the first line of the browser's error; what the GPU refused of the file, though
            outputs came back; or empty.
        log: of the page's console.
    """

    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""
    log: str = ""

    @property
    def partly(self) -> bool:
        """Whether ONNX Runtime ran operators of a job for WebGPU on WASM."""
        return _PARTLY_ONNX in self.log


@dataclass(frozen=True)
class Adapter:
    """What WebGPU runs on.

    Attributes:
        name: vendor and architecture.
        half: whether shaders can compute in half precision (`shader-f16`).
    """

    name: str
    half: bool


@cache
def available() -> str:
    """Why no file can be run in a browser here, or empty. Installs the packages."""
    if not (shutil.which("node") and shutil.which("npm")):
        return "Node.js is not installed"
    if not _chromium():
        return "Chromium is not installed"
    try:
        _packages()
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines() or [str(error)]
        return f"the npm packages can't be installed: {lines[0]}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"the npm packages can't be installed: {error}"
    return ""


@cache
def adapter() -> Adapter | None:
    """Chromium's, or None where it has none."""
    found = _browser([])["adapter"]
    return Adapter(found["name"], "shader-f16" in found["features"]) if found else None


def versions() -> dict[str, str]:
    """Of Chromium, onnxruntime-web and LiteRT.js, and the name of WebGPU's adapter."""
    pinned = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    told = subprocess.run([_chromium(), "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"\d+(\.\d+)+", told.stdout)
    gpu = adapter()
    return {
        "Chromium": number[0] if number else told.stdout.strip(),
        "onnxruntime-web": pinned["onnxruntime-web"],
        "LiteRT.js": pinned["@litertjs/core"],
        "WebGPU adapter": gpu.name if gpu else "none",
    }


def run(jobs: Sequence[Job]) -> list[Answer]:
    """All jobs, one after the other, in one browser.

    Raises:
        RuntimeError: the browser itself does not run.
    """
    with tempfile.TemporaryDirectory() as workshop:
        written = [_written(job, Path(workshop) / str(n)) for n, job in enumerate(jobs)]
        return [_read(result) for result in _browser(written)["results"]]


def _browser(jobs: list[dict[str, object]]) -> dict:
    """What `run.mjs` prints."""
    with tempfile.TemporaryDirectory() as workshop:
        listed = Path(workshop) / "jobs.json"
        listed.write_text(json.dumps(jobs))
        done = subprocess.run(
            ["node", str(FOLDER / "run.mjs"), str(listed), str(_packages())],
            env={**os.environ, "CHROMIUM": _chromium()},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
    if done.returncode:
        raise RuntimeError(f"The browser does not run:\n{done.stderr}")
    return json.loads(done.stdout)


def _chromium() -> str:
    names = [os.environ.get("CHROMIUM", ""), *_CHROMIUM]
    return next((found for name in names if name and (found := shutil.which(name))), "")


def _packages() -> Path:
    """Where the npm packages are.

    They are installed beside that place and moved there whole, so that an installation that is
    interrupted, or a second one at the same time, does no harm.
    """
    wanted = (FOLDER / "package.json").read_bytes()
    place = cache_folder() / "browser" / hashlib.sha256(wanted).hexdigest()[:12]
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=".install.", dir=place.parent, ignore_cleanup_errors=True
    ) as workshop:
        staged = Path(workshop) / "packages"
        staged.mkdir()
        (staged / "package.json").write_bytes(wanted)
        command = [str(shutil.which("npm")), "install", *_NPM_OPTIONS]
        subprocess.run(
            command, cwd=staged, check=True, capture_output=True, text=True, timeout=_SECONDS
        )
        with suppress(OSError):  # another was faster
            os.replace(staged, place)
    if not place.is_dir():
        raise OSError(f"`{place}` can't be written")
    return place


def _written(job: Job, stem: Path) -> dict[str, object]:
    inputs = []
    for k, (name, value) in enumerate(job.inputs.items()):
        file = Path(f"{stem}.in{k}")
        file.write_bytes(np.ascontiguousarray(value).tobytes())
        inputs.append(
            {"name": name, "shape": value.shape, "dtype": value.dtype.name, "file": str(file)}
        )
    return {
        "runtime": job.runtime,
        "model": str(job.model),
        "inputs": inputs,
        "outputs": f"{stem}.out",
    }


def _read(result: dict) -> Answer:
    log = result["log"]
    if error := result.get("error") or _refused(log):
        return Answer(error=error, log=log)
    outputs = {
        out["name"]: np.fromfile(out["file"], out["dtype"]).reshape(out["shape"])
        for out in result["outputs"]
    }
    return Answer(outputs, log=log)


def _refused(log: str) -> str:
    """What the GPU did not take of a file, though outputs came back; or empty.

    Operators that LiteRT.js leaves on WASM are an error, as in the native runtime `litert_gpu`;
    those that ONNX Runtime leaves there are not, as in `onnxruntime_webgpu`.
    """
    told = Attempt(None, log, 0)
    if told.fault:
        return told.fault
    if told.refusals:
        return f"operators stay on WASM: {told.reason}"
    return "operators stay on WASM" if _PARTLY_LITERT in log else ""
