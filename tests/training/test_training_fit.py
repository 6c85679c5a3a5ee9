"""Crops of photographs, and a run that is stopped and resumed."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample import layers
from keras_upsample.data import photograph
from keras_upsample.losses import CrossEntropyAndDice
from keras_upsample.training import (
    enlarged_pair,
    enlargement_batches,
    fit,
)


def build():
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, padding="same"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.2),
            keras.layers.Conv2D(3, 1),
        ]
    )
    schedule = keras.optimizers.schedules.CosineDecay(1e-2, 6)
    model.compile(keras.optimizers.AdamW(schedule), CrossEntropyAndDice(), jit_compile=False)
    return model


def stream(start):
    """Batch n is a function of n alone."""

    def batches():
        step = start
        while True:
            rng = np.random.default_rng(step)
            yield rng.random((2, 8, 8, 1), "float32"), rng.integers(0, 3, (2, 8, 8), "int32")
            step += 1

    signature = (tf.TensorSpec((2, 8, 8, 1)), tf.TensorSpec((2, 8, 8), "int32"))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


def test_a_resumed_run_ends_bit_equal(tmp_path):
    options = {"steps": 6, "steps_per_epoch": 2, "verbose": 0}
    whole = fit(build, stream, tmp_path / "whole", **options)
    fit(build, stream, tmp_path / "parts", stop_after=2, **options)
    resumed = fit(build, stream, tmp_path / "parts", resume=True, **options)
    assert int(resumed.optimizer.iterations) == 6
    for a, b in zip(whole.variables, resumed.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)
    for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), err_msg=a.path)
    epochs = (tmp_path / "parts" / "logs" / "epochs.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in epochs] == ["epoch", "0", "1", "2"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_checkpoint_that_is_not_written_leaves_the_last(error, tmp_path, monkeypatch):
    options = {"steps": 4, "steps_per_epoch": 2, "verbose": 0}
    fit(build, stream, tmp_path, stop_after=2, **options)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert before
    save = keras.Model.save

    def half(model, path, *arguments, **more):
        save(model, path, *arguments, **more)
        Path(path).write_bytes(Path(path).read_bytes()[:100])
        raise error

    monkeypatch.setattr(keras.Model, "save", half)
    with pytest.raises(type(error)):
        fit(build, stream, tmp_path, resume=True, **options)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == before
    monkeypatch.undo()
    assert int(fit(build, stream, tmp_path, resume=True, **options).optimizer.iterations) == 4


@pytest.mark.parametrize("method", ["on_epoch_end", "on_train_end"])
def test_an_error_of_the_disk_names_the_table_of_epochs(method, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(keras.callbacks.CSVLogger, method, full)
    with pytest.raises(OSError, match=r"No space left on device: '.*epochs.csv'"):
        fit(build, stream, tmp_path, steps=2, steps_per_epoch=2, verbose=0)


def test_a_fresh_process_resumes_a_model_with_our_layers(tmp_path):
    """Keras knows a class only once its module is imported, which the first run did by the way."""

    def build_ours():
        inputs = keras.Input((None, None, 1))
        outputs = keras.layers.Conv2D(3, 1)(layers.PadToMultiple2D(2)(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("adam", CrossEntropyAndDice(), jit_compile=False)
        return model

    fit(build_ours, stream, tmp_path, steps=2, steps_per_epoch=2, verbose=0)
    script = (
        "import sys; from pathlib import Path\n"
        "from keras_upsample.training import fit\n"
        "model = fit(None, None, Path(sys.argv[1]), steps=2, steps_per_epoch=2, resume=True)\n"
        "print(model.layers[1].name)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "pad_to_multiple2d" in result.stdout


def test_fit_refuses_what_would_lose_a_run(tmp_path):
    options = {"steps": 2, "steps_per_epoch": 2, "verbose": 0}
    with pytest.raises(FileNotFoundError, match=r"no .*checkpoint.* to resume"):
        fit(build, stream, tmp_path, resume=True, **options)
    fit(build, stream, tmp_path, **options)
    with pytest.raises(FileExistsError, match="--resume"):
        fit(build, stream, tmp_path, **options)
    with pytest.raises(ValueError, match="multiple of steps_per_epoch=2"):
        fit(build, stream, tmp_path, steps=3, steps_per_epoch=2)


@pytest.mark.parametrize("scale", [2, 3])
def test_enlarged_pair(scale):
    small, large = enlarged_pair(photograph("chelsea"), scale)
    assert large.shape[:2] == tuple(scale * n for n in small.shape[:2])
    assert photograph("chelsea").shape[0] - large.shape[0] < scale
    # Bicubic reduction keeps the mean of a neighbourhood: block means differ by its ringing alone.
    height, width, _ = small.shape
    blocks = large.reshape(height, scale, width, scale, 3).mean((1, 3))
    assert np.abs(blocks - small).mean() < 2.5
    assert np.abs(blocks - np.roll(small, 1, axis=0)).mean() > 4  # so that a shift would show


def test_enlargement_batches_depend_on_seed_and_number_alone():
    pictures = [photograph("chelsea")]

    def take(count, **options):
        dataset = enlargement_batches(pictures, scale=2, size=12, batch_size=3, **options)
        return [tuple(np.asarray(side) for side in pair) for pair in dataset.take(count)]

    whole, rest = take(4, seed=1), take(2, seed=1, start=2)
    for a, b in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
        np.testing.assert_array_equal(a[1], b[1])
    assert not np.array_equal(take(1, seed=2)[0][0], whole[0][0])
    for small, large in whole:
        assert small.shape == (3, 12, 12, 3)
        assert large.shape == (3, 24, 24, 3)
        blocks = large.reshape(3, 12, 2, 12, 2, 3).mean((2, 4))
        assert np.abs(blocks - small).mean() < 0.02  # turned and mirrored together


def test_enlargement_batches_need_a_photograph_large_enough():
    with pytest.raises(ValueError, match="at least 200 pixels"):
        enlargement_batches([np.zeros((100, 300, 3), "uint8")], scale=2, size=100)


def test_logs_of_the_user_are_not_deleted(tmp_path):
    from keras_upsample.training import _fit

    logs = tmp_path / "logs"
    for place in ("notes.txt", "train/events.out.tfevents.1", "epochs.csv"):
        (logs / place).parent.mkdir(parents=True, exist_ok=True)
        (logs / place).write_text("mine")
        with pytest.raises(FileExistsError, match="which no run of this recipe wrote"):
            _fit._clear_logs(logs)
        assert (logs / place).read_text() == "mine"
    (logs / "notes.txt").unlink()
    (logs / ".keras_upsample").touch()  # as a run leaves it
    _fit._clear_logs(logs)
    assert [path for path in logs.rglob("*") if path.is_file()] == []
    _fit._clear_logs(tmp_path / "none")
