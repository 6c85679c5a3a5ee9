"""The Python of docs/mobile.md runs, in order, and says what the model says."""

import re
import subprocess
import sys
from pathlib import Path

import media
import numpy as np
import pytest
from PIL import Image

from keras_upsample.data import photograph
from keras_upsample.export import to_tflite
from keras_upsample.images._scaling import scaling_of
from keras_upsample.images._sources import of_array
from keras_upsample.metadata import IMAGENET, Scaling

PAGE = (Path(__file__).parents[2] / "docs" / "mobile.md").read_text()
BLOCKS = re.findall(r"^```python ?(\w*)\n(.*?)^```", PAGE, re.S | re.M)
EXPORT, MEDIAPIPE, CLASSES, SCALED = (code for _, code in BLOCKS)
ALONE = (
    "import sys\nfor name in ('keras', 'tensorflow', 'keras_upsample'): sys.modules[name] = None\n"
)
HEIGHT, WIDTH = 96, 128


def test_the_blocks_are_those_that_are_meant():
    assert [kind for kind, _ in BLOCKS] == ["", "mediapipe", "alone", "alone"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the first block has run, with a frame of the model's size beside its files."""
    folder = tmp_path_factory.mktemp("mobile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        names: dict = {}
        exec(compile(EXPORT, "docs/mobile.md", "exec"), names)
    Image.fromarray(photograph("coffee")).resize((WIDTH, HEIGHT)).save(folder / "frame.jpg")
    names["model"].save(folder / "model.keras")
    return folder, names["model"]


def run(code, folder, *, keep, python=sys.executable, alone=True):
    """A block in a process that has neither TensorFlow nor this package; one of its arrays."""
    code = (ALONE if alone else "") + code + f"\nnp.save('kept.npy', {keep})\n"
    done = subprocess.run(
        [python, "-c", code], cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": ""}
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "kept.npy"), done.stdout


def frame(folder):
    return np.asarray(Image.open(folder / "frame.jpg").convert("RGB"))


def scores_of(model, picture):
    values = picture / 255.0 * np.array(IMAGENET.scale) + np.array(IMAGENET.offset)
    return np.asarray(model(values[None].astype("float32")), "float64")[0]


def clear(scores):
    """Where rounding can't decide."""
    return np.diff(np.sort(scores, -1)[..., -2:])[..., 0] > 1e-3 * np.ptp(scores)


def test_litert_alone_gives_classes(folder):
    place, model = folder
    classes, told = run(CLASSES, place, keep="classes")
    scores = scores_of(model, frame(place))
    assert classes.shape == (HEIGHT, WIDTH) and clear(scores).mean() > 0.95
    np.testing.assert_array_equal(classes[clear(scores)], scores.argmax(-1)[clear(scores)])
    assert {"sky", "road", "car"} == set(re.findall(r"'(\w+)':", told))


@media.needed
def test_mediapipe_gives_classes(folder):
    place, model = folder
    classes, told = run(MEDIAPIPE, place, keep="classes", python=media.PYTHON, alone=False)
    scores = scores_of(model, frame(place))
    # Its JPEG reader may round otherwise than Pillow's.
    assert np.mean(classes[clear(scores)] == scores.argmax(-1)[clear(scores)]) > 0.98
    assert "['sky', 'road', 'car']" in told


@pytest.mark.parametrize(
    "scaling",
    [
        Scaling("percentiles"),
        Scaling("percentiles", (2.0,), (-1.0,), (5, 95)),
        IMAGENET,
        Scaling(),
        Scaling("stored", (1,), (-104.0, -116.7, -122.7)),
    ],
)
def test_a_program_scales_as_the_file_says(folder, scaling, tmp_path):
    _, model = folder
    facts = model.metadata.with_input(scaling=scaling, value_range=scaling.value_range)
    to_tflite(model, tmp_path / "outside.tflite", metadata=facts)
    larger = Image.fromarray(photograph("coffee")).resize((WIDTH + 70, HEIGHT + 30))
    larger.save(tmp_path / "frame.jpg")
    scores, told = run(SCALED, tmp_path, keep="scores")
    picture = frame(tmp_path)
    values = scaling_of(of_array(picture), scaling)(picture)[:HEIGHT, :WIDTH]
    ours = np.asarray(model(values[None]))[0]
    np.testing.assert_allclose(scores, ours, atol=1e-4 * np.ptp(ours))
    assert told.startswith("street ")
