"""The text that a bundle's run.sh writes: what is read of it, and what is refused."""

import json
import math

import pytest

from keras_upsample.export import Options
from keras_upsample.lowering import _timings
from keras_upsample.lowering._timings import Timings, TimingsError, read_timings, timings_for
from keras_upsample.lowering._tune import decided
from keras_upsample.program._applied import KEEP
from keras_upsample.targets import TARGETS

# As LiteRT's program prints on a phone, with the quantiles of newer versions.
PRINTED = """INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Graph: [block.tflite]
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: Initialized session in 119.515ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if \
exceeding 150 seconds.
INFO: count=9 first=87112 curr=11629 min={warm} max=87112 avg=58147.4 std=11478 p5=51629

INFO: Running benchmark for at least 20 iterations and at least 1 seconds but terminate if \
exceeding 150 seconds.
INFO: count=1000 first=52162 curr=49785 min={least} max=686105 avg=63743.2 std=60716 p95=68628

INFO: Inference timings in us: Init: 119515, First inference: 87112, Warmup (avg): 58147.4, \
Inference (avg): 63743.2
INFO: Memory footprint delta from the start of the tool (MB): init=55.4961 overall=55.4961
"""
FILES = {KEEP: "block01_nearest_as_it_is.tflite", "shuffle": "block01_nearest_shuffle.tflite"}
BUNDLE = {
    "kind": _timings.KIND,
    "version": _timings.VERSION,
    "model": "unet",
    "target": "tflite",
    "blocks": {"key": FILES},
}


def printed(least, warm=1000):
    return PRINTED.format(least=least, warm=warm)


def text(*runs, bundle=BUNDLE, version=1, end="== end"):
    """Timings of runs: (file, what was printed, status)."""
    lines = [f"keras-upsample timings {version}", "device: google Pixel 8"]
    lines += ["command: benchmark_model --num_threads=1", "== bundle", json.dumps(bundle)]
    for name, words, status in runs:
        lines += [f"== run {name}", words, f"== status {status}"]
    return "\n".join([*lines, end]) + "\n"


def whole(keep=3000, shuffle=2000):
    return text((FILES[KEEP], printed(keep), 0), (FILES["shuffle"], printed(shuffle), 0))


@pytest.fixture
def read(tmp_path):
    def reader(content):
        path = tmp_path / "timings.txt"
        path.write_text(content, encoding="utf-8", newline="")
        return read_timings(path)

    return reader


def test_the_least_of_all_runs_counts_and_the_warm_up_does_not(read):
    found = read(
        text(
            (FILES[KEEP], printed(3000, warm=5), 0),
            (FILES["shuffle"], printed(2500), 0),
            (FILES[KEEP], printed(2900), 0),
            (FILES["shuffle"], printed(2600), 0),
        )
    )
    assert found.blocks == {"key": {KEEP: pytest.approx(2.9e-3), "shuffle": pytest.approx(2.5e-3)}}
    assert (found.device, found.model, found.target) == ("google Pixel 8", "unet", "tflite")
    assert found.command == "benchmark_model --num_threads=1"


def test_equal_times_and_the_lines_of_windows(read):
    equal = printed(0).replace("first=52162 curr=49785 min=0 max=686105 avg", "curr=7 (all same)")
    content = text((FILES[KEEP], equal, 0), (FILES["shuffle"], printed("1.5e+06"), 0))
    assert read(content.replace("\n", "\r\n")).blocks["key"] == {KEEP: 7e-6, "shuffle": 1.5}


def test_a_form_that_fails_on_the_device_takes_for_ever(read):
    failed = "ERROR: Failed to apply XNNPACK delegate."
    found = read(text((FILES[KEEP], printed(10), 0), (FILES["shuffle"], failed, 1)))
    assert found.blocks["key"] == {KEEP: 1e-5, "shuffle": math.inf}
    # One good run of several is enough.
    runs = (
        (FILES[KEEP], failed, 1),
        (FILES["shuffle"], printed(8), 0),
        (FILES[KEEP], printed(9), 0),
    )
    assert read(text(*runs)).blocks["key"] == {KEEP: pytest.approx(9e-6), "shuffle": 8e-6}


