"""MediaPipe in a process of its own: it and TensorFlow each bring the libraries of LiteRT.

Where it is not installed beside TensorFlow, the environment variable MEDIAPIPE_PYTHON may name the
Python of another environment that has it.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

PYTHON = os.environ.get("MEDIAPIPE_PYTHON") or (sys.executable if find_spec("mediapipe") else "")

needed = pytest.mark.skipif(
    not PYTHON, reason="mediapipe is not installed (pip install mediapipe, or MEDIAPIPE_PYTHON)"
)


class Refused(Exception):
    """What MediaPipe says of a file that it does not take."""


def segment(model: Path, picture: Path, folder: Path) -> dict:
    """What ImageSegmenter makes of a picture: `labels`, `pixels`, `confidence` (H, W, K),
    `category` (H, W)."""
    return _run("segment", model, picture, folder)


def facts(model: Path, folder: Path) -> dict:
    """A file's TFLite Metadata, as MediaPipe's own generated code reads it."""
    return _run("facts", model, model, folder)["facts"]


def _run(what: str, model: Path, picture: Path, folder: Path) -> dict:
    result = folder / "mediapipe.npz"
    done = subprocess.run(
        [
            PYTHON,
            str(Path(__file__).with_name("media_process.py")),
            what,
            str(model),
            str(picture),
            str(result),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": "", "GLOG_minloglevel": "2"},
    )
    if done.returncode:
        raise Refused(done.stderr.strip().splitlines()[-1])
    with np.load(result) as arrays:
        found = dict(arrays)
    told = json.loads(str(found.pop("told")))
    return {**found, **told}
