"""Files in a browser: onnxruntime-web and LiteRT.js in headless Chromium, on the processor.

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

FOLDER = Path(__file__).parent / "browser"
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
_NPM_OPTIONS = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
_SECONDS = 1800


@dataclass(frozen=True)
class Job:
    """A file to run once.

    Attributes:
        runtime: `"onnxruntime-web"` or `"litert.js"`.
        model: an `.onnx` or a `.tflite` file.
        inputs: by name, in the file's own layout and types.
    """

    runtime: str
    model: Path
    inputs: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Answer:
    """What came of a job: outputs by name, or the first line of the browser's error."""

    outputs: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""


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


def versions() -> dict[str, str]:
    """Of Chromium, onnxruntime-web and LiteRT.js."""
    pinned = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    told = subprocess.run([_chromium(), "--version"], capture_output=True, text=True, check=True)
    number = re.search(r"\d+(\.\d+)+", told.stdout)
    return {
        "Chromium": number[0] if number else told.stdout.strip(),
        "onnxruntime-web": pinned["onnxruntime-web"],
        "LiteRT.js": pinned["@litertjs/core"],
    }


def run(jobs: Sequence[Job]) -> list[Answer]:
    """All jobs, one after the other, in one browser.

    Raises:
        RuntimeError: the browser itself does not run.
    """
    with tempfile.TemporaryDirectory() as workshop:
        written = [_written(job, Path(workshop) / str(n)) for n, job in enumerate(jobs)]
        listed = Path(workshop) / "jobs.json"
        listed.write_text(json.dumps(written))
        done = subprocess.run(
            ["node", str(FOLDER / "run.mjs"), str(listed), str(_packages())],
            env={**os.environ, "CHROMIUM": _chromium()},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"The browser does not run:\n{done.stderr}")
        return [_read(result) for result in json.loads(done.stdout)]


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
    if not result["ok"]:
        return Answer(error=result["error"])
    return Answer(
        {
            out["name"]: np.fromfile(out["file"], out["dtype"]).reshape(out["shape"])
            for out in result["outputs"]
        }
    )
