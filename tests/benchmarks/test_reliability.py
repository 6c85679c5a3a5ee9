"""`benchmarks/reliability.py`: its judges, its damage, and a short run of every part."""

import importlib
import json
import random
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for its processes")


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in [n for n in sys.modules if n.partition(".")[0] == "reliability_study"]:
        del sys.modules[name]


def study(name):
    return importlib.import_module(f"reliability_study.{name}")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/reliability.py", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def outcome(**changes):
    plain = {"status": 0, "seconds": 1.0, "cpu": 1.0, "peak": 2**28}
    return study("forked").Outcome(**{**plain, **changes})


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"status": 2, "errors": "`x` can't be read: it ends early.\n"}, []),
        ({"status": 2}, ["no line"]),
        ({"status": -11}, ["ended with -11"]),
        ({"status": 1, "errors": "Traceback (most recent call last):\nKeyError: 0"}, ["traceback"]),
        ({"peak": 3 << 30}, ["memory"]),
        ({"seconds": 31.0, "cpu": 31.0}, ["time"]),
        ({"seconds": 31.0}, []),  # the machine did something else
        ({"stopped": "after 90 s", "status": -9}, ["stopped after 90 s"]),
        ({"orphans": [77]}, ["orphans"]),
    ],
)
def test_what_counts_as_a_fault(changes, faults):
    assert study("judge").faults_of(outcome(**changes)) == faults


def test_a_fork_is_watched(tmp_path):
    """In a process of its own: a fork of one in which libraries have threads may crash."""
    script = Path(__file__).with_name("watched_forks.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "watched\n"), done.stderr


def test_pictures_keep_their_checksums(tmp_path):
    study("seeds").pictures(tmp_path / "pictures")
    change = study("mutate_pictures").picture
    for file in sorted((tmp_path / "pictures").iterdir()):
        content = file.read_bytes()
        made = [change(content, random.Random(f"{file.name} {n}")) for n in range(30)]
        again = [change(content, random.Random(f"{file.name} {n}")) for n in range(30)]
        assert made == again
        assert sum(one != content for one in made) > 20, file.name
        if file.suffix == ".png":
            assert sum(map(has_true_sums, made)) > 15


def has_true_sums(content):
    at = 8
    while at < len(content):
        if at + 12 > len(content):
            return False
        (length,) = struct.unpack_from(">I", content, at)
        data, stored = (
            content[at + 4 : at + 8 + length],
            content[at + 8 + length : at + 12 + length],
        )
        if len(stored) != 4 or zlib.crc32(data) != int.from_bytes(stored, "big"):
            return False
        at += 12 + length
    return True


def test_lost_and_half_files_are_seen(tmp_path):
    jobs = study("jobs")
    bench = jobs.Bench.__new__(jobs.Bench)
    bench.work = tmp_path
    bench.out = out = tmp_path / "out"
    (out / "sub").mkdir(parents=True)
    for name in ("a.tflite", "sub/b.npy"):
        (out / name).write_text(f"old {name}")
    old = jobs.files_in(out)
    (out / "a.tflite").write_text("new")
    new = {**jobs.files_in(out), "report.json": ("", 30)}
    bench.reference = {"old": old, "new": new}
    (out / "report.json").write_text('{"artefacts": []}')
    assert bench.problems() == []
    (out / "a.tflite").write_text("ne")
    (out / "report.json").write_text('{"artefa')
    (out / "sub/b.npy").unlink()
    assert bench.problems() == ["lost: sub/b.npy", "half: a.tflite", "half: report.json"]
    (out / ".a.abcdefgh.in-progress").mkdir()
    (out / "other.txt").touch()
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "left").touch()
    assert bench.litter() == ["other.txt", "out/.a.abcdefgh.in-progress", "tmp/left"]


def test_a_run_that_changed_nothing_is_known(tmp_path):
    jobs = study("jobs")
    bench = jobs.Bench.__new__(jobs.Bench)
    bench.folder, bench.work, bench.out = tmp_path, tmp_path / "work", tmp_path / "work" / "out"
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "a.tflite").write_text("old")
    bench.restore()
    assert bench.is_as_before()
    for change in (
        lambda: (bench.out / "a.tflite").write_text("new"),
        lambda: (bench.out / "logs.csv").touch(),
        lambda: (bench.out / "a.tflite").unlink(),
        lambda: (bench.out / "link").symlink_to("a.tflite"),
    ):
        bench.restore()
        change()
        assert not bench.is_as_before()


