"""A command that is told to end, or is killed, leaves nothing once the next one has run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

EXPORT = (
    "export", "unet", "--filters", "4,4,8", "--classes", "3",
    "--target", "saved_model", "--target", "tflite",
)  # fmt: skip
RESULTS = {"saved_model", "unet.tflite", "report.json"}


# However these tests were started: `nohup` and a shell's background jobs ignore some signals.
HEAR = """
import os, signal, sys
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "keras_upsample", *sys.argv[1:]])
"""


def start(folder: Path, *arguments: object, **variables: str) -> "subprocess.Popen[str]":
    """A command whose temporary files go to `folder/tmp`."""
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-c", HEAR, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(folder / "tmp"), **variables},
    )


def wait_for(seen, process) -> None:
    """Wait until `seen()`, or the end of the process, which would be too early."""
    while not seen():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def in_progress(folder: Path) -> bool:
    return any(name.endswith(".in-progress") for name in names(folder))


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_signal_that_asks_to_end(number, status, tmp_path):
    out = tmp_path / "out"
    process = start(tmp_path, *EXPORT, "--out", out)
    wait_for(lambda: in_progress(out), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == status, errors
    assert "Traceback" not in errors
    assert names(out) <= RESULTS and not names(tmp_path / "tmp")


SWALLOWS = """
# As TensorFlow does it: the exception of a signal becomes one of its own.
import os, pathlib, signal, time
import keras_upsample.export._export as module
from keras_upsample.errors import ExportError

def make_artefact(subject, path, target, options, step):
    step("lower")
    with open({calls!r}, "a") as calls:
        calls.write("x")
    try:
        os.kill(os.getpid(), {number})
        time.sleep(5)
    except BaseException:
        pass
    raise ExportError("The model can't be traced: MISMATCH")

module.make_artefact = make_artefact
"""


@pytest.mark.parametrize(
    ("number", "status", "targets"),
    [(signal.SIGTERM, 143, 1), (signal.SIGHUP, 129, 2), (signal.SIGINT, 130, 2)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_signal_that_a_library_swallows(number, status, targets, tmp_path):
    calls = tmp_path / "calls"
    text = SWALLOWS.format(calls=str(calls), number=int(number))
    (tmp_path / "swallows.py").write_text(text)
    image = keras.Input((4, 4, 1))
    keras.Model(image, keras.layers.ReLU()(image)).save(tmp_path / "m.keras")
    command = ("export", tmp_path / "m.keras", *EXPORT[6 : 6 + 2 * targets])
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[2])])
    options = ("--import", "swallows", "--out", tmp_path / "out")
    process = start(tmp_path, *command, *options, PYTHONPATH=paths)
    shown, errors = process.communicate(timeout=120)
    assert (process.returncode, shown, errors) == (status, "", "")
    assert calls.read_text() == "x"


def test_killed_and_run_again(tmp_path):
    out = tmp_path / "out"
    process = start(tmp_path, *EXPORT, "--out", out)
    wait_for(lambda: in_progress(out) and in_progress(tmp_path / "tmp"), process)
    process.kill()
    process.communicate(timeout=120)
    assert in_progress(out) and in_progress(tmp_path / "tmp")
    process = start(tmp_path, *EXPORT, "--out", out)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0 and not errors
    assert names(out) == RESULTS and not names(tmp_path / "tmp")


PIP = """
import os, time
open(os.environ["NOTE"], "w").write(str(os.getpid()))
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for a signal")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda n: n.name)
def test_a_download_ends_with_the_command(number, tmp_path):
    package, note = tmp_path / "own" / "pip", tmp_path / "note"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PIP)
    cache = str(tmp_path / "cache")
    paths = os.pathsep.join([str(tmp_path / "own"), str(Path(__file__).parents[2])])
    variables = {"PYTHONPATH": paths, "NOTE": str(note), "KERAS_UPSAMPLE_CACHE": cache}
    process = start(tmp_path, "data", "fetch", "cells", **variables)
    wait_for(lambda: note.exists() and note.read_text(), process)
    child = int(note.read_text())
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode in (-number, 128 + number)
    for _ in range(500):
        if not Path(f"/proc/{child}").exists():
            break
        time.sleep(0.01)
    assert not Path(f"/proc/{child}").exists()
