"""Recipes: those of the presets, their cards, what publishing chooses, and wrong ones."""

import dataclasses
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_upsample import zoo
from keras_upsample.data import cached, labelled_images
from keras_upsample.training import Recipe, evaluate, images_of, recipe_named, train
from keras_upsample.training._names import SCORES, WEIGHTS
from keras_upsample.training._network import batches, compiled
from keras_upsample.training._recipe import recipe_file
from keras_upsample.zoo import _weight_source

ZOO = Path(__file__).parents[2] / "zoo"


def load_script(name: str):
    """A script of the repository's `zoo/` as a module."""
    spec = importlib.util.spec_from_file_location(name, ZOO / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PUBLISH = load_script("publish")


@pytest.mark.parametrize("name", zoo.PRESETS)
def test_every_preset_has_its_recipe_results_and_card(name):
    folder = ZOO / zoo.PRESETS[name].folder
    recipe = recipe_named(name)
    results = json.loads((folder / "results.json").read_text())
    assert recipe.preset == results["preset"] == name
    assert (recipe.card.score, recipe.card.bar) == (results["score"], results["bar"])
    assert {run["steps"] for run in results["runs"]} == {recipe.steps}
    assert sorted(run["seed"] for run in results["runs"]) == [0, 1, 2]
    card = (folder / "README.md").read_text()
    assert recipe.description.strip() in card
    assert f"keras-upsample train {name}" in card
    assert (folder / "prediction.png").is_file()


@pytest.mark.parametrize("name", zoo.PRESETS)
def test_a_recipe_survives_yaml(name, tmp_path):
    recipe = recipe_named(name)
    file = tmp_path / "recipe.yaml"
    file.write_text(recipe.to_yaml())
    assert Recipe.from_yaml(file) == recipe
    changed = dataclasses.replace(recipe, steps=2 * recipe.steps, seed=7)
    assert Recipe.from_dict(changed.to_dict()) == changed


@pytest.mark.parametrize(
    "name",
    [
        # A backbone is 59 MB to download.
        pytest.param(name, marks=[pytest.mark.slow] if preset.backbone else [])
        for name, preset in zoo.PRESETS.items()
    ],
)
def test_shipped_weights_have_the_scores_of_their_card(name):
    from keras_upsample.errors import FetchError

    try:
        images = images_of(recipe_named(name).data, ("test",))["test"]
    except FetchError as error:
        pytest.skip(f"the test images can't be had: {error}")
    results = json.loads((ZOO / zoo.PRESETS[name].folder / "results.json").read_text())
    recorded = next(r for r in results["runs"] if r["seed"] == results["shipped_seed"])["test"]
    scores = PUBLISH.on_card(dict(evaluate(name, images, bootstrap=0).scores))
    assert set(scores) == set(recorded)
    for score, value in scores.items():
        # Another CPU rounds otherwise, which turns single pixels and hundredths of a decibel.
        tolerance = 0.02 if "psnr" in score or "gain" in score else 2e-3
        assert value == pytest.approx(recorded[score], abs=tolerance), score


def test_a_preset_trains_into_the_file_that_ships(tmp_path):
    recipe = recipe_named("espcn:photos_x2").to_dict()
    for key in ("steps_per_epoch", "card"):
        recipe.pop(key)
    recipe |= {"steps": 2, "crop": 8, "batch_size": 2}
    recipe["data"] = {
        "train": {"photographs": ["coins"]},
        "validation": {"photographs": ["rocket"]},
    }
    recipe["optimizer"]["learning_rate"] = 1e-5
    done = train(Recipe.from_dict(recipe), tmp_path, verbose=0)
    stored = load_file(tmp_path / WEIGHTS)
    assert stored["subpixel/kernel"].dtype == np.float16
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for variable in loaded.variables:
        np.testing.assert_array_equal(np.asarray(variable), stored[variable.path])
    assert loaded.metadata.preset == ""  # its weights are not the preset's
    assert loaded.metadata.licence == "Apache-2.0"
    # Two small steps from bicubic's own output: the scores are near it, not at random.
    assert abs(done.scores["validation"].scores["rocket gain_y"]) < 1


def test_the_warm_up_is_the_recipes_and_at_most_a_quarter_of_the_run():
    recipe = recipe_named("espcn:photos_x2")
    for steps, highest in ((recipe.steps, 500), (8, 2)):
        optimizer = compiled(dataclasses.replace(recipe, steps=steps, steps_per_epoch=steps), {})
        rates = [float(optimizer.optimizer._learning_rate(n)) for n in range(steps)]
        assert np.argmax(rates) == highest
        np.testing.assert_allclose(rates[highest // 2], 0.001, rtol=1e-5)
        assert rates[0] == 0 and rates[highest] == pytest.approx(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["espcn:photos_x2", "espcn:photos_x3"])
def test_units_of_espcn_survive_the_first_steps(name):
    """With a warm-up of 50 steps half of the last ReLU's units were 0 everywhere by now."""
    recipe = recipe_named(name)
    images = images_of(recipe.data, ("train",))["train"]
    keras.utils.set_random_seed(0)
    model = compiled(recipe, images)
    model.fit(batches(recipe, images, 0), steps_per_epoch=150, verbose=0)
    last = keras.Model(model.inputs, model.get_layer("stage3_activation").output)
    x, _ = next(iter(batches(recipe, images, 1000)))
    assert (np.asarray(last(x)).max(axis=(0, 1, 2)) == 0).mean() < 0.1


@pytest.mark.skipif(not (cached("nuclei") and cached("cells")), reason="the sets are not fetched")
def test_the_nuclei_of_cells_join_those_of_nuclei():
    """What the recipe says in words, against the arrays of the two sets."""
    train_images = images_of(recipe_named("unet:nuclei").data, ("train",))["train"]
    nuclei, cells = (labelled_images(name, "train") for name in ("nuclei", "cells"))
    assert len(train_images) == len(nuclei) + len(cells)
    assert train_images.classes == ("background", "nucleus")
    for i in (0, len(nuclei) - 1):
        np.testing.assert_array_equal(train_images.images[i], nuclei.images[i])
        np.testing.assert_array_equal(train_images.labels[i], nuclei.labels[i])
    for i in range(len(cells)):
        at = len(nuclei) + i
        np.testing.assert_array_equal(train_images.images[at], cells.images[i][..., :1])
        np.testing.assert_array_equal(train_images.labels[at], cells.labels[i] == 2)


@pytest.mark.slow  # fetches 55 MB of VGG16
def test_fcn8s_starts_as_its_recipe_says():
    recipe = dataclasses.replace(recipe_named("fcn8s:cells"), crop=32, batch_size=2)
    images = images_of(recipe.data, ("train",))["train"]
    keras.utils.set_random_seed(1)
    model = compiled(recipe, images)
    trained = {v.path.split("/")[0] for v in model.trainable_variables}
    assert not any("block4" in name or "block5" in name for name in trained)
    assert {"encoder_fc6", "encoder_fc7", "encoder_block1_conv1"} <= trained
    keras.utils.set_random_seed(1)
    plain = compiled(
        dataclasses.replace(recipe, start=dataclasses.replace(recipe.start, scale_kernels=None)),
        images,
    )
    for name, factor in (("decoder_score_fc7", 0.01), ("encoder_fc6", 1 / 11)):
        ours, before = (np.asarray(m.get_layer(name).kernel) for m in (model, plain))
        np.testing.assert_allclose(ours, factor * before, rtol=1e-6)
    x, y = next(iter(batches(recipe, images, 0)))
    assert x.shape == (2, 32, 32, 2) and y.shape == (2, 32, 32)


def test_publishing_takes_the_best_by_validation_not_by_test(tmp_path, monkeypatch):
    monkeypatch.setattr(_weight_source, "SHIPPED", tmp_path / "shipped")
    recipe = recipe_named("espcn:photos_x2")
    for seed, validation, test in ((0, 1.0, 9.0), (1, 2.0, 1.0)):
        folder = tmp_path / "runs" / f"seed{seed}"
        folder.mkdir(parents=True)
        (folder / WEIGHTS).write_bytes(bytes([seed]))
        scores = {"mean psnr_y": 30.0, "cat psnr_y": 30.0}
        run = {"preset": recipe.preset, "seed": seed, "steps": 1, "seconds": 1, "parameters": 1}
        run["validation"] = {"scores": {"mean gain_y": validation, **scores}}
        run["test"] = {"scores": {"astronaut gain_y": test, **scores}}
        (folder / SCORES).write_text(json.dumps(run))
    assert "seed 1 of 2" in PUBLISH.publish(recipe, tmp_path / "runs", tmp_path / "zoo")
    assert (tmp_path / "shipped" / "espcn_photos_x2.safetensors").read_bytes() == b"\x01"
    results = json.loads((tmp_path / "zoo" / "espcn_photos_x2" / "results.json").read_text())
    assert results["shipped_seed"] == 1
    assert results["runs"][0]["test"] == {"astronaut gain_y": 9.0, "cat psnr_y": 30.0}
    with pytest.raises(ValueError, match="is of espcn:photos_x2, not of espcn:photos_x3"):
        PUBLISH.publish(recipe_named("espcn:photos_x3"), tmp_path / "runs", tmp_path / "zoo")
    with pytest.raises(FileNotFoundError, match="no finished run"):
        PUBLISH.publish(recipe, tmp_path / "nowhere", tmp_path / "zoo")


def test_a_recipe_of_a_preset_imports_nothing_heavy():
    code = (
        "import sys; from keras_upsample.training import recipe_named; "
        "recipe_named('unet:nuclei'); print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_recipe_that_ships_is_of_a_preset():
    files = {path.stem for path in recipe_file("x").parent.glob("*.yaml")}
    assert files == {preset.folder for preset in zoo.PRESETS.values()}


OWN = "data: {train: {images: i, masks: m}}\n"


@pytest.mark.parametrize(
    "text, message",
    [
        ("stepps: 3", r"recipe\.yaml has the unknown key `stepps`.*Allowed: .*steps.*'steps'"),
        ("steps: many", r"recipe\.yaml: `steps` must be a whole number from 1 up.*'many'"),
        ("steps: 250", r"multiple of `steps_per_epoch`, here 100.*200 and 300"),
        ("steps: 100\nepochs: 3", "`steps` and `epochs` are both given"),
        ("seed: -1", "`seed` must be a whole number from 0 up"),
        ("model: {name: unett}", r"`model.name` must be one of unet.*Did you mean 'unet'"),
        ("model: {name: unet, filter: [4]}", r"`model.filter`: unet has no such.*'filters'"),
        ("model: {name: unet, weights: cells}", "`model.weights` comes from"),
        ("preset: unet:nucleus", r"no preset 'unet:nucleus'.*Did you mean 'unet:nuclei'"),
        ("preset: unet:nuclei\nmodel: {name: fpn}", "`model.name`: unet:nuclei has 'unet'"),
        ("data: {training: {}}", r"recipe\.yaml, `data` has the unknown key `training`"),
        ("data: {train: {set: cell}}", r"recipe\.yaml, `data.train\[0\]`: `set` must.*'cells'"),
        ("data: {train: [{set: cells}, {}]}", r"`data.train\[1\]`: a source has one of `set`"),
        ("data: {train: {set: nuclei, split: test}}", "`split` must be one of train, validation"),
        ("data: {train: {set: cells, masks: m}}", "`masks` goes with `images`"),
        ("data: {train: {images: i, masks: m, groups: '('}}", "regular expression"),
        ("data: {train: {images: i}}", "unet does segmentation and needs masks"),
        ("data: {train: {images: i, masks: m, normalization: none}}", "full_range or percentiles"),
        ("data: {train: [{set: cells}, {images: i, masks: m}]}", "must have one `normalization`"),
        ("data: {train: {images: i, masks: m, channels: 2}}", "`channels` must be a list"),
        (OWN.replace("}}", "}, validation_fraction: 1}"), "a number from 0 up and below 1"),
        (OWN.replace("}}", "}, validation_fraction: 0.6, test_fraction: 0.5}"), "must leave"),
        ("loss: {name: dice}", r"recipe\.yaml, `loss`: `name` must be one of cross_entropy"),
        ("loss: {name: mean_squared_error}", r"`loss.name` must be one of cross_entropy"),
        ("loss: {gamma: 2}", "`loss.gamma`: cross_entropy_and_dice has no such argument"),
        ("loss: {class_weights: equal}", "must be balanced, or one number"),
        ("optimizer: {name: sgd}", "`name` must be one of adamw, adam"),
        ("optimizer: {learning_rate: fast}", "`learning_rate` must be a number from 0 up"),
        ("optimizer: {warmup_steps: 0.5}", "`warmup_steps` must be a whole number from 0 up"),
        ("augmentation: {zooom: 1}", r"`augmentation` has the unknown key `zooom`.*'zoom'"),
        ("augmentation: {zoom: [2, 1]}", r"`augmentation`: `zoom` must be \(smallest, largest\)"),
        ("augmentation: {layers: [RandomHue]}", "must hold Keras preprocessing layers"),
        ("augmentation: {function: os:system}", r"is Python code, and it was not run.*--trust"),
        ("early_stopping: {patience: 0}", "`patience` must be a whole number from 1 up"),
        ("early_stopping: mean_iou", "`early_stopping` must be a mapping"),
        ("start: {backbone: vgg19}", "`backbone` must be one of vgg16"),
        ("model: {name: espcn}\naugmentation: {noise: 0.1}", "`augmentation` is for class maps"),
        ("steps: 1\nsteps: 2", r"line 2, column 1: it is no YAML: the key 'steps' is there twice"),
        ("steps: [1", "it is no YAML"),
        ("- steps", r"recipe\.yaml must be a mapping"),
    ],
)
def test_wrong_recipes(text, message, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        Recipe.from_yaml(file)
    assert str(raised.value).startswith(str(file))


def test_a_recipe_that_is_not_there():
    with pytest.raises(FileNotFoundError, match=r"no recipe file 'nowhere\.yaml'"):
        Recipe.from_yaml("nowhere.yaml")


def test_folders_of_a_recipe_start_at_its_file(tmp_path):
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "recipe.yaml"
    file.write_text("data: {train: {images: ../i, masks: /m}}")
    source = Recipe.from_yaml(file).data.train[0]
    assert Path(source.images).resolve() == (tmp_path / "i").resolve()
    assert source.masks == "/m"


def test_numbers_that_yaml_reads_as_text():
    recipe = Recipe.from_dict({"optimizer": {"learning_rate": "1e-3"}})
    assert recipe.optimizer.learning_rate == 1e-3


def test_a_function_is_named_in_the_recipe():
    recipe = Recipe(augmentation={"function": json.dumps})
    assert recipe.to_dict()["augmentation"] == {"function": "json:dumps"}
    with pytest.raises(ValueError, match="can't be found by its name again"):
        Recipe(augmentation={"function": lambda x, y, seed: (x, y)}).to_dict()
    layer = keras.layers.RandomBrightness(0.3, value_range=(0, 1))
    (plain,) = Recipe(augmentation={"layers": [layer]}).to_dict()["augmentation"]["layers"]
    ((name, arguments),) = plain.items()
    assert name == "RandomBrightness"
    again = getattr(keras.layers, name)(**arguments)
    assert again.get_config()["factor"] == layer.get_config()["factor"]
    shear = keras.layers.RandomShear(x_factor=0.3)  # whose configuration Keras 3.15 can't read
    with pytest.raises(ValueError, match="Keras can't tell the arguments of this RandomShear"):
        Recipe(augmentation={"layers": [shear]}).to_dict()
