"""`train`: files, metadata, resume to the bit, early stopping, class weights, splits."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from toy_discs import FAST, MODEL, discs, write_folder

from keras_upsample import predict
from keras_upsample.data import LabelledImages, batches, photograph
from keras_upsample.files._workshop import held_alone
from keras_upsample.metadata import of
from keras_upsample.training import EarlyStopping, Loss, Recipe, evaluate, images_of, train
from keras_upsample.training._class_weights import balanced_weights
from keras_upsample.training._early_stopping import best_epoch, has_ended
from keras_upsample.training._network import batches as batches_of
from keras_upsample.training._network import compiled
from keras_upsample.training._split import split_groups

DATA = {"train": discs(3), "validation": discs(2, seed=1)}


def recipe(**changed) -> Recipe:
    return Recipe.from_dict({"model": MODEL, **FAST, **changed})


def assert_equal_weights(a, b) -> None:
    first, second = (
        {v.path: np.asarray(v) for v in model.variables if "seed_generator" not in v.path}
        for model in (a, b)
    )
    assert list(first) == list(second)
    for path, values in first.items():
        np.testing.assert_array_equal(values, second[path], err_msg=path)


def shear(images, labels, seed):
    """A change of the user's own: random brightness, drawn from the seed."""
    factor = tf.random.stateless_uniform((images.shape[0], 1, 1, 1), seed, 0.5, 1.0)
    return images * factor, labels


def test_a_run_from_folders_writes_model_recipe_and_scores(tmp_path):
    place = write_folder(tmp_path / "own", discs(5, channels=3))
    source = {
        "images": str(place / "images"),
        "masks": str(place / "masks"),
        "class_names": ["ground", "disc"],
        "ignore": 255,
    }
    first = recipe(
        data={"train": source, "validation_fraction": 0.4, "split_seed": 3},
        licence="CC0-1.0",
        loss={"class_weights": "balanced"},
    )
    done = train(first, tmp_path / "run", verbose=0)

    loaded = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert_equal_weights(done.model, loaded)
    found = of(loaded)
    assert found.class_names == ("ground", "disc")
    assert found.task == "segmentation"
    assert found.licence == "CC0-1.0"
    assert found.training_data == "pictures of the folder own/images"
    assert found.input.scaling.base == "full_range"
    assert found.input.value_range == (0, 1)

    kept = Recipe.from_yaml(tmp_path / "run" / "recipe.yaml")
    assert kept == first
    again = train(kept, tmp_path / "again", verbose=0)
    assert_equal_weights(done.model, again.model)

    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert len(scores["images"]["train"]) == 3
    assert len(scores["images"]["validation"]) == 2
    assert not set(scores["images"]["train"]) & set(scores["images"]["validation"])
    assert scores["validation"]["scores"] == done.scores["validation"].to_dict()["scores"]
    parts = images_of(first.data)
    measured = evaluate(tmp_path / "run" / "model.keras", parts["validation"])
    assert measured.scores == pytest.approx(done.scores["validation"].scores, nan_ok=True)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"augmentation": {"layers": [{"RandomShear": {"x_factor": 0.2}}], "function": shear}},
        {"early_stopping": {"score": "iou disc", "patience": 9}},
    ],
    ids=["plain", "own augmentation", "early stopping"],
)
def test_a_resumed_run_ends_bit_equal(changed, tmp_path):
    chosen = recipe(**{k: v for k, v in changed.items() if k != "augmentation"})
    if "augmentation" in changed:
        chosen = dataclasses.replace(chosen, augmentation=changed["augmentation"])
    whole = train(chosen, tmp_path / "whole", data=DATA, verbose=0)
    train(chosen, tmp_path / "parts", data=DATA, stop_after=2, verbose=0)
    with pytest.raises(FileExistsError, match="--resume"):
        train(chosen, tmp_path / "parts", data=DATA, verbose=0)
    resumed = train(chosen, tmp_path / "parts", data=DATA, resume=True, verbose=0)
    assert resumed.epochs == whole.epochs == 3
    assert_equal_weights(whole.model, resumed.model)
    assert whole.scores["validation"].to_dict() == resumed.scores["validation"].to_dict()
    for name in ("recipe.yaml", "validation.json"):
        files = [tmp_path / run / name for run in ("whole", "parts")]
        if files[0].exists() or files[1].exists():
            assert files[0].read_text() == files[1].read_text()


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    with (
        held_alone(tmp_path, "train", "it is held"),
        pytest.raises(BlockingIOError, match="is being trained in by another process"),
    ):
        train(recipe(), tmp_path, data=DATA, verbose=0)