NO_SUMMARY = printed(5).partition("INFO: Inference timings")[0]
BAD = {
    "nothing": ("", "did not write them"),
    "another text": ("INFO: count=9\n", "did not write them"),
    "another version": (text(version=2), "have version 2, and this keras-upsample reads version 1"),
    "cut at a run": (whole()[:-400], "their end is missing"),
    "cut before the end": (whole().removesuffix("== end\n"), "their end is missing"),
    "a run without an end": (
        whole().replace("== status 0\n== run", "== run"),
        "a run of 'block01_nearest_as_it_is.tflite' has no end",
    ),
    "a file not run": (text((FILES[KEEP], printed(5), 0)), "_shuffle.tflite' was not run"),
    "a strange file": (
        whole().replace("== end", "== run other.tflite\n" + printed(1) + "\n== status 0\n== end"),
        "name 'other.tflite', which the bundle does not have",
    ),
    "no time": (text((FILES[KEEP], NO_SUMMARY, 0)), "has no time"),
    "one count": (
        text((FILES[KEEP], printed(5).replace("count=9 ", "c=9 "), 0)),
        "has no time",
    ),
    "a time of 0": (text((FILES[KEEP], printed(0), 0)), "has no time"),
    "no number": (text((FILES[KEEP], printed("e+."), 0)), "has no time"),
    "nothing ran": (
        text((FILES[KEEP], "x", 1), (FILES["shuffle"], "no delegate", 1)),
        "none of the files ran on the device: no delegate",
    ),
    "no bundle": (whole().replace("== bundle\n", ""), "description in them is damaged"),
    "a damaged bundle": (whole().replace('"blocks"', '"blocks'), "description in them is damaged"),
    "a bundle of another kind": (text(bundle={**BUNDLE, "kind": "x"}), "of another version"),
    "a bundle of another version": (text(bundle={**BUNDLE, "version": 2}), "of another version"),
    **{
        f"blocks {blocks!r}": (text(bundle={**BUNDLE, "blocks": blocks}), "is damaged")
        for blocks in ({}, [], None, {"key": {}}, {"key": {"shuffle": "a"}}, {"key": {KEEP: []}})
    },
    "a bundle that is a list": (text(bundle=[1]), "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "why"), BAD.values(), ids=BAD)
def test_bad_timings_are_refused_in_one_line(content, why, tmp_path):
    path = tmp_path / "timings.txt"
    path.write_text(content, encoding="utf-8")
    for attempt in (read_timings, lambda path: Options(timings=path)):
        with pytest.raises(TimingsError) as caught:
            attempt(path)
        message = str(caught.value)
        assert why in message and "timings.txt" in message and "\n" not in message


def test_bytes_that_are_no_text_and_files_that_are_not_there(tmp_path):
    with pytest.raises(TimingsError, match=r"timings\.txt' can't be read: No such file"):
        read_timings(tmp_path)
    (tmp_path / "timings.txt").write_bytes(bytes(range(256)) * 4)
    with pytest.raises(TimingsError, match="did not write them"):
        read_timings(tmp_path)


def test_a_folder_stands_for_its_timings(tmp_path):
    (tmp_path / "timings.txt").write_text(whole())
    assert read_timings(tmp_path) == read_timings(tmp_path / "timings.txt")
    assert timings_for(TARGETS["tflite"], tmp_path) == read_timings(tmp_path)
    with pytest.raises(TimingsError, match="of the target 'tflite', not of 'tflite_float16'"):
        timings_for(TARGETS["tflite_float16"], tmp_path)
    with pytest.raises(ValueError, match="give one"):
        timings_for(TARGETS["tflite"], tmp_path, tune=True)


def test_options_that_go_with_timings(tmp_path):
    (tmp_path / "timings.txt").write_text(whole())
    options = Options(timings=tmp_path)
    options.check([TARGETS["onnx"], TARGETS["tflite"]])
    assert options.for_target(TARGETS["tflite"]).timings == tmp_path
    assert options.for_target(TARGETS["onnx"]).timings is None
    with pytest.raises(ValueError, match="of the target 'tflite', not of onnx, tflite_int8"):
        options.check([TARGETS["onnx"], TARGETS["tflite_int8"]])
    for other in ({"tune": True}, {"lower": False}):
        with pytest.raises(ValueError, match="neither with `tune` nor with lower=False"):
            Options(timings=tmp_path, **other)


def test_blocks_of_another_model(tmp_path):
    found = Timings(tmp_path, "phone", "benchmark_model", "unet", "tflite", {"a": {KEEP: 1.0}})
    found.check_blocks({"a": "block a"})
    with pytest.raises(
        TimingsError, match="are of 'unet' and don't have the block 'block b' and 1"
    ):
        found.check_blocks({"a": "block a", "b": "block b", "c": "block c"})
    with pytest.raises(TimingsError, match="decide nothing"):
        found.check_blocks({})


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({KEEP: 1.0, "x": 0.5, "y": 0.25}, ("y", 4.0)),
        ({KEEP: 1.0, "x": 0.98}, (KEEP, pytest.approx(1 / 0.98))),  # less than 3%
        ({KEEP: 1.0, "x": 1.02 / 1.05}, (KEEP, pytest.approx(1.05 / 1.02))),
        ({KEEP: 1.0, "x": 1 / 1.031}, ("x", pytest.approx(1.031))),
        ({KEEP: 1.0, "x": 2.0}, (KEEP, 1.0)),
        ({KEEP: math.inf, "x": 2.0}, ("x", None)),
        ({KEEP: 1.0, "x": math.inf}, (KEEP, 1.0)),
        ({KEEP: math.inf, "x": math.inf}, None),
    ],
)
def test_the_form_that_times_decide(times, expected):
    assert decided(times) == expected
