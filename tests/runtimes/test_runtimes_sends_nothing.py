"""No export, check or prediction opens a connection, nor forks this process."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

WATCHED = """
import sys

def hook(event, arguments):
    if event in ("os.fork", "socket.connect", "socket.getaddrinfo"):
        sys.__stderr__.write(f"{event} {arguments}\\n")
        sys.__stderr__.flush()
        import os
        os._exit(99)

sys.addaudithook(hook)
from keras_upsample.cli import run_command

sys.argv = ["keras-upsample", *sys.argv[1:]]
run_command()
"""
TARGETS = ["saved_model", "tflite", "onnx", *(["openvino"] if find_spec("openvino") else [])]


def run(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    home = folder / "home"
    home.mkdir(exist_ok=True)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "HOME": str(home), "PYTHONPATH": root, "COLUMNS": "200"}
    # What makes OpenVINO's telemetry stay silent anyway.
    for name in ("CI", "TF_BUILD", "JENKINS_URL"):
        environment.pop(name, None)
    return subprocess.run(
        [sys.executable, "-c", WATCHED, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
        timeout=300,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no forks")
def test_an_export_to_every_format(tmp_path):
    targets = [word for target in TARGETS for word in ("--target", target)]
    options = ("--filters", "4,4,8", "--classes", "3", "--out", tmp_path / "out")
    done = run(tmp_path, "export", "unet", *options, *targets)
    assert done.returncode == 0, done.stderr[-2000:]
    assert all(target in done.stdout for target in TARGETS)
    assert not (tmp_path / "home" / "intel").exists()


def test_the_watch_sees_a_connection(tmp_path):
    """Port 9 of this machine, which nobody listens to."""
    code = WATCHED.replace(
        "from keras_upsample.cli import run_command", "import socket; run_command = lambda: "
        "socket.create_connection(('127.0.0.1', 9))",
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 99 and "socket." in done.stderr
