"""No result of another image or another model is ever taken for this one's."""

import contextlib
import errno
import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import tifffile
from PIL import Image
from predicting import picture, predictor, small_net

from keras_upsample import _publish
from keras_upsample.images._sources import ImageError
from keras_upsample.metadata import Scaling
from keras_upsample.predict import load_model, predict_to_files
from keras_upsample.predict._identity import of_model


def saved(path, image: np.ndarray):
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def brightest(image: np.ndarray) -> np.ndarray:
    return np.array(image)


def darkest(image: np.ndarray) -> np.ndarray:
    return 1 - image


def test_another_image_of_the_same_name_size_and_date(tmp_path) -> None:
    first = saved(tmp_path / "x" / "a.png", picture())
    second = saved(tmp_path / "y" / "a.png", picture())
    os.utime(second, ns=(first.stat().st_atime_ns, first.stat().st_mtime_ns))
    predict_to_files(predictor(), first, tmp_path / "out")
    before = (tmp_path / "out" / "a_classes.png").read_bytes()
    with pytest.raises(ImageError, match=r"a_classes\.png' is there and was made with another ima"):
        predict_to_files(predictor(), second, tmp_path / "out")
    assert (tmp_path / "out" / "a_classes.png").read_bytes() == before
    files = predict_to_files(predictor(), second, tmp_path / "out", overwrite=True)
    assert len(files.written) == 2 and files.kept == ()
    assert (tmp_path / "out" / "a_classes.png").read_bytes() != before
    assert len(predict_to_files(predictor(), second, tmp_path / "out").kept) == 2


