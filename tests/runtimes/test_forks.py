"""Forks of a process in which TensorFlow computed get one clear error, not a wait without end."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks")

ROOT = str(Path(__file__).parents[2])
SCRIPT = """
import multiprocessing
import keras
import numpy as np
from keras_upsample.predict import load_model, predict

x = keras.Input((None, None, 3))
keras.Model(x, keras.layers.Conv2D(3, 1, activation="softmax")(x)).save("net.keras")
image = np.zeros((8, 9, 3), "uint8")
used = load_model("net.keras")
predict(used, image)

def again(number):
    return predict(used if number else load_model("net.keras"), image).labels.shape

with multiprocessing.get_context("fork").Pool(1) as pool:
    for number in (0, 1):
        try:
            print(pool.apply_async(again, [number]).get(60))
        except (RuntimeError, ValueError) as error:
            print(error)
print(again(0))
"""


def test_keras_models_after_a_fork(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": ROOT},
    )
    assert done.returncode == 0, done.stderr
    new, old, here = done.stdout.strip().splitlines()
    for said in (new, old):
        assert "TensorFlow computed in the process that this one was forked from" in said
    assert here == "(8, 9)"
