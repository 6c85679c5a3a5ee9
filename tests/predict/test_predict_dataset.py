"""Many images in one call: one outcome each, whatever happens to the others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from predicting import picture, predictor

from keras_upsample.predict import Outcome, Ray, predict_dataset, predict_to_files


def saved(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def test_outcomes_in_order_and_the_same_files(tmp_path):
    images = [saved(tmp_path / f"{n}.png", picture(9 + n, 14)) for n in range(3)]
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnot a picture")
    images.insert(1, tmp_path / "broken.png")
    shares: list[tuple[int, float]] = []
    outcomes = list(
        predict_dataset(predictor(), images, tmp_path / "out", progress=lambda *a: shares.append(a))
    )
    assert [outcome.path for outcome in outcomes] == images
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False, False]
    assert "broken.png" in outcomes[1].error and outcomes[1].written == ()
    assert [number for number, _ in shares] == sorted(number for number, _ in shares)
    assert {(0, 0.0), (0, 1.0), (3, 1.0)} <= set(shares)
    for image in (images[0], images[2], images[3]):
        alone = predict_to_files(predictor(), image, tmp_path / "alone").written
        for path in alone:
            assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    again = list(predict_dataset(predictor(), images, tmp_path / "out"))
    assert [outcome.kept for outcome in again] == [outcome.written for outcome in outcomes]


def test_images_of_one_name_do_not_meet(tmp_path):
    images = [saved(tmp_path / folder / "a.png", picture(6, 7)) for folder in ("x", "y")]
    outcomes = list(predict_dataset(predictor(), images, tmp_path / "out", overlays=False))
    assert [[path.name for path in outcome.written] for outcome in outcomes] == [
        ["x_a_png_classes.png"],
        ["y_a_png_classes.png"],
    ]


def test_nothing_to_do(tmp_path):
    assert list(predict_dataset(predictor(), [], tmp_path / "out")) == []
    assert not (tmp_path / "out").exists()


def test_a_folder_that_can_not_be_written_ends_the_run(tmp_path):
    image = saved(tmp_path / "a.png", picture(6, 7))
    with pytest.raises((PermissionError, NotADirectoryError)):
        list(predict_dataset(predictor(), [image, image], image / "out"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": "a.png"}, TypeError, "`images` must be a list of paths. Received: 'a.png'"),
        ({"name": "a"}, TypeError, "itself gives each image its `name`"),
        ({"augment": ["spin"]}, ValueError, "'spin'"),
        ({"tiles": 64}, TypeError, "`tiles`"),
        ({"engine": "ray"}, TypeError, "`engine` must be None or a `Ray`. Received: 'ray'"),
        ({"engine": Ray()}, TypeError, "must be the name of a preset or the path"),
        ({"engine": Ray(), "tiles": 64}, TypeError, "`tiles`"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_before_any_image_is_read(arguments, error, message, tmp_path):
    given = {"images": [tmp_path / "a.png"], **arguments}
    with pytest.raises(error) as caught:
        predict_dataset(predictor(), given.pop("images"), tmp_path, **given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"workers": 0}, ValueError),
        ({"workers": 1.5}, TypeError),
        ({"workers": True}, TypeError),
        ({"cpus": 0}, ValueError),
        ({"cpus": "2"}, TypeError),
        ({"gpus": -1}, ValueError),
        ({"stall": 0}, ValueError),
    ],
    ids=str,
)
def test_an_engine_that_can_not_be(arguments, error):
    (name,) = arguments
    with pytest.raises(error, match=f"`{name}` must be"):
        Ray(**arguments)


def test_an_outcome_is_plain():
    assert Outcome(Path("a")) == Outcome(Path("a"), (), (), (), "")
