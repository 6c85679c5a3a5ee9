"""A write that is killed, or fails, at any of its calls loses nothing and leaves nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("every_moment.py")
CASES = {"file": "a.txt", "plain": "a.txt", "folder": "saved", "onnx": "a.onnx", "ir": "a."}
AWAY = ("folder", "ir")
"""Cases of two renames, between which nothing stands at the path."""
ERRORS = {"ENOSPC": "No space left on device", "EACCES": "Permission denied"}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")


def moments(case, fault, folder, before):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), case, fault, str(folder), "before" if before else "new"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    return facts[:-1], facts[-1]["whole"], done.stderr


def named(files, name):
    """The files of one artefact; a file in progress is none."""
    return {path: content for path, content in files.items() if path.startswith(name)}


def holds(files, *artefacts):
    """Whether one of them is there whole; there may be more."""
    return any(files.items() >= artefact.items() for artefact in artefacts)


@pytest.mark.parametrize(
    ("case", "before"),
    [
        pytest.param(case, before, marks=[pytest.mark.slow] * (case == "ir" and not before))
        for case in CASES
        for before in (True, False)
    ],
)
def test_killed_at_any_call(case, before, tmp_path):
    found, whole, _ = moments(case, "kill", tmp_path, before)
    name = CASES[case]
    assert len(found) > 10 and all(one["status"] == -9 for one in found)
    last = [one["last"] for one in found]
    assert all(files == last[0] for files in last)  # whatever happened before
    stages = set()
    for one in found:
        # The next process that writes anything in the folder heals what is left.
        healed = named(one["healed"], name)
        assert healed in (one["stood"], whole), one["call"]
        stages.add(healed == whole)
        # Nothing else is there, hidden or not.
        assert set(one["healed"]) == set(healed) | set(named(one["healed"], "other_")), one["call"]
        if case in AWAY:  # nothing, rather than a graph with the values of another
            gone = "saved" if case == "folder" else "a.xml"
            assert gone not in one["after"] or holds(one["after"], one["stood"], whole), one["call"]
        else:
            assert holds(one["after"], one["stood"], whole), one["call"]
    assert stages == {True, False}


@pytest.mark.parametrize("fault", ERRORS)
@pytest.mark.parametrize("before", [True, False], ids=["before", "new"])
@pytest.mark.parametrize("case", [*list(CASES)[:-1], pytest.param("ir", marks=pytest.mark.slow)])
def test_an_error_at_any_call(case, before, fault, tmp_path):
    found, whole, errors = moments(case, fault, tmp_path, before)
    name = CASES[case]
    for one in found:
        assert holds(one["after"], one["stood"], whole), one["call"]
        healed = named(one["healed"], name)
        assert healed in (one["stood"], whole), one["call"]
        assert set(one["healed"]) == set(healed) | set(named(one["healed"], "other_")), one["call"]
        if one["status"] == 0:  # an error that does no harm, as in clearing up
            assert healed == whole, one["call"]
    failed = sum(one["status"] == 1 for one in found)
    assert failed == errors.count(ERRORS[fault]) > 0  # each says the reason
