"""A write that a signal interrupts, at whatever instruction, leaves nothing once its process ended.

`Ctrl-C`, SIGTERM and SIGHUP are exceptions between any two instructions: also before the `try` of a
context manager begins, and after its `finally`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_upsample._publish import publish

SCRIPT = Path(__file__).with_name("every_instruction.py")
STEP = 13

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


@posix
@pytest.mark.parametrize("before", ["before", "new"])
@pytest.mark.parametrize("case", ["plain", "folder", pytest.param("ir", marks=pytest.mark.slow)])
def test_interrupted_at_any_instruction(case, before, tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), case, str(tmp_path), before, str(STEP)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    *found, last = map(json.loads, done.stdout.splitlines())
    assert len(found) > 300 // STEP
    for one in found:
        assert one["status"] in (0, 130), one
        assert one["after"] in (one["stood"], last["whole"]), (one["line"], sorted(one["after"]))


def test_a_second_signal_while_the_old_folder_comes_back(tmp_path, monkeypatch):
    """The first one comes while the old folder is away, the second before it is moved back."""
    path = tmp_path / "saved"
    path.mkdir()
    (path / "saved_model.pb").write_text("old")
    rename, moves = os.rename, []

    def interrupted(source, target):
        moves.append(target)
        if len(moves) in (2, 3):
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), publish(path, directory=True) as staged:
        staged.mkdir()
        (staged / "saved_model.pb").write_text("new")
    assert len(moves) == 4
    assert [f.read_text() for f in tmp_path.rglob("*") if f.is_file()] == ["old"]
    assert os.listdir(tmp_path) == ["saved"]