def test_trials_are_counted_and_gone_on_with():
    """What went wrong is run again, and counts as it ends then."""
    trials, row = study("trials"), study("rows").ROWS["signals"]
    tried, kept, mended = [], [], set()

    class Bench:
        def restore(self):
            pass

    def disturb(number):
        tried.append(number)
        counts = {"wrong status": number > 1, "litter": number not in mended}
        found = [] if number in mended else [f"found {number}"]
        return None if number == 3 else trials.Trial(f"at {number}", counts, found)

    def run(course):
        tried.clear()
        return trials.trials("signals", Bench(), range(9), course, disturb, {"seed": 1})

    found = run(trials.Course(lambda: len(tried) == 5, kept.append))
    assert [*found] == [*row.said, *row.bad, "tried", "seed", "faulty", "found"]
    names = ("moments", "tried", "wrong status", "litter", "orphans")
    assert [found[name] for name in names] == [4, 5, 2, 4, 0]
    assert found["found"] == [f"at {n}: found {n}" for n in (0, 1, 2, 4)]
    assert [each["tried"] for each in kept] == [1, 2, 3, 4, 5] and kept[-1] == found
    mended |= {0, 2, 6}
    whole = run(trials.Course(lambda: False, sofar=found))
    assert tried == [0, 1, 2, 4, 5, 6, 7, 8]
    assert [whole[name] for name in names] == [8, 9, 6, 5, 0]
    assert whole["found"] == [f"at {n}: found {n}" for n in (1, 4, 5, 7, 8)]
    assert run(trials.Course(lambda: False, sofar=whole)) == whole
    assert tried == [1, 4, 5, 7, 8]


def figures_of(done, folder):
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return json.loads((folder / "reliability.json").read_text())


def test_figures_of_fuzz_go_on_and_forget_what_passes_now():
    fuzz = study("fuzz")
    failed = {
        "name": "tflite_1_3", "number": 3, "faults": ["stopped after 90 s", "memory"], "line": "no",
        "status": -9, "peak": 9, "longest": 90.0,
    }  # fmt: skip
    share = {"inputs": 4, "read": 1, "refused": 3, "peak": 5, "longest": 2.0, "seconds": 8.0,
             "failing": [failed]}  # fmt: skip
    both = fuzz.added(fuzz.added({}, share), {**share, "peak": 6, "failing": []})
    assert (both["inputs"], both["read"], both["peak"], both["longest"]) == (8, 2, 6, 2.0)
    shown = fuzz.counted(both)
    assert (shown["above 2 GiB"], shown["above 30 s"], shown["tracebacks"]) == (1, 1, 0)
    assert (shown["peak"], shown["longest"]) == (9, 90.0)
    assert shown["failing"] == ["tflite_1_3: stopped after 90 s, memory: no"]
    mended = fuzz.added(fuzz.without(both, failed), {**share, "inputs": 1, "read": 1, "refused": 0,
                                                     "failing": []})  # fmt: skip
    shown = fuzz.counted(mended)
    assert (shown["inputs"], shown["read"], shown["refused"]) == (8, 3, 5)
    assert shown["above 30 s"] == 0 and shown["failing"] == [] and shown["longest"] == 2.0


def test_a_short_run_of_every_part(tmp_path):
    found = figures_of(run("all", "--short", "--out", tmp_path / "all"), tmp_path / "all")
    assert found["fuzz"]["tflite"]["inputs"] == found["fuzz"]["picture"]["inputs"] == 6
    assert found["kill"]["predict"]["moments"] == 3
    assert found["folders"]["layouts"]["layouts"] == 8
    assert found["signals"]["predict"]["moments"] == 3
    assert found["threads"]["predictors"]["predictions"] == 150
    assert found["soak"]["predictions"]["runs"] == 300
    assert found["soak"]["predictions"]["growth"] < 0.05
    if "fail" in found:  # where gcc is
        assert found["fail"]["predict"]["struck"] > 10
    page = tmp_path / "page.md"
    begin = study("table").BEGIN
    page.write_text(f"# Title\n\n{begin}\n\n<!-- End of that. -->\n\nAfter.\n")
    written = run("page", "--results", tmp_path / "all" / "reliability.json", "--page", page)
    assert written.returncode == 0, written.stderr
    text = page.read_text()
    assert "| tflite | 6 of 20,000 |" in text and "| predict | 3 of 200 |" in text
    assert text.startswith("# Title") and text.endswith("After.\n")


@pytest.mark.slow
@pytest.mark.parametrize("row", ["fuzz", "kill", "fail", "folders", "signals", "threads", "soak"])
def test_every_part_of_a_row(row, tmp_path):
    few = {"fuzz": 5, "kill": 2, "signals": 1, "soak": 300, "folders": 20, "threads": 4, "fail": 3}
    options = ("--count", few[row], "--every", 150)
    assert row in figures_of(run(row, *options, "--out", tmp_path), tmp_path)
