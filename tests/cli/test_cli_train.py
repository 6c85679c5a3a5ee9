"""`keras-upsample train` and `evaluate` as a user runs them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_cli import one_line, run

from keras_upsample.metadata import read
from keras_upsample.training import Recipe

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
from toy_discs import discs, write_folder

SMALL = ("--filters", "4,8", "--crop", 16, "--batch-size", 2, "--steps", 4, "--steps-per-epoch", 2)


def test_train_resume_evaluate_and_choose_a_threshold(tmp_path):
    place = write_folder(tmp_path / "own", discs(4, channels=3))
    (tmp_path / "mine.py").write_text(
        "def darker(images, labels, seed):\n    return images / 2, labels\n"
    )
    names = ("--class-names", "ground,disc", "--ignore", "255")
    done = run(
        "train", place.name, "--out", "run", *SMALL, *names, "--classes", 1, "--loss", "focal",
        "--class-weights", "balanced", "--augmentation", "zoom=[0.9,1.1]",
        "--augment", "mine:darker",
        "--early-stopping", "iou disc", "--validation-fraction", "0.5", "--seed", 3,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no log line of any library
    assert "model: run/model.keras" in done.stdout
    recipe = Recipe.from_yaml(tmp_path / "run" / "recipe.yaml", trust=True)
    assert (recipe.seed, recipe.steps, recipe.crop, recipe.batch_size) == (3, 4, 16, 2)
    assert recipe.model == {"classes": 1, "filters": [4, 8], "name": "unet"}
    assert recipe.augmentation == {"zoom": [0.9, 1.1], "function": "mine:darker"}

    again = run("train", "--resume", "--out", "run", "--trust", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "model: run/model.keras" in again.stdout
    assert "Epoch" not in again.stdout  # there was nothing left to do
    other = run("train", place.name, "--out", "run", *SMALL, *names, cwd=tmp_path)
    assert other.returncode == 2
    assert "is there already. Pass --resume" in one_line(other.stderr)

    scored = run(
        "evaluate", "run/model.keras", place.name, *names, "--choose-threshold", "iou", "--json",
        "--bootstrap", 10, "--out", "new.keras", cwd=tmp_path,
    )  # fmt: skip
    assert scored.returncode == 0, scored.stderr
    found = json.loads(scored.stdout)
    assert len(found["images"]) == 4
    assert found["classes"] == ["ground", "disc"]
    assert sum(map(sum, found["confusion"])) == sum(
        int((np.asarray(Image.open(file)) != 255).sum()) for file in place.glob("masks/*.png")
    )
    value = read(tmp_path / "new.keras").output.threshold
    assert 1 / (1 + np.exp(-value)) == pytest.approx(found["curve"]["threshold"])

    part = run("evaluate", "run/model.keras", "run/recipe.yaml", "--trust", cwd=tmp_path)
    assert part.returncode == 0, part.stderr
    assert "2 images; intervals: 95%, 1000 bootstrap samples of images, seed 0" in part.stdout


def test_a_preset_on_own_images_keeps_its_recipe(tmp_path):
    from keras_upsample._cli import train as command

    place = write_folder(tmp_path / "own", discs(5))
    names = command.train.__annotations__
    options = {name: None for name in names if name != "return"}
    options |= {"data": str(place), "recipe": "unet:nuclei", "trust": False, "steps": 30}
    recipe = command.recipe_of(options)
    assert recipe.preset is None and recipe.card is None
    assert recipe.licence == "" and recipe.training_data == ""
    assert recipe.model == {"name": "unet", "filters": [16, 32, 64, 128]}
    assert (recipe.crop, recipe.steps, recipe.steps_per_epoch) == (96, 30, 30)
    assert recipe.augmentation["gamma"] == [0.5, 2.5]
    assert recipe.data.validation_fraction == 0.2
    options |= {"data": "unet:nuclei", "recipe": None, "fusion": "add", "steps": None, "epochs": 2}
    changed = command.recipe_of(options)
    assert changed.preset is None  # another network
    assert changed.model["fusion"] == "add" and changed.model["filters"] == [16, 32, 64, 128]
    assert changed.steps == 200
    options |= {"fusion": None, "epochs": None, "option": ["scale=3"], "model": "espcn"}
    options |= {"data": None, "images": place / "images"}
    enlarging = command.recipe_of(options)
    assert enlarging.task == "super_resolution" and enlarging.scale == 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["nowhere"], "DATA must be a folder with images/ and masks/, a set (cells"),
        (["unet:nucleus"], "Did you mean 'unet:nuclei'?"),
        (["."], "there is no images and no masks. Other names: --images DIR --masks DIR."),
        ([], "--images and --masks go together"),
        (["cells", "--masks", "."], "options of files (--images, --masks"),
        (["cells", "--validation-fraction", "0.2"], "'cells' has fixed parts"),
        (["cells", "--recipe", "nothing"], "--recipe must be a .yaml file or a preset"),
        (["unet:nuclei", "--images", "."], "DIR --recipe unet:nuclei"),
        (["cells", "--option", "dropout"], "--option takes KEY=VALUE"),
        (["cells", "--option", "drop=1"], "`model.drop`: unet has no such argument"),
        (["cells", "--patience", "3"], "--patience goes with --early-stopping SCORE"),
        (["wrong.yaml"], "wrong.yaml has the unknown key `step`"),
        (["--resume"], "no run/recipe.yaml to resume"),
        (["unet:nuclei", "--resume"], "checkpoint.keras to resume"),
    ],
)
def test_wrong_command_lines_of_train(arguments, message, tmp_path, monkeypatch, capfd):
    from typer.testing import CliRunner

    from keras_upsample.cli import app

    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.yaml").write_text("step: 3\n")
    result = CliRunner().invoke(app, ["train", *arguments, "--out", "run"])
    assert result.exit_code == 2
    assert message in one_line(capfd.readouterr().err)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["unet:cells", "nowhere"], "DATA must be a folder"),
        (["unet:cells", "cells", "--split", "train2"], "--split must be one of train, validation"),
        (["unet:cells", "cells", "--out", "x.keras"], "pass --choose-threshold"),
        (["unet:cells", "cells", "--masks", "."], "--masks is for folders"),
        (["unet:cells", ".", "--split", "test"], "--split is for sets and recipes"),
        (["espcn:photos_x2"], "Name the pictures by --images"),
    ],
)
def test_wrong_command_lines_of_evaluate(arguments, message, tmp_path, monkeypatch, capfd):
    from typer.testing import CliRunner

    from keras_upsample.cli import app

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["evaluate", *arguments])
    assert result.exit_code == 2
    assert message in one_line(capfd.readouterr().err)