def test_the_same_image_under_another_date(tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    predict_to_files(predictor(), path, tmp_path / "out")
    os.utime(path, (1, 1))
    shutil.copytree(tmp_path / "out", tmp_path / "moved")
    for folder in ("out", "moved"):
        files = predict_to_files(predictor(), path, tmp_path / folder)
        assert len(files.kept) == 2 and files.written == ()


def test_another_model(tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    predict_to_files(predictor(brightest), path, tmp_path / "out")
    with pytest.raises(ImageError, match="was made with another model"):
        predict_to_files(predictor(darkest), path, tmp_path / "out")


@pytest.mark.parametrize(
    "field, value",
    [
        ("scaling", Scaling(scale=(0.5,))),
        ("kind", "logits"),
        ("colours", ((1, 2, 3),) * 3),
    ],
)
def test_the_same_model_used_otherwise(field, value, tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    predict_to_files(predictor(), path, tmp_path / "out")
    with pytest.raises(ImageError, match=f"made with another '{field}'"):
        predict_to_files(predictor(**{field: value}), path, tmp_path / "out")
    predict_to_files(predictor(classes=("a", "b", "c")), path, tmp_path / "out")  # only names


@pytest.mark.parametrize("options", [{"tile": 8, "overlap": 2}, {"channels": (2, 1, 0)}])
def test_other_options(options, tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    predict_to_files(predictor(), path, tmp_path / "out")
    with pytest.raises(ImageError, match="is there and was made with another '"):
        predict_to_files(predictor(), path, tmp_path / "out", **options)
    same = predict_to_files(predictor(), path, tmp_path / "out", tile=64, overlap=0)
    assert len(same.kept) == 2  # one tile is the whole image


def test_what_nobody_knows_is_not_taken(tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    saved(tmp_path / "out" / "a_classes.png", picture())
    before = (tmp_path / "out" / "a_classes.png").read_bytes()
    for overwrite in (False, True):
        with pytest.raises(ImageError, match=r"a_classes\.png' is there, and nothing says"):
            predict_to_files(predictor(), path, tmp_path / "out", overwrite=overwrite)
        assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["a_classes.png"]
        assert (tmp_path / "out" / "a_classes.png").read_bytes() == before
    (tmp_path / "out" / "a_classes.png").unlink()
    predict_to_files(predictor(), path, tmp_path / "out")
    other = saved(tmp_path / "b.png", picture())
    predict_to_files(predictor(), other, tmp_path / "out")
    shutil.copy(tmp_path / "out" / "b_classes.png", tmp_path / "out" / "a_classes.png")
    with pytest.raises(ImageError, match="nothing says that it is a result of this image"):
        predict_to_files(predictor(), path, tmp_path / "out")
    record = tmp_path / "out" / ".keras_upsample" / "b_classes.png.json"
    for text in ("", "[]", "{", json.dumps({"result": 3})):
        record.write_text(text)
        with pytest.raises(ImageError, match="nothing says"):
            predict_to_files(predictor(), other, tmp_path / "out")


def test_a_record_that_the_disk_does_not_give_is_not_missing(tmp_path, monkeypatch) -> None:
    """Taken for a missing one, it would make a stranger's file of our result."""
    image = saved(tmp_path / "a.png", picture())
    predict_to_files(predictor(), image, tmp_path / "out")
    read = Path.read_text

    def fail(path: Path, *arguments, **options) -> str:
        if path.name == "a_classes.png.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", fail)
    for overwrite in (False, True):
        with pytest.raises(OSError, match=r"Input/output error: .*a_classes\.png\.json"):
            predict_to_files(predictor(), image, tmp_path / "out", overwrite=overwrite)


def test_frames_are_told_apart_before_anything_is_written(tmp_path) -> None:
    frames = np.stack([picture(9, 11) for _ in range(3)])
    options = {"metadata": {"axes": "TYXS"}, "photometric": "rgb"}
    tifffile.imwrite(tmp_path / "a.tif", frames, **options)
    predict_to_files(predictor(), tmp_path / "a.tif", tmp_path / "out")
    for name in ("a_t0_classes.png", "a_t2_classes.png"):
        (tmp_path / "out" / name).unlink()
    again = predict_to_files(predictor(), tmp_path / "a.tif", tmp_path / "out")
    assert len(again.written) == 2 and len(again.kept) == 4
    (tmp_path / "out" / "a_t0_classes.png").unlink()
    shutil.copy(tmp_path / "out" / "a_t1_overlay.png", tmp_path / "out" / "a_t2_overlay.png")
    with pytest.raises(ImageError, match="a_t2_overlay"):
        predict_to_files(predictor(), tmp_path / "a.tif", tmp_path / "out")
    assert not (tmp_path / "out" / "a_t0_classes.png").exists()


def test_a_keras_model_that_was_trained_further(tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture(16, 16))
    model = small_net()
    ready = load_model(model)
    predict_to_files(ready, path, tmp_path / "out")
    assert len(predict_to_files(ready, path, tmp_path / "out").kept) == 2
    model.layers[-1].bias.assign_add([0.0, 5.0, 0.0])
    with pytest.raises(ImageError, match="another model"):
        predict_to_files(ready, path, tmp_path / "out")


def test_names_of_layers_do_not_count() -> None:
    def net(activation: str = "relu"):
        keras.utils.set_random_seed(3)
        image = keras.Input((8, 8, 3))
        x = keras.layers.Conv2D(4, 3, activation=activation)(image)
        return keras.Model(image, keras.layers.Conv2D(2, 1)(x))

    first, second = net(), net()
    assert first.layers[1].name != second.layers[1].name
    assert of_model(first) == of_model(second)
    assert of_model(net("tanh")) != of_model(first)  # of the same weights
    second.layers[1].bias.assign_add([0, 0, 1e-3, 0])
    assert of_model(first) != of_model(second)


def test_files_of_two_models(artefacts, tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture(32, 24))
    predict_to_files(artefacts["tflite"], path, tmp_path / "out")
    shutil.copy(artefacts["tflite"], tmp_path / "copy.tflite")
    assert len(predict_to_files(tmp_path / "copy.tflite", path, tmp_path / "out").kept) == 2
    with pytest.raises(ImageError, match="another model"):
        predict_to_files(artefacts["onnx"], path, tmp_path / "out")


@pytest.mark.parametrize("leads_to", ["photo.png", "nowhere.png"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_links_in_the_place_of_a_result(leads_to, overwrite, tmp_path) -> None:
    path = saved(tmp_path / "a.png", picture())
    saved(tmp_path / "out" / "photo.png", picture())
    link = tmp_path / "out" / "a_classes.png"
    link.symlink_to(leads_to)
    with pytest.raises(ImageError, match="move it away"):
        predict_to_files(predictor(), path, tmp_path / "out", overwrite=overwrite)
    assert link.is_symlink() and not (tmp_path / "out" / "a_overlay.png").exists()


def test_a_picture_with_the_name_of_a_result_of_another(tmp_path) -> None:
    one = saved(tmp_path / "a.png", picture())
    other = saved(tmp_path / "a_overlay.png", picture())
    before = other.read_bytes()
    with pytest.raises(ImageError, match=r"a_overlay\.png' is there, and nothing says"):
        predict_to_files(predictor(), one, tmp_path, overwrite=True)
    assert other.read_bytes() == before


@pytest.mark.parametrize("before", [True, False], ids=["before", "new"])
def test_stopped_between_any_two_renames(before, tmp_path, monkeypatch) -> None:
    image = saved(tmp_path / "a.png", picture())
    swap = _publish._swap
    for last in range(8):
        out = tmp_path / str(last)
        if before:
            predict_to_files(predictor(darkest), image, out)
        calls = iter(range(last))

        def stop(staged, path, calls=calls):
            if next(calls, None) is None:
                raise KeyboardInterrupt
            swap(staged, path)

        monkeypatch.setattr(_publish, "_swap", stop)
        with contextlib.suppress(KeyboardInterrupt):
            predict_to_files(predictor(), image, out, overwrite=before)
            break
        monkeypatch.setattr(_publish, "_swap", swap)
        # The next run neither refuses what the stopped one wrote, nor what it did not reach.
        files = predict_to_files(predictor(), image, out, overwrite=before)
        assert len(files.written) + len(files.kept) == 2
        assert len(predict_to_files(predictor(), image, out).kept) == 2
    assert last == 4  # two results and two records
