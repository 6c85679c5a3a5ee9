"""Gradients, graphs, XLA, `fit` and two replicas."""

import json
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_upsample import losses

NAMES = losses.__all__
RNG = np.random.default_rng(23)


def gradient(loss, labels, logits, weights=None):
    logits = tf.Variable(logits)
    with tf.GradientTape() as tape:
        value = loss(labels, logits, weights)
    return tape.gradient(value, logits).numpy()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name, channels):
    labels = RNG.integers(0, max(channels, 2), (2, 3, 4))
    labels[0, 0, :2] = 255
    logits = RNG.normal(size=(2, 3, 4, channels))
    weights = RNG.uniform(0.1, 2, labels.shape)
    alpha = RNG.uniform(0.5, 2, max(channels, 2))
    loss = getattr(losses, name)(class_weights=alpha, dtype="float64")
    ours = gradient(loss, labels, logits, weights)
    step = 1e-6
    for place in np.ndindex(*logits.shape):
        up, down = logits.copy(), logits.copy()
        up[place] += step
        down[place] -= step
        slope = (float(loss(labels, up, weights)) - float(loss(labels, down, weights))) / step / 2
        assert ours[place] == pytest.approx(slope, rel=1e-4, abs=1e-8)
    assert not ours[labels == 255].any()
    assert ours[labels != 255].any()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_finite_where_pixels_are_sure(name):
    labels = np.array([[[0, 1], [1, 0]]])
    for scale in (60.0, 1e4):
        for truth in (labels, 1 - labels):
            logits = scale * np.eye(2, dtype="float32")[labels]
            assert np.isfinite(gradient(getattr(losses, name)(), truth, logits)).all()
            one = logits[..., 1:] - logits[..., :1]
            assert np.isfinite(gradient(getattr(losses, name)(), truth, one)).all()


def test_focal_pushes_the_pixels_that_are_most_wrong():
    """Keras cuts probabilities off at 1e-7, where they have no gradient any more."""
    logits = np.array([[[30.0, 0, 0]]], "float32")
    ours = gradient(losses.Focal(), np.array([[1]]), logits)
    np.testing.assert_allclose(ours[0, 0], [1, -1, 0], atol=1e-4)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
def test_focal_gradients_of_small_powers_are_finite(gamma):
    logits = np.array([[[200.0, 0], [0, 200]]], "float32")
    assert np.isfinite(gradient(losses.Focal(gamma), np.array([[0, 0]]), logits)).all()


