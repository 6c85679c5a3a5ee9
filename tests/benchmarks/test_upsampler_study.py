"""The study of upsamplers: its rules on made-up figures, its whole way on two tiny runs."""

import importlib
import json
import pathlib
import sys
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    yield
    for name in [
        n for n in sys.modules if n.partition(".")[0] in ("upsamplers", "upsampler_study")
    ]:
        del sys.modules[name]


def study(name):
    return importlib.import_module(f"upsampler_study.{name}")


def row(name, edges, energy=(1e-4, 1e-5), speed=1.0, parameters=1000, group="technique"):
    """A technique whose boundary IoU has a small spread around `edges`."""
    scores = {m: [edges - 0.001, edges, edges + 0.001] for m in study("summary").METRICS}
    times = {"litert": (speed, speed), "onnxruntime": (1, 1)}
    make = study("summary").Summary
    return make(name, group, scores, *energy, parameters=parameters, speed=times)


def made_up():
    rows = [
        row("transposed_conv", 0.500, energy=(0.5, 0.2), parameters=900),
        row("sharp", 0.520, speed=3.0, parameters=5000),
        row("smooth", 0.5195, speed=0.9, parameters=2000),
        row("poor", 0.400, speed=0.1, parameters=10),
        row("mistake", 0.600, speed=0.01, group="caution", energy=(0.9, 0.5)),
    ]
    # Noise of their own, or the spread would be the seeds' alone: s = 0.001, the margin 0.0016.
    shifts = ((1, -1, 0), (-1, 1, 0), (0, 1, -1), (0, -1, 1), (0, 0, 0))
    for one, shift in zip(rows, shifts, strict=True):
        for values in one.scores.values():
            values[:] = np.array(values) + 0.001 * np.array(shift)
    return rows


def test_a_difference_is_notable_beyond_what_seeds_do():
    notable = study("summary").notable
    same = [row("a", 0.5), row("b", 0.6)]
    assert notable(same, "mean_iou") == pytest.approx(0, abs=1e-12)  # seeds move both alike
    for values, shifts in zip(
        (r.scores["mean_iou"] for r in same), ((3, -3, 0), (-3, 3, 0)), strict=True
    ):
        values[:] = np.array(values) + np.array(shifts) * 1e-2
    # r is ±0.03 in four of six places: s² = 4 · 0.03² / (1 · 2), the margin 2 s sqrt(2/3).
    assert notable(same, "mean_iou") == pytest.approx(2 * np.sqrt(2 * 9e-4) * np.sqrt(2 / 3))
    for r in same:
        del r.scores["mean_iou"][1:]
    assert notable(same, "mean_iou") == float("inf")  # one seed tells nothing


def test_advice_follows_from_the_figures():
    found = {one.purpose: one for one in study("rules").advice(made_up())}
    take = {purpose: one.take for purpose, one in found.items()}
    assert take["the sharpest edges, whatever they cost"] == ("sharp",)
    assert "smooth are within 0.002" in found["the sharpest edges, whatever they cost"].because
    # poor and transposed_conv are faster and smaller, and worse than chance explains
    assert take["speed in LiteRT"] == ("smooth",)
    assert "0.90 of" in found["speed in LiteRT"].because
    assert take["the smallest file"] == ("smooth",)
    clean = found["outputs without a checkerboard, from the first step of training on"]
    assert clean.take == ("smooth",)
    assert "0.010% of the logits' energy before training and 0.0010% after" in clean.because
    assert "transposed_conv has 50% and 20%" in clean.because
    assert "sharp and poor stay under 0.10% too" in clean.because
    assert take["a decoder, if you know nothing else"] == ("smooth",)
    assert not any("mistake" in names for names in take.values())


def test_advice_changes_with_the_figures():
    rows = made_up()
    rows[0].scores["boundary_iou"][:] = [0.7, 0.7, 0.7]
    found = {one.purpose: one for one in study("rules").advice(rows)}
    assert found["the sharpest edges, whatever they cost"].take == ("transposed_conv",)
    assert "over sharp, the next" in found["the sharpest edges, whatever they cost"].because
    assert found["speed in LiteRT"].take == ("transposed_conv",)
    assert "a decoder, if you know nothing else" not in found  # good edges, but no clean grid


def test_in_short():
    text = study("rules").in_short(made_up())
    assert text == (
        "2 of the 4 have edges as good as the best, within the spread over seeds. The checkerboard "
        "before training differs by a factor of 5,000, the latency by 30.0 in LiteRT, 1.0 in ONNX "
        "Runtime."
    )


def test_warnings_name_what_is_wrong():
    text = "\n".join(study("rules").warnings(made_up()))
    assert "`poor`: its edges are 0.120 of boundary IoU behind the best" in text
    assert "`sharp`: it takes up to 3.0 times transposed_conv's time (LiteRT)" in text
    assert "`mistake`: it starts as a checkerboard, 90% of the logits' energy (50% after" in text
    assert "`smooth`" not in text


@pytest.mark.parametrize(
    ("value", "shown"), [(0.456, "46%"), (0.0456, "4.6%"), (3.21e-5, "0.0032%"), (0, "0.00000%")]
)
def test_shares_in_words(value, shown):
    assert study("rules").share(value) == shown


