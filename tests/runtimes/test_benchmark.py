"""Latency of files: what is run, in which processes, and how the figures are made."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from keras_upsample.errors import ArtefactError
from keras_upsample.runtimes import Benchmark, TensorInfo, Timing, benchmark
from keras_upsample.runtimes._benchmark_process import shape_of


def onnx_file(folder: Path, name: str, size: int | None, repeats: int = 1) -> Path:
    """`repeats` 3x3 convolutions of 8 channels, (N, 8, H, W)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    shape = [1 if size else "n", 8, size or "h", size or "w"]
    weight = np.random.default_rng(0).normal(size=(8, 8, 3, 3)).astype("float32") / 9
    names = ["image", *(f"x{n}" for n in range(1, repeats)), "out"]
    nodes = [
        helper.make_node("Conv", [a, "weight"], [b], pads=[1, 1, 1, 1]) for a, b in pairwise(names)
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in ("image", "out")]
    graph = helper.make_graph(
        nodes, "g", ends[:1], ends[1:], [numpy_helper.from_array(weight, "weight")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = folder / name
    onnx.save(model, path)
    return path


def test_the_slower_file_is_slower(tmp_path) -> None:
    """16 convolutions against 1, at 8 times the pixels by `size`."""
    one = onnx_file(tmp_path, "one.onnx", None)
    many = onnx_file(tmp_path, "many.onnx", None, 16)
    done: list[float] = []
    result = benchmark([one, many], rounds=3, threads=1, size=(64, 128), progress=done.append)
    first, second = result.timings
    assert first.inputs == second.inputs == {"image": (1, 8, 64, 128)} and result.same_inputs
    assert first.runtime.startswith("ONNX Runtime")
    assert [len(t.seconds) for t in result.timings] == [3, 3] and result.threads == 1
    assert second.minimum > 4 * first.minimum
    np.testing.assert_allclose(done, [1 / 3, 2 / 3, 1])


def test_an_open_file_takes_the_size_of_a_fixed_one(tmp_path) -> None:
    fixed = onnx_file(tmp_path, "fixed.onnx", 48)
    shapes = [
        timing.inputs["image"]
        for timing in benchmark([onnx_file(tmp_path, "open.onnx", None), fixed], rounds=1).timings
    ]
    assert shapes == [(1, 8, 48, 48)] * 2
    different = benchmark([fixed, onnx_file(tmp_path, "b.onnx", 32)], rounds=1)
    assert not different.same_inputs and "compare different work" in str(different)


def test_figures() -> None:
    inputs = {"image": (1, 2, 3, 1)}
    first = Timing("a.onnx", "ONNX Runtime 1", inputs, (0.004, 0.002, 0.003))
    second = Timing("b.tflite", "LiteRT 2", inputs, (0.009, 0.004, 0.012, 0.015))
    result = Benchmark((first, second), 2, 4)
    a, b = result.to_dict()["files"]
    assert (a["minimum_ms"], a["median_ms"], a["median_ratio"]) == (2, 3, 1)
    assert (b["minimum_ms"], round(b["median_ms"], 9)) == (4, 10.5)
    np.testing.assert_allclose((b["minimum_ratio"], b["median_ratio"]), (2, 3.5))
    lines = str(result).splitlines()
    assert lines[2].split() == [
        "a.onnx",
        "ONNX",
        "Runtime",
        "1",
        "1x2x3x1",
        "2",
        "3",
        "1.00",
        "1.00",
    ]
    assert lines[3].split() == ["b.tflite", "LiteRT", "2", "1x2x3x1", "4", "10.5", "2.00", "3.50"]
    assert lines[4].startswith("4 interleaved rounds, 2 threads")


@pytest.mark.parametrize(
    ("shape", "layout", "expected"),
    [
        ((None, None, None, 3), "nhwc", (1, 6, 9, 3)),
        ((2, None, None, None), "nhwc", (2, 6, 9, 3)),
        ((None, 4, None, None), "nchw", (1, 4, 6, 9)),
        ((None, 8, None, None), "nhwc", (1, 8, 6, 9)),  # a layout that only seems so
        ((None, None, None, None), "nchw", (1, 3, 6, 9)),
        ((1, 5, 7, 3), "nhwc", (1, 5, 7, 3)),
        ((None, None, None, None, 1), "nhwc", (1, 6, 6, 9, 1)),
        ((None, None), "nhwc", (1, 6)),
        ((None, None, 8), "nhwc", (1, 6, 8)),
    ],
)
def test_shapes(shape: tuple, layout: str, expected: tuple) -> None:
    info = TensorInfo("image", shape, np.dtype("float32"))
    assert shape_of(info, layout, (6, 9)) == expected


def test_files_that_do_not_run(tmp_path) -> None:
    good = onnx_file(tmp_path, "good.onnx", 24)
    (tmp_path / "bad.onnx").write_bytes(good.read_bytes()[:200])
    with pytest.raises(ArtefactError, match=r"bad\.onnx. can't be loaded"):
        benchmark([good, tmp_path / "bad.onnx"], rounds=1)
    with pytest.raises(ArtefactError, match="is missing"):
        benchmark([tmp_path / "none.onnx"])
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    if children.exists():  # none is left behind
        running = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children.read_text().split()]
        assert not [line for line in running if "_benchmark_process" in line]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"paths": []}, "`paths` must be a sequence"),
        ({"paths": "a.onnx"}, "`paths` must be a sequence"),
        ({"rounds": 0}, "`rounds` must be a whole number >= 1. Received: 0"),
        ({"threads": True}, "`threads` must be a whole number >= 1"),
        ({"size": (0, 4)}, "`size` must be"),
        ({"names": ["a", "b"]}, "`names` must be one a file, here 1"),
    ],
)
def test_bad_arguments(given: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        benchmark(**{"paths": ["a.onnx"], **given})


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "keras_upsample", "benchmark", *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_command_on_files(tmp_path) -> None:
    for name in ("a.onnx", "b.onnx"):
        onnx_file(tmp_path, name, None)
    done = run("a.onnx", "b.onnx", "--rounds", 2, "--size", "16,24", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert [file["file"] for file in facts["files"]] == ["a.onnx", "b.onnx"]
    assert facts["files"][1]["inputs"] == {"image": [1, 8, 16, 24]} and facts["rounds"] == 2
    wrong = run("a.onnx", "--target", "onnx", cwd=tmp_path)
    assert wrong.returncode == 2 and "--target is for models" in wrong.stderr
    wrong = run("a.onnx", "--size", "16", cwd=tmp_path)
    assert wrong.returncode == 2 and "`size` must be (height, width)" in wrong.stderr
    wrong = run("unett", cwd=tmp_path)
    assert wrong.returncode == 2 and "Did you mean 'unet'?" in wrong.stderr
    assert len(wrong.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_command_on_a_preset(tmp_path) -> None:
    done = run(
        "espcn:photos_x2", "--input-shape", "32,48,3", "--target", "tflite", "--target", "onnx",
        "--target", "saved_model", "--rounds", 2, "--threads", 1, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:5]] == ["espcn:photos_x2"] * 3
    assert all("1x32x48x3" in line for line in lines[2:5])
    assert lines[5].startswith("2 interleaved rounds, 1 thread,")
    assert not list(tmp_path.iterdir())
