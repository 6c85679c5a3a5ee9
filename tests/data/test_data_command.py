"""`keras-upsample data`."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from keras_upsample.cli import app


@pytest.fixture
def run():
    """`run("data", ...)` -> exit code, what it printed, what it complained about (one line)."""

    def call(*arguments):
        result = CliRunner().invoke(app, arguments)
        return result.exit_code, result.stdout, result.stderr.replace("\n", " ")

    return call


def test_list_says_what_is_cached(toy, run):
    code, before, _ = run("data", "list")
    assert code == 0
    for name in ("cells", "nuclei", "nuclei_stardist", "vgg16", "toy"):
        assert any(line.startswith(f"{name} ") for line in before.splitlines())
    assert "MB  cached" not in before
    assert str(toy.cache) in before
    assert run("data", "fetch", "toy")[0] == 0
    _, after, _ = run("data", "list")
    (line,) = [line for line in after.splitlines() if "MB  cached" in line]
    assert line.startswith("toy ")


def test_fetch_prints_the_files(toy, run):
    code, out, complaint = run("data", "fetch", "toy", "toy")
    paths = [toy.cache / "toy-samples-1.2" / name for name in ("a.bin", "b.bin")]
    assert (code, complaint) == (0, "")
    assert out.splitlines() == [f"toy: fetched: {path}" for path in paths]
    assert run("data", "fetch", "toy")[1].splitlines() == [f"toy: cached: {path}" for path in paths]


def test_one_that_fails_does_not_stop_the_others(toy, run):
    # `cells` is not where pip may look here.
    code, out, complaint = run("data", "fetch", "cells", "toy")
    assert code == 1
    assert "'cells': pip could not download ndev-sampledata 0.0.3" in complaint
    assert out.count("toy: fetched: ") == 2


def test_unknown_names_are_told_before_anything_is_fetched(toy, run):
    code, out, complaint = run("data", "fetch", "toy", "mice", "men")
    assert (code, out) == (2, "")
    assert "must be one of cells, nuclei, nuclei_stardist, vgg16, toy. Received: mice, men." in (
        complaint
    )
    assert not toy.cache.exists()


def test_no_name(run):
    assert run("data", "fetch")[0] == 2


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from keras_upsample.cli import app; from typer.testing import CliRunner\n"
        "assert 'fetch' in CliRunner().invoke(app, ['data', '--help']).stdout\n"
        "print(*{'tensorflow', 'keras', 'numpy', 'tifffile'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