def test_every_upsampler_of_the_zoo_is_a_row():
    from keras_upsample.zoo._upsamplers import UPSAMPLERS

    rows = study("techniques").techniques()
    assert [name for name, one in rows.items() if one.group == "technique"] == list(UPSAMPLERS)


def test_the_guide_in_docs_is_what_the_results_say(tmp_path):
    upsamplers = importlib.import_module("upsamplers")
    store = study("store").Store(upsamplers.RESULTS, study("store").Budget())
    made = upsamplers.report(study("techniques").techniques(), store, tmp_path)
    assert made.read_text() == (ROOT / "docs" / made.name).read_text()


@pytest.fixture(scope="module")
def blobs():
    """Images of 2 channels with a disc in a square, and their classes."""
    from keras_upsample.data import LabelledImages

    rng = np.random.default_rng(1)
    images, labels = [], []
    y, x = np.mgrid[:130, :380]
    for shift in (0, 20):
        label = ((abs(y - 78) < 25) & (abs(x - 322 + shift) < 30)).astype("uint8")
        label[(y - 78) ** 2 + (x - 322 + shift) ** 2 < 200] = 2
        noise = rng.normal(0, 0.02, (*label.shape, 2))
        images.append(np.clip(label[..., None] / 2 * [1, 0.5] + noise, 0, 1).astype("float32"))
        labels.append(label)
    return LabelledImages(
        tuple(images), tuple(labels), ("background", "cytoplasm", "nucleus"), ("a", "b")
    )


def test_two_tiny_runs_make_a_guide(tmp_path, blobs):
    from rich.progress import Progress

    store_module, training = study("store"), study("training")
    upsamplers = importlib.import_module("upsamplers")
    budget = store_module.Budget(steps=2, batch=1, size=16, filters=(4, 4), band=1)
    store = store_module.Store(tmp_path / "results.json", budget)
    every = study("techniques").techniques()
    rows = {name: every[name] for name in ("transposed_conv", "nearest")}
    with Progress(disable=True) as bar:
        arguments = (range(1), store, (blobs, blobs), tmp_path / "build", bar)
        training.train_missing(list(rows.values())[:1], *arguments)
        before = json.loads(store.path.read_text())["runs"]
        training.train_missing(list(rows.values()), *arguments)
    upsamplers.shown(store, blobs, blobs)
    again = store_module.Store(store.path, budget)
    assert set(again.content["runs"]) == {"transposed_conv/0", "nearest/0"}
    for key, record in before.items():  # what was there was not trained again
        assert again.content["runs"][key] == record
    assert store_module.Store(store.path, store_module.Budget()).run("nearest", 0) is None

    costs = study("costs")
    again.content["costs"] = {n: costs.counted(r, budget.filters) for n, r in rows.items()}
    again.content["latency"] = {
        "date": "2026-11-24",
        "rounds": 3,
        "runtimes": {
            "litert": {"version": "x", "ms": {"transposed_conv": [2, 4], "nearest": [1, 3]}}
        },
    }
    text = upsamplers.report(rows, again, tmp_path / "docs").read_text()
    assert "| `nearest` |" in text and "0.50 (0.75)" in text
    assert f"{again.run('nearest', 0)['boundary_iou']:.3f} ± 0.000" in text
    assert "one seed, so nothing is known of the spread" in text
    assert "for | take | because" in text
    for picture in ("edges", "overview"):
        assert (tmp_path / "docs" / "upsampling-guide" / f"{picture}.png").stat().st_size > 1000


def test_files_are_exported_verified_and_timed(tmp_path, blobs):
    store_module, costs, training = study("store"), study("costs"), study("training")
    budget = store_module.Budget(steps=1, batch=1, size=16, filters=(4, 4))
    store = store_module.Store(tmp_path / "results.json", budget)
    nearest = study("techniques").techniques()["nearest"]
    with pytest.raises(SystemExit, match="train --again 'nearest'"):
        costs.exported(nearest, store, tmp_path, tmp_path / "files", [])
    nearest.build(budget.filters).save_weights(training.weights_file(tmp_path, nearest, budget))
    found = costs.exported(nearest, store, tmp_path, tmp_path / "files", [blobs.images[0]])
    assert set(found) == {"tflite", "onnx"}
    for file in found.values():
        assert file["bytes"] > 1000 and max(file["error"].values()) < 5e-5
    times = costs.timed([nearest], tmp_path / "files", 2, lambda runtime: None)
    assert {"litert", "onnxruntime"} <= set(times)
    low, median = times["litert"]["ms"]["nearest"]
    assert 0 < low <= median


def test_without_runs_the_report_says_how_to_get_them(tmp_path):
    rows = list(study("techniques").techniques().values())
    with pytest.raises(SystemExit, match=r"No run yet of transposed_conv.*upsamplers.py train"):
        study("summary").summaries(rows, {"runs": {}, "costs": {}, "files": {}, "latency": {}}, "x")


def test_an_upsampler_without_a_line_is_named(monkeypatch):
    from keras_upsample.zoo import _upsamplers

    monkeypatch.setitem(_upsamplers.UPSAMPLERS, "novel", SimpleNamespace())
    with pytest.raises(SystemExit, match="novel: upsampler of the zoo without a line in `ABOUT`"):
        study("techniques").techniques()
