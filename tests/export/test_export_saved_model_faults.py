"""Faults of the disk that TensorFlow's writer of SavedModels keeps to itself."""

import errno
import io
import os
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample.errors import ExportError
from keras_upsample.export import to_saved_model

_FINGERPRINT = "Could not create singleprint from the fingerprint specified by the export_dir."


@pytest.fixture
def model():
    keras.utils.set_random_seed(1)
    image = keras.Input((9, 7, 3), name="image")
    return keras.Model(image, keras.layers.Conv2D(2, 3, name="scores")(image), name="net")


def failing_once(monkeypatch, then=lambda folder: None):
    """Let the first save end as one does that can't read the fingerprints of what it wrote."""
    plain, calls = tf.saved_model.save, []

    def save(module, folder, **options):
        plain(module, folder, **options)
        calls.append(folder)
        if len(calls) == 1:
            then(folder)
            raise ValueError(_FINGERPRINT)

    monkeypatch.setattr(tf.saved_model, "save", save)
    return calls


def test_fingerprints_that_could_not_be_read_are_written_again(model, tmp_path, monkeypatch):
    calls = failing_once(monkeypatch)
    to_saved_model(model, tmp_path / "saved")
    assert len(calls) == 2
    x = np.random.default_rng(0).random((2, 9, 7, 3), "float32")
    served = tf.saved_model.load(tmp_path / "saved").signatures["serving_default"]
    np.testing.assert_allclose(served(tf.constant(x))["scores"], model(x), atol=1e-5)


def test_the_reason_is_said(model, tmp_path, monkeypatch):
    opened = io.open

    def refuse(path, *arguments, **options):
        if Path(path).name == "fingerprint.pb":
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return opened(path, *arguments, **options)

    failing_once(monkeypatch, lambda _: monkeypatch.setattr(io, "open", refuse))
    with pytest.raises(OSError, match=r"Input/output error: '.*saved/fingerprint.pb'"):
        to_saved_model(model, tmp_path / "saved")
    assert not list(tmp_path.iterdir())


def test_another_error_is_raised_as_it_is(model, tmp_path, monkeypatch):
    calls = []

    def save(*arguments, **options):
        calls.append(arguments)
        raise ValueError("another one")

    monkeypatch.setattr(tf.saved_model, "save", save)
    with pytest.raises(ExportError, match="another one"):
        to_saved_model(model, tmp_path / "saved")
    assert len(calls) == 1


def test_parts_that_tensorflow_could_not_delete_are_deleted(model, tmp_path, monkeypatch):
    plain = tf.saved_model.save

    def save(module, folder, **options):
        plain(module, folder, **options)
        parts = Path(folder, "variables", "variables_temp")
        parts.mkdir(exist_ok=True)
        (parts / "part-00000-of-00001.index").write_bytes(b"left")

    monkeypatch.setattr(tf.saved_model, "save", save)
    to_saved_model(model, tmp_path / "saved")
    assert sorted(p.name for p in (tmp_path / "saved" / "variables").iterdir()) == [
        "variables.data-00000-of-00001",
        "variables.index",
    ]
