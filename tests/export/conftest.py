"""Shared by the tests of the exporters."""

import pytest

from keras_upsample.examples import _cases as _images
from keras_upsample.export import _artefact, _verify
from keras_upsample.program import _input_shape


@pytest.fixture(autouse=True)
def seeded():
    import keras

    keras.utils.set_random_seed(11)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Small images where the model leaves their size open, one round of latency in place of 2 s of
    them, and the artefact's own runtime only."""
    monkeypatch.setattr(_input_shape, "DEFAULT_SIZE", 32)
    monkeypatch.setattr(_images, "ODD_SIZE", (21, 13))
    monkeypatch.setattr(_verify, "_LATENCY_ROUNDS", (1, 1))
    monkeypatch.setattr(_artefact, "other_runtimes", lambda names: [])


@pytest.fixture
def every_runtime(monkeypatch, quick):
    """Undoes the last part of `quick`."""
    monkeypatch.setattr(_artefact, "other_runtimes", _verify.other_runtimes)