@pytest.mark.parametrize("name", NAMES)
def test_lovasz_and_the_others_in_graphs_of_open_sizes_and_in_xla(name):
    labels = RNG.integers(0, 3, (2, 4, 5))
    labels[1, 2] = 255
    logits = RNG.normal(size=(2, 4, 5, 3)).astype("float32")
    weights = RNG.uniform(0, 2, labels.shape).astype("float32")
    loss = getattr(losses, name)()
    expected = float(loss(labels, logits, weights))
    signature = [
        tf.TensorSpec((None, None, None), "int64"),
        tf.TensorSpec((None, None, None, 3)),
        tf.TensorSpec((None, None, None)),
    ]
    graph = tf.function(loss, input_signature=signature)
    assert float(graph(labels, logits, weights)) == pytest.approx(expected, rel=1e-6)
    compiled = tf.function(loss, jit_compile=True)
    assert float(compiled(labels, logits, weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("label", [2**32, 2**32 + 1, 2**40 + 255, -(2**33), 2**63 - 1])
@pytest.mark.parametrize("name", NAMES)
def test_labels_of_64_bits_are_not_cut(name, label):
    labels = np.array([[[0, label], [1, 2]]], "int64")
    logits = RNG.normal(size=(1, 2, 2, 3)).astype("float32")
    loss = getattr(losses, name)()
    with pytest.raises(ValueError, match="class numbers from 0 to 2"):
        loss(labels, logits)
    with pytest.raises(tf.errors.InvalidArgumentError, match=str(label)):
        tf.function(loss)(labels, logits)
    if label > 0:
        with pytest.raises(ValueError, match="class numbers from 0 to 2"):
            loss(labels.astype("uint64") + 2**62, logits)
    for dtype in ("uint32", "uint64", "int64"):
        whole = np.where(labels == label, 2**32 - 1, labels).astype(dtype)
        plain = np.where(labels == label, 255, labels)
        own = getattr(losses, name)(ignore_class=2**32 - 1)
        np.testing.assert_allclose(own(whole, logits), loss(plain, logits), rtol=1e-6)


def test_gradients_are_finite_where_scores_of_ignored_pixels_are_not():
    logits = RNG.normal(size=(2, 3, 3, 3)).astype("float32")
    logits[:, 0], logits[:, 1, 0] = np.nan, np.inf
    labels = np.where(np.isfinite(logits[..., 0]), RNG.integers(0, 3, (2, 3, 3)), 255)
    for name in NAMES:
        x = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = getattr(losses, name)()(labels, x)
        slopes = tape.gradient(loss, x).numpy()
        assert np.isfinite(slopes).all() and (slopes[labels == 255] == 0).all()
        assert (slopes[labels != 255] != 0).any()


@pytest.mark.parametrize("name", NAMES)
def test_wrong_labels_in_graphs_and_in_xla(name):
    """As Keras' sparse cross-entropy: an error in a graph, NaN in XLA, which has no errors."""
    labels = np.array([[[0, 3], [1, 2]], [[0, 1], [1, 2]]])
    logits = RNG.normal(size=(2, 2, 2, 3)).astype("float32")
    loss = getattr(losses, name)(reduction=None)
    for other in (loss, keras.losses.SparseCategoricalCrossentropy(from_logits=True)):
        with pytest.raises(tf.errors.InvalidArgumentError, match="3"):
            tf.function(other, jit_compile=False)(labels, logits)
    values = tf.function(loss, jit_compile=True)(labels, logits).numpy()
    assert np.isnan(values).tolist() == [True, False]

    @tf.function(jit_compile=True)
    def slopes(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(labels, x)
        return tape.gradient(value, x)

    assert np.isnan(slopes(tf.constant(logits))[0]).any()


@pytest.mark.parametrize("jit", [False, True, "auto"])
def test_wrong_labels_in_fit(jit):
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Conv2D(3, 1)])
    model.compile("sgd", losses.CrossEntropyAndDice(), jit_compile=jit)
    images, labels = np.ones((4, 2, 2, 1), "float32"), np.full((4, 2, 2), 3)
    if model.jit_compile:
        assert np.isnan(model.fit(images, labels, verbose=0).history["loss"][0])
    else:
        with pytest.raises(tf.errors.InvalidArgumentError, match="class numbers from 0 to 2"):
            model.fit(images, labels, verbose=0)


def test_weights_in_fit_and_evaluate():
    model = keras.Sequential([keras.Input((3, 5, 1)), keras.layers.Conv2D(3, 1)])
    loss = losses.CrossEntropyAndDice()
    model.compile(keras.optimizers.SGD(0.0), loss)
    images = RNG.random((4, 3, 5, 1), "float32")
    labels = RNG.integers(0, 3, (4, 3, 5, 1))
    scores = model(images)
    # From the second on the trainer knows neither the rank of the weights nor of the labels.
    for weights, truth in (
        (RNG.uniform(0, 2, 4), labels),
        (RNG.uniform(0, 2, (4, 3, 5)), labels[..., 0]),
        (RNG.uniform(0, 2, (4, 1)), labels),
    ):
        expected = float(loss(truth, scores, weights))
        got = model.evaluate(images, truth, sample_weight=weights, verbose=0)
        assert got == pytest.approx(expected, rel=1e-5)
        history = model.fit(images, truth, sample_weight=weights, verbose=0).history
        assert history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_mask_of_the_scores_counts_as_ignored():
    labels = RNG.integers(0, 3, (2, 9))
    logits = tf.constant(RNG.normal(size=(2, 9, 3)), "float32")
    ignored = labels.copy()
    ignored[:, 6:] = 255
    loss = losses.CrossEntropyAndDice(reduction=None)
    expected = loss(ignored, logits).numpy()
    masked = tf.identity(logits)
    keras.src.backend.set_keras_mask(masked, tf.constant(ignored != 255))
    np.testing.assert_allclose(loss(labels, masked), expected, rtol=1e-6)


def test_a_model_with_mixed_precision_trains_on_every_loss():
    with_float16 = keras.DTypePolicy("mixed_float16")
    for name in NAMES:
        model = keras.Sequential(
            [keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 1, dtype=with_float16)]
        )
        model.compile("sgd", getattr(losses, name)())
        images = RNG.random((2, 4, 4, 1), "float32")
        history = model.fit(images, RNG.integers(0, 3, (2, 4, 4)), verbose=0).history
        assert np.isfinite(history["loss"][0])


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_has_its_loss(name, tmp_path):
    model = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Conv2D(3, 1)])
    model.compile("sgd", getattr(losses, name)(class_weights=[1, 2, 3]))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").loss
    assert type(again) is getattr(losses, name)
    assert again.get_config() == model.loss.get_config()


@pytest.mark.slow
def test_two_replicas_are_one_device():
    """Loss and gradients of the whole batch, and a run of `training.fit` that is resumed."""
    script = Path(__file__).with_name("replicas.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout)
    assert result.pop("replicas") == 2
    run = result.pop("fit")
    assert run["steps"] == 4
    assert run["difference"] < 1e-5
    assert len(result) == 6
    for what, step in result.items():
        assert step["loss"][1] == pytest.approx(step["loss"][0], rel=1e-5), what
        assert step["difference"] < 1e-5 * step["gradient"] + 1e-6, what
        assert step["gradient"] > 0.01, what


def test_the_page_on_training_runs():
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (block,) = (block for block in blocks if "losses.CrossEntropyAndDice" in block)
    names = {}
    exec(block, names)
    images, labels = np.zeros((2, 8, 8, 3), "float32"), RNG.integers(0, 3, (2, 8, 8))
    assert np.isfinite(names["model"].evaluate(images, labels, verbose=0))
