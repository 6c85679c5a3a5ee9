"""What becomes of an image's values on the way in, and of a network's on the way out."""

import numpy as np
import pytest
from compare import assert_close
from hypothesis import given, settings
from hypothesis import strategies as st
from predicting import picture, predictor

from keras_upsample.data import normalize
from keras_upsample.images import _scaling
from keras_upsample.images._scaling import scaling_of
from keras_upsample.images._sources import of_array
from keras_upsample.predict import predict
from keras_upsample.predict._probabilities import as_labels, as_probabilities

RNG = np.random.default_rng(34)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64"])
@pytest.mark.parametrize("method", ["full_range", "percentiles"])
def test_scaling_is_that_of_the_training_data(dtype: str, method: str) -> None:
    image = picture(33, 21, 3, dtype)
    image[..., 1] //= 3 if image.dtype.kind == "u" else 1
    scaled = scaling_of(of_array(image), method)(image)
    assert_close(scaled, normalize(image, method), of_range=1e-6)
    assert scaled.max() > 0.3


@pytest.mark.parametrize("method", ["full_range", "percentiles"])
def test_arrays_in_any_order_of_memory(method: str) -> None:
    image = picture(12, 9, 3, "uint16")
    planar = np.ascontiguousarray(image.transpose(2, 0, 1)).transpose(1, 2, 0)
    mirrored = np.ascontiguousarray(image[::-1, ::-1])[::-1, ::-1]
    expected = normalize(image, method)
    for same in (planar, mirrored, np.asfortranarray(image), image.astype(">u2")):
        assert_close(scaling_of(of_array(same), method)(same), expected, of_range=1e-6)
        seen = []
        model = predictor(lambda x, seen=seen: seen.append(x) or x, normalization=method)
        predict(model, same)
        assert_close(seen[0], expected, of_range=1e-6)


def test_a_channel_without_contrast_is_0_whatever_sticks_out() -> None:
    image = np.full((60, 60, 2), 7, "uint16")
    image[..., 0] = np.arange(3600).reshape(60, 60)
    image[0, 0, 1] = 65535  # beyond percentile 99.8
    scaled = scaling_of(of_array(image), "percentiles")(image)
    assert (scaled[..., 1] == 0).all() and np.ptp(scaled[..., 0]) == 1
    assert_close(scaled, normalize(image, "percentiles"), of_range=1e-6)


def test_none_leaves_the_values() -> None:
    image = picture(5, 4, 3, "uint16")
    np.testing.assert_array_equal(scaling_of(of_array(image), "none")(image), image)


def test_full_range_wants_floats_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="holds floats from 0 to 255; with normalization"):
        scaling_of(of_array(np.array([[0.0, 255.0]])), "full_range")


def test_percentiles_of_large_images_are_of_a_sample(monkeypatch) -> None:
    image = RNG.normal(100, 20, (400, 300, 1)).astype("float32")
    exact = scaling_of(of_array(image), "percentiles")
    monkeypatch.setattr(_scaling, "_WHOLE", 1000)
    sampled = scaling_of(of_array(image), "percentiles")
    assert 0 < abs(sampled.low[0] - exact.low[0]) < 15 and sampled.low[0] > 10
    assert abs(sampled.span[0] - exact.span[0]) < 30


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_softmax_and_sigmoid_in_float64(channels: int) -> None:
    logits = RNG.normal(0, 5, (7, 9, channels)).astype("float32")
    logits[0, 0] = 200, *[-200] * (channels - 1)
    wide = logits.astype("float64")
    if channels == 1:
        expected = 1 / (1 + np.exp(-wide))
    else:
        exponentials = np.exp(wide - wide.max(-1, keepdims=True))
        expected = exponentials / exponentials.sum(-1, keepdims=True)
    before = logits.copy()
    assert_close(as_probabilities(logits, True), expected, of_range=1e-6)
    np.testing.assert_array_equal(logits, before)
    same = as_probabilities(logits, False)
    assert same is not logits
    np.testing.assert_array_equal(same, logits)


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(0, 2**16))
def test_labels_are_the_first_of_the_largest(classes: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 4, (5, 6, classes)).astype("float32")
    expected = [[list(p).index(max(p)) for p in row] for row in values.tolist()]
    np.testing.assert_array_equal(as_labels(values), expected)


def test_one_probability_has_two_classes() -> None:
    values = np.array([0.0, 0.4999, 0.5, 1.0], "float32")[None, :, None]
    assert as_labels(values).tolist() == [[0, 0, 1, 1]]
    assert as_labels(values).dtype == np.uint8
    assert as_labels(np.zeros((1, 1, 257), "float32")).dtype == np.uint16


@pytest.mark.parametrize("tile", [None, 8])
def test_a_prediction(tile) -> None:
    image = picture(21, 18)
    model = predictor(lambda x: 4 * x, logits=True, classes=("a", "b", "c"), colours=((1, 2, 3),))
    result = predict(model, image, tile=tile, overlap=4, probabilities=True)
    x = np.exp(4 * image.astype("float64") / 255)
    assert_close(result.probabilities, x / x.sum(-1, keepdims=True), of_range=1e-6)
    np.testing.assert_array_equal(result.labels, image.argmax(-1))
    assert result.labels.dtype == np.uint8 and result.picture is None
    assert (result.classes, result.colours) == (("a", "b", "c"), ((1, 2, 3),))
    plain = predict(model, image, tile=tile)
    assert plain.probabilities is None
    np.testing.assert_array_equal(plain.labels, result.labels)


def test_enlarged_pictures_are_rounded_and_cut_off() -> None:
    image = picture(11, 9)

    def twice(x: np.ndarray) -> np.ndarray:
        return (1.5 * x - 0.25).repeat(2, axis=0).repeat(2, axis=1)

    model = predictor(twice, scale=2, enlarges=True)
    result = predict(model, image, tile=4, overlap=2)
    assert result.labels is None and result.probabilities is None
    expected = np.rint(np.clip(1.5 * (image / 255.0) - 0.25, 0, 1) * 255)
    expected = expected.repeat(2, axis=0).repeat(2, axis=1)
    assert np.abs(result.picture.astype(int) - expected).max() <= 1  # at a half
    assert (result.picture != expected).mean() < 0.02
    assert result.picture.shape == (22, 18, 3) and result.picture.dtype == np.uint8


def test_grey_booleans_and_floats() -> None:
    grey = picture(6, 7, 1)[..., 0]
    seen = []
    model = predictor(lambda x: seen.append(x) or x)
    predict(model, grey)
    predict(model, grey > 100)
    predict(model, (grey / 255.0))
    np.testing.assert_allclose(seen[0], np.repeat(grey[..., None] / 255, 3, 2), atol=1e-7)
    np.testing.assert_array_equal(seen[1], np.repeat(grey[..., None] > 100, 3, 2))
    np.testing.assert_allclose(seen[2], seen[0], atol=1e-7)
    assert all(x.dtype == np.float32 and x.flags["C_CONTIGUOUS"] for x in seen)