def test_resume_refuses_another_recipe(tmp_path):
    train(recipe(), tmp_path / "run", data=DATA, stop_after=2, verbose=0)
    with pytest.raises(ValueError, match=r"`seed`: the run in .* has 0.*Received: 1"):
        train(recipe(seed=1), tmp_path / "run", data=DATA, resume=True, verbose=0)
    with pytest.raises(FileNotFoundError, match=r"no .*checkpoint.keras to resume"):
        train(recipe(), tmp_path / "none", data=DATA, resume=True, verbose=0)


def test_early_stopping_ends_and_keeps_the_best_epoch(tmp_path, monkeypatch):
    from keras_upsample.training import _train

    told = iter([0.2, 0.7, 0.5, 0.6, 0.9])
    seen = []

    def score(recipe, model, images):
        seen.append([np.asarray(v) for v in model.trainable_variables])
        return next(told)

    monkeypatch.setattr(_train, "_validation_score", score)
    chosen = recipe(steps=10, early_stopping={"score": "mean_iou", "patience": 2})
    done = train(chosen, tmp_path / "run", data=DATA, verbose=0)
    assert (done.epochs, done.best_epoch) == (4, 2)  # 0.9 would have come after the end
    kept = [np.asarray(v) for v in done.model.trainable_variables]
    for a, b in zip(kept, seen[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert any((a != b).any() for a, b in zip(kept, seen[3], strict=True))
    table = (tmp_path / "run" / "logs" / "epochs.csv").read_text().splitlines()
    column = table[0].split(",").index("val_mean_iou")
    assert [line.split(",")[column] for line in table[1:]] == ["0.2", "0.7", "0.5", "0.6"]
    again = train(chosen, tmp_path / "run", data=DATA, resume=True, verbose=0)  # nothing to do
    assert (again.epochs, again.best_epoch) == (4, 2)
    assert_equal_weights(done.model, again.model)


def test_the_rule_of_early_stopping():
    assert best_epoch([0.1, 0.3, 0.3]) == 1
    assert not has_ended([], 1)
    assert not has_ended([0.5, 0.4], 2)
    assert has_ended([0.5, 0.4, 0.5], 2)


def test_early_stopping_needs_a_score_of_the_validation_images(tmp_path):
    chosen = dataclasses.replace(recipe(), early_stopping=EarlyStopping())
    with pytest.raises(ValueError, match="`early_stopping` needs validation images"):
        train(chosen, tmp_path, data={"train": DATA["train"]})
    chosen = dataclasses.replace(recipe(), early_stopping=EarlyStopping("iou disk"))
    with pytest.raises(
        ValueError, match=r"iou disc.*Received: 'iou disk'.*Did you mean 'iou disc'"
    ):
        train(chosen, tmp_path, data=DATA)


def test_balanced_weights_are_those_of_a_loop():
    labelled = discs(3)
    counts = [0, 0]
    for label in labelled.labels:
        for row in label:
            for value in row:
                if value != 255:
                    counts[value] += 1
    expected = [sum(counts) / (2 * n) for n in counts]
    np.testing.assert_allclose(balanced_weights(labelled), expected)
    model = compiled(recipe(loss={"class_weights": "balanced"}), labelled)
    np.testing.assert_allclose(model.loss.class_weights, expected)
    three = dataclasses.replace(labelled, classes=("ground", "disc", "ring"))
    with pytest.raises(ValueError, match="no training mask shows ring"):
        balanced_weights(three)


def test_class_weights_change_the_loss_and_must_fit(tmp_path):
    chosen = recipe(loss={"name": "focal", "gamma": 0, "class_weights": [1, 3]})
    model = compiled(chosen, DATA["train"])
    logits = np.zeros((1, 1, 2, 2), "float32")
    value = float(model.loss(np.array([[[0, 1]]]), logits))
    np.testing.assert_allclose(value, np.log(2) * (1 + 3) / 2, rtol=1e-6)
    wrong = dataclasses.replace(chosen, loss=Loss("focal", class_weights=[1, 2, 3]))
    with pytest.raises(ValueError, match=r"each of 2 classes \(ground, disc\). Received 3"):
        train(wrong, tmp_path, data=DATA)


def test_images_in_memory_are_no_preset(tmp_path):
    from keras_upsample.training import recipe_named

    preset = dataclasses.replace(
        recipe_named("unet:nuclei"), steps=1, steps_per_epoch=1, batch_size=1, crop=16
    )
    done = train(preset, tmp_path, data={"train": DATA["train"]}, verbose=0)
    found = of(done.model)
    assert (found.preset, found.licence, found.description) == ("", "", "")
    assert found.training_data == "3 images in memory"
    assert found.class_names == ("ground", "disc")
    assert found.input.scaling.base == "percentiles"  # as the recipe's sources
    assert not (tmp_path / "weights.safetensors").exists()


def test_one_channel_of_two_classes(tmp_path):
    chosen = recipe(model={**MODEL, "classes": 1}, steps=2)
    done = train(chosen, tmp_path, data=DATA, verbose=0)
    assert done.model.output_shape[-1] == 1
    assert of(done.model).task == "binary_segmentation"
    assert set(done.scores["validation"].scores) >= {"iou disc", "boundary_iou"}
    loaded = predict.load_model(tmp_path / "model.keras")
    assert loaded.classes == ("ground", "disc")
    with pytest.raises(ValueError, match="the data have 2 classes"):
        train(recipe(model={**MODEL, "classes": 3}), tmp_path / "three", data=DATA)


def test_softmax_outputs_are_trained_as_probabilities():
    model = compiled(recipe(model={**MODEL, "activation": "softmax"}), DATA["train"])
    assert model.loss.from_logits is False


def test_super_resolution(tmp_path):
    chosen = Recipe.from_dict(
        {
            "model": {"name": "espcn", "scale": 3, "filters": [4, 4], "residual": True},
            "data": {
                "train": {"photographs": ["coins"]},
                "validation": {"photographs": ["rocket"]},
            },
            "optimizer": {"learning_rate": 1e-5},
            "steps": 2,
            "crop": 8,
            "batch_size": 2,
        }
    )
    done = train(chosen, tmp_path, verbose=0)
    assert of(done.model).task == "super_resolution"
    scores = done.scores["validation"].scores
    # Two small steps from bicubic's own output: the scores are near it, not at random.
    assert abs(scores["rocket gain_y"]) < 1
    assert scores["mean gain_y"] == scores["rocket gain_y"]


def test_what_cannot_be_trained_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"4 outputs.*deep_supervision: false"):
        deep = recipe(model={"name": "unet_plus_plus", "deep_supervision": True}, crop=32)
        train(deep, tmp_path / "a", data=DATA)
    with pytest.raises(
        ValueError, match=r"gives 188x188 pixels for a crop of 196x196|padding: same"
    ):
        valid = recipe(model={"name": "unet", "filters": [2, 2], "padding": "valid"}, crop=196)
        train(valid, tmp_path / "b", data=DATA)
    with pytest.raises(ValueError, match="no layer begins with nothing"):
        train(recipe(start={"trainable": ["nothing"]}), tmp_path / "c", data=DATA)
    with pytest.raises(ValueError, match="no layer 'nothing' with a kernel"):
        train(recipe(start={"scale_kernels": {"nothing": 2}}), tmp_path / "d", data=DATA)
    with pytest.raises(ValueError, match=r"no image.*`data.train`|`data.train` names no images"):
        train(recipe(), tmp_path / "e")


def test_start_scales_kernels_and_freezes_layers():
    plain, changed = (
        compiled(
            recipe(
                start={"scale_kernels": {"head_conv": 0.5}, "trainable": ["decoder_", "head_"]}
                if change
                else {}
            ),
            DATA["train"],
        )
        for change in (False, True)
        if keras.utils.set_random_seed(1) is None
    )
    kernels = [np.asarray(model.get_layer("head_conv").kernel) for model in (plain, changed)]
    np.testing.assert_allclose(kernels[1], 0.5 * kernels[0])
    assert {v.path.split("_")[0] for v in changed.trainable_variables} == {"decoder", "head"}


def test_a_film_is_never_split():
    groups = ["a", "a", "b", "c", "c", "c", "d", "e"]
    for seed in range(20):
        parts = split_groups(groups, {"validation": 0.4, "test": 0.2}, seed)
        assert sorted(i for numbers in parts.values() for i in numbers) == list(range(8))
        films = [{groups[i] for i in numbers} for numbers in parts.values()]
        assert [len(f) for f in films] == [2, 2, 1]
        assert not films[0] & films[1] and not films[0] & films[2] and not films[1] & films[2]
    assert split_groups(groups, {"validation": 0.4}, 1) == split_groups(
        groups, {"validation": 0.4}, 1
    )
    with pytest.raises(ValueError, match=r"1 image can't be split.*2 frames of 1 films"):
        split_groups(["a", "a"], {"validation": 0.5}, 0)


def test_frames_of_one_file_and_names_by_a_pattern_are_films(tmp_path):
    import tifffile

    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for film in "ab":
        frames = rng.integers(0, 255, (3, 20, 24), "uint8")
        tifffile.imwrite(
            tmp_path / "images" / f"{film}.tif",
            frames,
            photometric="minisblack",
            metadata={"axes": "TYX"},
        )
        tifffile.imwrite(
            tmp_path / "masks" / f"{film}.tif",
            frames // 128,
            photometric="minisblack",
            metadata={"axes": "TYX"},
        )
    source = {"images": str(tmp_path / "images"), "masks": str(tmp_path / "masks")}
    data = recipe(data={"train": source, "validation_fraction": 0.5}).data
    parts = images_of(data)
    for part in ("train", "validation"):
        assert len(parts[part]) == 3
        assert len({name.split()[0] for name in parts[part].names}) == 1
    labelled = LabelledImages((), (), ("a",), ())
    assert labelled.groups == ()
    with pytest.raises(ValueError, match="`groups` must name the film of each image"):
        dataclasses.replace(discs(2), groups=("a",))
    grouped = recipe(data={"train": {**source, "groups": "^."}}).data
    assert images_of(grouped)["train"].groups == ("a", "a", "a", "b", "b", "b")


def test_named_sets_keep_their_splits():
    with pytest.raises(ValueError, match=r"'cells' has fixed parts \(train, validation, test\)"):
        recipe(data={"train": {"set": "cells"}, "validation_fraction": 0.2})


def test_own_changes_are_the_same_from_any_step_on():
    labelled = discs(2)
    changes = {
        "zoom": [1.0, 1.0],
        "gamma": [1.0, 1.0],
        "noise": 0.0,
        "blur": 0.0,
        "contrast": 0.0,
        "layers": [{"RandomErasing": {"factor": 1.0, "scale": 0.2, "value_range": [0, 1]}}],
    }
    chosen = dataclasses.replace(recipe(augmentation=changes), seed=4)
    with_function = dataclasses.replace(chosen, augmentation={**changes, "function": shear})

    def take(one, start, count):
        dataset = batches_of(one, labelled, start).take(count)
        return [tuple(np.asarray(side) for side in pair) for pair in dataset]

    whole, rest = take(with_function, 0, 3), take(with_function, 2, 1)
    np.testing.assert_array_equal(whole[2][0], rest[0][0])
    np.testing.assert_array_equal(whole[2][1], rest[0][1])
    without = take(chosen, 0, 3)
    for (x, y), (dim, same) in zip(without, whole, strict=True):
        np.testing.assert_array_equal(y, same)
        ratio = (dim.sum((1, 2, 3)) / x.sum((1, 2, 3)))[:, None, None, None]
        assert (ratio < 1).all()
        np.testing.assert_allclose(dim, x * ratio, atol=1e-5)  # one factor an image
    plain = take(dataclasses.replace(chosen, augmentation={**changes, "layers": None}), 0, 3)
    assert any((a[0] != b[0]).any() for a, b in zip(plain, without, strict=True))


def test_a_function_that_changes_shapes_is_refused():
    with pytest.raises(ValueError, match="must keep the shapes"):
        batches(discs(1), size=16, function=lambda x, y, seed: (x[:, 1:], y))
    with pytest.raises(ValueError, match="must give"):
        batches(discs(1), size=16, function=lambda x, y, seed: x)


def test_pictures_of_a_folder(tmp_path):
    from PIL import Image

    from keras_upsample.training._images import pictures_in_folder

    (tmp_path / "deep").mkdir()
    Image.fromarray(photograph("chelsea", (20, 31))).save(tmp_path / "deep" / "cat.png")
    Image.fromarray(photograph("coins", (9, 8))[..., 0]).save(tmp_path / "coins.png")
    found = pictures_in_folder(tmp_path)
    assert {name: x.shape for name, x in found.items()} == {
        "coins": (9, 8, 3), "deep/cat": (20, 31, 3),
    }  # fmt: skip
    np.testing.assert_array_equal(found["deep/cat"], photograph("chelsea", (20, 31)))
