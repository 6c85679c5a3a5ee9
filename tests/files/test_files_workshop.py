"""Workshops: one process at a time, names, and what is left of strangers."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pytest

from keras_upsample._publish import publish
from keras_upsample.files import _lock
from keras_upsample.files._durable import naming, open_new
from keras_upsample.files._scratch import all_temporary_files, scratch
from keras_upsample.files._workshop import (
    ENDING,
    heal,
    held_alone,
    note_swap,
    replace_file,
    workshop,
)

HOLD = """
import sys, time
from pathlib import Path
from keras_upsample.files._workshop import held_alone

with held_alone(Path(sys.argv[1]), "run", "it"):
    print("held", flush=True)
    time.sleep(600)
"""

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no locks on folders")


@posix
def test_a_folder_is_held_by_one_process(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    with (
        pytest.raises(BlockingIOError, match=r"`x` is used by another process\. Wait until"),
        held_alone(tmp_path, "run", "`x` is used"),
    ):
        pass
    with held_alone(tmp_path, "other", "it"):  # another kind of work
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert len(os.listdir(tmp_path)) == 1
    with held_alone(tmp_path, "run", "it"):
        pass
    assert not os.listdir(tmp_path)


@posix
@pytest.mark.parametrize("name", ["[1]", "a*", "--config=x", "n" * 240, "\u00e9" * 100, "a\nb"])
def test_names_are_no_patterns(name, tmp_path):
    with (
        workshop(tmp_path, name, alone="it is used"),
        pytest.raises(BlockingIOError),
        workshop(tmp_path, name, alone="it is used"),
    ):
        pass
    with workshop(tmp_path, name, alone="it is used"):
        pass
    assert not os.listdir(tmp_path)


@posix
@pytest.mark.parametrize(
    "note",
    [
        '{"name": "../a", "added": [], "obsolete": ["../a.00000000.data"]}',
        '{"name": "a", "added": [], "obsolete": ["mine.txt"]}',
        '{"name": "a", "added": ["a.0000000g.data"], "obsolete": []}',
        '{"name": "a"',
        "[]",
    ],
)
def test_a_note_that_names_other_files_is_not_followed(note, tmp_path):
    folder = tmp_path / "folder"
    left = folder / f".a.00000000{ENDING}"
    left.mkdir(parents=True)
    kept = [tmp_path / "a.00000000.data", folder / "mine.txt", folder / "a.0000000g.data"]
    for file in kept:
        file.touch()
    (left / "a").touch()
    (left / "swap.json").write_text(note)
    heal(folder)
    assert not left.exists() and all(file.exists() for file in kept)


@posix
def test_links_and_files_of_such_a_name_stay(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (tmp_path / f".a.00000000{ENDING}").symlink_to(tmp_path / "mine")
    (tmp_path / f".b.00000000{ENDING}").touch()
    (tmp_path / f"c.00000000{ENDING}").mkdir()
    before = sorted(os.listdir(tmp_path))
    heal(tmp_path)
    assert sorted(os.listdir(tmp_path)) == before and (tmp_path / "mine" / "file").exists()


def test_where_nothing_can_be_locked_nothing_is_healed(tmp_path, monkeypatch):
    left = tmp_path / f".a.00000000{ENDING}"
    left.mkdir()
    monkeypatch.setattr(_lock, "fcntl", None)
    heal(tmp_path)
    assert left.exists()


IN_A_CHILD = "from keras_upsample.files._scratch import scratch\nwith scratch(): pass"


@pytest.mark.parametrize("where", ["here", "in a child", "published"])
def test_nobody_waits_for_the_workshop_that_he_works_in(where, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with all_temporary_files():
        start = time.monotonic()
        if where == "here":
            with scratch() as inner:
                assert inner.parent.parent == tmp_path
        elif where == "published":
            with publish(Path(tempfile.gettempdir()) / "a.txt") as staged:
                staged.write_text("a")
        else:
            subprocess.run([sys.executable, "-c", IN_A_CHILD], check=True, timeout=60)
        assert time.monotonic() - start < 15  # a lock is waited for twice as long
    assert not os.listdir(tmp_path)


def test_a_signal_that_comes_while_a_workshop_is_cleared(tmp_path, monkeypatch):
    real, calls = shutil.rmtree, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 1:
            raise KeyboardInterrupt
        real(*arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt), workshop(tmp_path, "a") as place:
        (place / "b").write_text("b")
    assert not os.listdir(tmp_path)


@posix
@pytest.mark.parametrize("code", ["ENOSPC", "EROFS", "EIO"])
@pytest.mark.parametrize("write", [publish, replace_file])
def test_an_error_of_the_disk_names_the_file(write, code, tmp_path):
    number = getattr(errno, code)
    with pytest.raises(OSError, match=re.escape(repr(str(tmp_path / "a.txt")))) as caught:  # noqa: SIM117
        with write(tmp_path / "a.txt") as staged:
            staged.write_text("a")
            raise OSError(number, os.strerror(number))  # as of a write, which knows no name
    assert caught.value.errno == number
    with pytest.raises(OSError) as caught, write(tmp_path / "a.txt"):
        raise OSError("of no disk")
    assert caught.value.filename is None
    with pytest.raises(OSError) as caught, write(tmp_path / "a.txt"):  # noqa: SIM117
        with naming(tmp_path / "b.txt"):
            raise OSError(number, os.strerror(number))
    assert caught.value.filename == str(tmp_path / "b.txt")


@posix
@pytest.mark.parametrize("write", [publish, replace_file])
def test_an_error_of_fsync_names_the_file(write, tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError) as caught, write(tmp_path / "a.txt") as staged:
        staged.write_text("a")
    assert caught.value.filename == str(tmp_path / "a.txt")  # not the one that is renamed to it
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for a file's name")
@pytest.mark.parametrize("write", [publish, replace_file])
def test_files_are_on_the_disk_before_and_after_they_are_renamed(write, tmp_path, monkeypatch):
    """Or a power cut might show the new name with no content, or the old one."""
    order = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor):
        order.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def replaced(source, target):
        order.append("renamed")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    with write(tmp_path / "a.txt") as staged:
        staged.write_text("a")
    assert order.count("renamed") == 1
    assert "a.txt" in order[: order.index("renamed")]
    assert order[-2:] == ["renamed", tmp_path.name]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that answers EIO")
def test_a_file_that_the_disk_does_not_take_has_its_name_in_the_error(tmp_path):
    """Address 0 of a process can't be written to: the kernel's own EIO, by write or by close."""
    path = tmp_path / "a.bin"
    path.symlink_to("/proc/self/mem")
    for end in (lambda file: file.flush(), lambda file: file.close()):
        file = open_new(path)
        file.write(b"a")
        with pytest.raises(OSError) as caught:
            end(file)
        assert (caught.value.errno, caught.value.filename) == (errno.EIO, str(path))
        with suppress(OSError):
            file.close()


def test_a_note_that_the_disk_does_not_take_names_what_is_written(tmp_path):
    """An error of an open file knows no name: that of `/dev/full` is the kernel's own."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "swap.json").symlink_to("/dev/full")
    with pytest.raises(OSError) as caught:
        note_swap(place, "saved_model")
    assert (caught.value.errno, caught.value.filename) == (
        errno.ENOSPC,
        str(tmp_path / "saved_model"),
    )
