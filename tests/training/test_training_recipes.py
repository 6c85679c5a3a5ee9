"""Recipes: their command line, what publishing chooses, and the scores that the cards report."""

import argparse
import dataclasses
import json
import runpy
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from keras_upsample import zoo
from keras_upsample.training import Enlargement, Segmentation, _publish
from keras_upsample.training._recipe import RESULT, WEIGHTS, run, train
from keras_upsample.zoo import _weight_source

ZOO = Path(__file__).parents[2] / "zoo"
PHOTOS = Enlargement(
    preset="espcn:photos_x2",
    train=("coins",),
    validation=("rocket",),
    test=("chelsea",),
    steps=2,
    score="chelsea gain_y",
    bar=0.8,
    learning_rate=1e-5,
    size=8,
    batch_size=2,
)


def options(**changed):
    given = {"seed": 0, "resume": False, "steps": None, "images": None, "masks": None}
    return argparse.Namespace(**given | changed)


@pytest.mark.parametrize("name", zoo.PRESETS)
def test_every_preset_has_its_recipe_results_and_card(name):
    folder = ZOO / zoo.PRESETS[name].folder
    names = runpy.run_path(str(folder / "train.py"))
    results = json.loads((folder / "results.json").read_text())
    assert names["RECIPE"].preset == results["preset"] == name
    assert f"python zoo/{folder.name}/train.py" in names["__doc__"]
    assert {run["steps"] for run in results["runs"]} == {names["RECIPE"].steps}
    assert sorted(run["seed"] for run in results["runs"]) == [0, 1, 2]
    assert (folder / "README.md").is_file()
    assert (folder / "prediction.png").is_file()


@pytest.mark.parametrize(
    "name",
    [
        # A backbone is 59 MB to download.
        pytest.param(name, marks=[pytest.mark.slow] if preset.backbone else [])
        for name, preset in zoo.PRESETS.items()
    ],
)
def test_shipped_weights_have_the_scores_of_their_card(name):
    preset = zoo.PRESETS[name]
    folder = ZOO / preset.folder
    recipe = runpy.run_path(str(folder / "train.py"))["RECIPE"]
    if isinstance(recipe, Segmentation):
        from keras_upsample.data import fetch
        from keras_upsample.errors import FetchError

        try:
            fetch(recipe.test[0])
        except FetchError as error:
            pytest.skip(f"the test images can't be had: {error}")
    results = json.loads((folder / "results.json").read_text())
    recorded = next(r for r in results["runs"] if r["seed"] == results["shipped_seed"])["test"]
    model = getattr(zoo, preset.model)(weights=preset.weights)
    scores = recipe.scores(model, "test")
    assert set(scores) == set(recorded)
    for score, value in scores.items():
        # Another CPU rounds otherwise, which turns single pixels and hundredths of a decibel.
        tolerance = 0.02 if "psnr" in score or "gain" in score else 2e-3
        assert value == pytest.approx(recorded[score], abs=tolerance), score


def test_a_run_writes_weights_and_scores_and_resumes(tmp_path):
    text = train(PHOTOS, options(), tmp_path)
    result = json.loads((tmp_path / RESULT).read_text())
    assert json.loads(text) == result
    assert set(result["test"]) >= {"mean gain_y", "chelsea psnr_rgb", "chelsea gain_y"}
    assert set(result["validation"]) >= {"rocket gain_y"}
    # Two small steps from bicubic's own output: the scores are near it, not at random.
    assert abs(result["test"]["chelsea gain_y"]) < 1
    with np.load(tmp_path / WEIGHTS, allow_pickle=False) as archive:
        assert "subpixel/kernel" in archive.files
    again = train(PHOTOS, options(resume=True), tmp_path)
    assert json.loads(again)["test"] == result["test"]


def test_own_images_and_masks(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(2)
    for stem in "ab":
        pixels = rng.integers(0, 255, (40, 50, 3), "uint8")
        Image.fromarray(pixels).save(tmp_path / "images" / f"{stem}.png")
        Image.fromarray(pixels[..., 0] // 64).save(tmp_path / "masks" / f"{stem}.png")
    recipe = runpy.run_path(str(ZOO / "unet_nuclei" / "train.py"))["RECIPE"]
    recipe = dataclasses.replace(recipe, size=32, batch_size=2, steps=2)
    own = options(images=tmp_path / "images", masks=tmp_path / "masks")
    assert "model.keras" in train(recipe, own, tmp_path / "out")
    model = keras.models.load_model(tmp_path / "out" / "model.keras")
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape[-1] == 4


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--images", "somewhere"], "--images and --masks go together"),
        (["--resume", "--out", "nowhere"], "no nowhere.*checkpoint"),
        (["--publish", "--out", "nowhere"], "no finished run in nowhere"),
    ],
)
def test_wrong_command_lines(arguments, message, monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as left:
        run(PHOTOS, "recipe")
    assert left.value.code == 2
    import re

    assert re.search(message, capfd.readouterr().err)


def test_publishing_takes_the_best_by_validation_not_by_test(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_weight_source, "SHIPPED", tmp_path / "shipped")
    for seed, validation, test in ((0, 1.0, 9.0), (1, 2.0, 1.0)):
        folder = tmp_path / "runs" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(bytes([seed]))
        result = {"seed": seed, "validation": {"mean gain_y": validation}}
        (folder / RESULT).write_text(json.dumps(result | {"test": {"chelsea gain_y": test}}))
    assert "seed 1 of 2" in _publish.publish(PHOTOS, tmp_path / "runs")
    assert (tmp_path / "shipped" / "espcn_photos_x2.npz").read_bytes() == b"\x01"
    results = json.loads((tmp_path / "zoo" / "espcn_photos_x2" / "results.json").read_text())
    assert results["shipped_seed"] == 1
    assert len(results["runs"]) == 2


def test_recipes_import_nothing_heavy_before_they_set_up_tensorflow():
    import subprocess
    import sys

    code = (
        "import sys; from keras_upsample.training import Enlargement, Segmentation; "
        "from keras_upsample.training._recipe import run; "
        "print({'tensorflow', 'keras', 'skimage'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
