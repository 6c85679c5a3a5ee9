"""Class maps in 8 bits are judged by what the scores lose, not by how many pixels are ties."""

import keras
import numpy as np
import pytest
from keras import layers as L

import keras_upsample as ku
from keras_upsample.export import Gate
from keras_upsample.export._compare import ScoresBehind, difference
from keras_upsample.quantization._decibels import decibels

RNG = np.random.default_rng(71)
GATE = Gate(min_snr_db=30.0)


def judged(actual, expected, values, threshold=None):
    behind = {"map": ScoresBehind(values, threshold)}
    return difference("case", {"map": actual}, {"map": expected}, GATE, scores=behind)


def test_the_least_noise_that_explains_a_class_map() -> None:
    """By hand: one pixel of four, 2 channels, turned at a margin of 0.2."""
    values = np.array([[0.0, 1.0], [0.0, 1.0], [0.6, 0.4], [1.0, 0.0]])[None, None]
    expected = values.argmax(-1).astype("uint8")
    actual = expected.copy()
    actual[0, 0, 2] = 1
    found = judged(actual, expected, values)
    assert found.snr_db == pytest.approx(decibels(values.var(), 0.2**2 / 2 / 8))
    assert found.equal_argmax == 0.75


@pytest.mark.parametrize("noise_db", [20, 30, 40, 50])
def test_it_is_never_more_than_the_noise_itself(noise_db: int) -> None:
    values = RNG.normal(0, 1, (1, 64, 64, 5))
    noise = RNG.normal(0, 10 ** (-noise_db / 20), values.shape)
    found = judged((values + noise).argmax(-1), values.argmax(-1), values)
    assert found.snr_db >= noise_db - 0.5
    mask, limit = values[..., 0] >= 0.3, 0.3
    noisy = (values + noise)[..., 0] >= limit
    one = judged(noisy.astype("uint8"), mask.astype("uint8"), values[..., :1], limit)
    assert one.snr_db >= noise_db - 0.5


def test_ties_cost_nothing_and_wrong_maps_fail() -> None:
    values = RNG.normal(0, 1, (1, 32, 32, 3))
    values[..., 1] = values[..., 0] + 1e-4  # a tie nearly everywhere
    expected = values.argmax(-1).astype("uint8")
    tie = np.where(expected == 1, 0, expected).astype("uint8")
    assert (tie == expected).mean() < 0.6 and not judged(tie, expected, values).failure
    for wrong in (
        np.zeros_like(expected) + 2,
        RNG.integers(0, 3, expected.shape),
        expected[:, ::-1],
    ):
        found = judged(wrong.astype("uint8"), expected, values)
        assert "dB in the scores" in found.failure
    out = judged(np.full_like(expected, 200), expected, values)  # no class at all
    assert "beside the classes 0 to 2" in out.failure


@pytest.mark.parametrize("head", ["argmax", "threshold"])
def test_an_8_bit_class_map_of_close_scores_passes(head: str, tmp_path) -> None:
    """Untrained scores are close everywhere: far more than 0.1% of the pixels turn."""
    keras.utils.set_random_seed(5)
    image = keras.Input((48, 48, 3), name="image")
    x = L.Conv2D(12, 3, padding="same", activation="relu")(image)
    x = L.Conv2D(4 if head == "argmax" else 1, 3, padding="same", name="logits")(x)
    model = keras.Model(image, x, name="close")
    report = ku.export.to_tflite(model, tmp_path / "m.tflite", precision="int8", head=head)
    verification = report.verifications[0]
    assert verification.passed and verification.snr_db >= 30
    picture = ku.data.photograph("coffee", (48, 48))[None] / np.float32(255)
    (found,) = ku.runtimes.load(tmp_path / "m.tflite")({"image": picture}).values()
    scores = np.asarray(model(picture))
    mine = scores.argmax(-1) if head == "argmax" else scores[..., 0] >= 0
    assert (found == mine).mean() > 0.9
