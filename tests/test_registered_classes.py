"""Keras finds every class of ours by its name, in whatever order both were imported."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_upsample import layers

LOAD = """
import keras, numpy
model = keras.models.load_model({path!r})
print(float(numpy.sum(model(numpy.full((1, 3, 5, 2), 0.5, "float32")))))
"""
BEGINNINGS = {
    "the package first": "import keras_upsample",
    "Keras first": "import keras\nimport keras_upsample",
    "one other class, which loads Keras": (
        "import keras_upsample as ku\nku.layers.PixelShuffle2D(2)"
    ),
    "one other class, from its package": "from keras_upsample.layers import PixelShuffle2D",
    "a builder": "import keras_upsample as ku\nku.zoo.unet",
    "no Keras in between": "import keras_upsample as ku\nku.export.TARGETS",
    "looked for, not loaded": (
        "import importlib.util, keras_upsample\nimportlib.util.find_spec('keras')"
    ),
    "two threads": (
        "import threading, keras_upsample as ku\n"
        "a = threading.Thread(target=lambda: ku.layers.PixelShuffle2D(2))\n"
        "b = threading.Thread(target=lambda: __import__('keras'))\n"
        "a.start(); b.start(); a.join(60); b.join(60)\n"
        "assert not (a.is_alive() or b.is_alive())"
    ),
}


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> tuple[Path, float]:
    image = keras.Input((3, 5, 2))
    model = keras.Model(image, layers.BicubicUpSampling2D(2)(image))
    path = tmp_path_factory.mktemp("model") / "m.keras"
    model.save(path)
    return path, 6 * 10 * 2 * 0.5  # a constant image stays constant


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_saved_model_is_loaded(name, model):
    path, total = model
    result = run(BEGINNINGS[name] + LOAD.format(path=str(path)))
    assert result.returncode == 0, result.stderr[-2000:]
    np.testing.assert_allclose(float(result.stdout), total, rtol=1e-5)


def test_the_package_alone_loads_no_keras():
    result = run(
        "import sys, keras_upsample as ku; ku.export; ku.zoo; print('keras' in sys.modules)"
    )
    assert result.stdout.strip() == "False", result.stderr


def test_keras_is_there_although_ours_fails():
    """As with a Keras that is too old for us: the message comes where ours is used."""
    result = run(
        "import keras_upsample, sys\n"
        "sys.modules['keras_upsample._keras2_functions'] = None\n"
        "import keras; print(keras.__name__)"
    )
    assert (result.returncode, result.stdout.strip()) == (0, "keras"), result.stderr
