"""The scripts of `examples/jobs.md`, each from its inputs to its files, on small data."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import fetch, photograph
from keras_upsample.errors import FetchError

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def job(monkeypatch):
    """An example by name."""
    monkeypatch.syspath_prepend(EXAMPLES)
    return importlib.import_module


@pytest.mark.slow
def test_phone_from_photographs(job, tmp_path: Path) -> None:
    coins = photograph("coins")
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for number, (top, left) in enumerate(((0, 0), (0, 128), (0, 256), (140, 0), (140, 128))):
        picture = coins[top : top + 128, left : left + 128]
        Image.fromarray(picture).save(tmp_path / "images" / f"{number}.png")
        mask = (picture[..., 0] > 110).astype("uint8") * 255
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    folders = [str(tmp_path / "images"), str(tmp_path / "masks")]
    options = ["--classes", "background", "coin", "--steps", "60", "--out", str(tmp_path / "out")]
    found = job("phone_from_photographs").main([*folders, *options])
    assert found["classes equal to the model's"] > 0.99
    assert found["mean IoU"] > 0.8
    pixels = np.zeros((1, 96, 96, 3), "uint8")
    classes = job("phone_from_photographs").run_on_phone(tmp_path / "out" / "phone.tflite", pixels)
    assert classes.shape == (1, 96, 96) and classes.dtype == np.uint8


def test_areas_of_regions(job) -> None:
    mask = np.zeros((40, 50), bool)
    mask[2:8, 3:9] = True  # 36 pixels
    mask[8:13, 9:14] = True  # 25 more, which touch by a corner
    mask[20:24, 20:30] = True  # 40
    mask[30:33, 5:8] = True  # 9, too few
    assert job("count_nuclei").areas_of(mask) == [61, 40]
    assert job("count_nuclei").areas_of(np.zeros((5, 5), bool)) == []


def test_count_nuclei(job, tmp_path: Path) -> None:
    try:
        image, _ = fetch("nuclei_stardist")
    except FetchError as error:
        pytest.skip(f"the image is not to be had: {error}")
    job("count_nuclei").main([str(image), "--out", str(tmp_path)])
    with open(tmp_path / "counts.csv", newline="", encoding="utf-8") as file:
        head, row = csv.reader(file)
    assert head == ["mask", "nuclei", "median_area_pixels"]
    assert row[0] == "img2d_classes.png"
    assert 85 <= int(row[1]) <= 110  # 125 by hand, in 102 connected regions
    assert 300 < float(row[2]) < 700
    assert (tmp_path / "img2d_overlay.png").is_file()


def test_large_picture(job, tmp_path: Path) -> None:
    picture = photograph("retina", (410, 530))
    Image.fromarray(picture).save(tmp_path / "retina.png")
    out = tmp_path / "out"
    arguments = [str(tmp_path / "retina.png"), "--out", str(out)]
    assert job("large_picture").main(arguments) <= 1  # of rounding
    with Image.open(out / "retina_x2.png") as enlarged:
        assert enlarged.size == (1060, 820)
        halved = np.asarray(enlarged.reduce(2), "int16")
    assert np.abs(halved - picture).mean() < 2


@pytest.mark.slow
def test_npu_file(job, tmp_path: Path) -> None:
    pytest.importorskip("ethosu")
    report = job("npu_file").main(["--size", "64", "--out", str(tmp_path)])
    (artefact,) = report.artefacts
    assert artefact.check.passed and len(artefact.check.placements) > 20
    assert artefact.verifications[0].snr_db > 35
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["artefacts"][0]["target"] == "ethos_u55_128"
