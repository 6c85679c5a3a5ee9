"""A command whose process is ended by a library or the system says so in one line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="watched on Linux alone")

WITH = """
import os, pathlib, signal, time
import keras_upsample.export._export as module

def make_artefact(subject, path, target, options, step):
    step("lower")
    pathlib.Path({note!r}).write_text(str(os.getpid()))
    {harm}

module.make_artefact = make_artefact
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("model") / "m.keras"
    image = keras.Input((4, 4, 1))
    keras.Model(image, keras.layers.ReLU()(image)).save(path)
    return path


def heard() -> None:
    """However these tests were started: `nohup` and a shell's background jobs ignore some."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, model: Path, harm: str, **options) -> "subprocess.Popen[str]":
    """An export in which that happens; `folder/note` has the number of the process then."""
    (folder / "harms.py").write_text(WITH.format(note=str(folder / "note"), harm=harm))
    paths = os.pathsep.join([str(folder), str(Path(__file__).parents[2])])
    command = [sys.executable, "-m", "keras_upsample", "export", model, "--import", "harms"]
    return subprocess.Popen(
        [*map(str, command), "--out", str(folder / "out")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths, "COLUMNS": "200"},
        **{"preexec_fn": heard, **options},
    )


def noted(folder: Path) -> int:
    for _ in range(6000):
        if (folder / "note").exists() and (text := (folder / "note").read_text()):
            return int(text)
        time.sleep(0.01)
    raise AssertionError("the export does not begin")


def ends(pid: int) -> bool:
    for _ in range(500):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize(
    ("harm", "status", "said"),
    [
        ("os.abort()", 2, "A library ended the process (SIGABRT). Most often it is memory that"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 2, "(SIGSEGV)"),
        ("os._exit(127)", 2, "(status 127)"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "The system or another program ended it"),
        ("os._exit(7)", 7, ""),
    ],
)
def test_an_end_that_no_process_can_tell(harm, status, said, model, tmp_path):
    process = start(tmp_path, model, harm)
    shown, errors = process.communicate(timeout=120)
    assert process.returncode == status and shown == ""
    assert said in errors and len(errors.splitlines()) == bool(said)


def test_the_command_ends_with_the_one_that_watches_it(model, tmp_path):
    process = start(tmp_path, model, "time.sleep(600)")
    child = noted(tmp_path)
    assert child != process.pid
    process.kill()
    process.communicate(timeout=60)
    assert ends(child)


@pytest.mark.parametrize("to_group", [False, True], ids=["to the command", "to its group"])
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda n: n.name
)
def test_one_signal_is_one_request(number, to_group, model, tmp_path):
    """`timeout` sends it to the command and to the whole group; it clears up once, undisturbed."""
    harm = (
        "try: time.sleep(600)\n"
        "    finally:\n"
        f"        time.sleep(0.3); pathlib.Path({str(tmp_path / 'cleared')!r}).touch()"
    )
    process = start(tmp_path, model, harm, process_group=0)
    child = noted(tmp_path)
    if to_group:
        os.killpg(process.pid, number)
    os.kill(process.pid, number)
    shown, errors = process.communicate(timeout=60)
    assert (process.returncode, shown, errors) == (128 + number, "", "")
    assert (tmp_path / "cleared").exists() and ends(child)


def test_a_second_signal_later_ends_it_at_once(model, tmp_path):
    harm = (
        "try: time.sleep(600)\n"
        "    finally:\n"
        f"        pathlib.Path({str(tmp_path / 'begun')!r}).touch(); time.sleep(600)"
    )
    process = start(tmp_path, model, harm)
    child = noted(tmp_path)
    process.send_signal(signal.SIGTERM)
    while not (tmp_path / "begun").exists():
        time.sleep(0.01)
    time.sleep(1.2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 143 and ends(child)


def test_a_signal_that_is_ignored_stays_ignored(model, tmp_path):
    """As under `nohup`."""
    process = start(
        tmp_path,
        model,
        "time.sleep(1.5); os._exit(7)",
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    child = noted(tmp_path)
    process.send_signal(signal.SIGHUP)
    os.kill(child, signal.SIGHUP)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 7, errors
