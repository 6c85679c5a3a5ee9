"""Values and gradients of the losses against their papers' definitions."""

import keras
import numpy as np
import pytest
from keras import ops
from loss_oracle import FORMULAS, per_image

from keras_upsample import losses

pytestmark = pytest.mark.backend_neutral

RNG = np.random.default_rng(11)
NAMES = losses.__all__


def case(channels, shape=(3, 5, 7), ignored=0.2, seed=0):
    """Labels, logits; image 0 lacks the last class."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, max(channels, 2), shape)
    labels[0] = np.minimum(labels[0], max(channels, 2) - 2)
    labels[rng.random(shape) < ignored] = 255
    return labels, rng.normal(size=(*shape, channels)).astype("float32") * 2


def value(loss, *arguments, **options):
    return ops.convert_to_numpy(loss(*arguments, **options))


def test_every_loss_has_an_oracle():
    assert set(NAMES) == set(FORMULAS)


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("name", NAMES)
def test_values(name, channels):
    labels, logits = case(channels)
    alpha = RNG.uniform(0.2, 3, max(channels, 2)).tolist()
    pixel, image = RNG.uniform(0, 2, labels.shape), RNG.uniform(0, 2, len(labels))
    pixel[1, :3] = 0
    everywhere = image[:, None, None] * np.ones(labels.shape)
    for weights, given in ((None, None), (pixel, pixel), (pixel, pixel[..., None])):
        loss = getattr(losses, name)(class_weights=alpha, reduction=None)
        expected = per_image(FORMULAS[name], labels, logits, weights, alpha)
        ours = value(loss, labels, logits, sample_weight=given)
        np.testing.assert_allclose(ours, expected, rtol=2e-5)
    expected = per_image(FORMULAS[name], labels, logits) * image
    loss = getattr(losses, name)(reduction=None)
    for given in (image, image[:, None], image[:, None, None], everywhere):
        np.testing.assert_allclose(value(loss, labels, logits, given), expected, rtol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_reductions_are_those_of_keras(name):
    labels, logits = case(3)
    weights = RNG.uniform(0, 2, labels.shape)
    each = per_image(FORMULAS[name], labels, logits, weights)
    counted = labels != 255
    of_image = (weights * counted).sum((1, 2)) / counted.sum((1, 2))
    for reduction, expected in {
        "sum": each.sum(),
        "sum_over_batch_size": each.mean(),
        "mean": each.mean(),
        "mean_with_sample_weight": each.sum() / of_image.sum(),
    }.items():
        loss = getattr(losses, name)(reduction=reduction)
        np.testing.assert_allclose(value(loss, labels, logits, weights), expected, rtol=2e-5)
    # A batch is its images, each by itself.
    alone = [value(loss, labels[n : n + 1], logits[n : n + 1]) for n in range(len(labels))]
    loss = getattr(losses, name)()
    np.testing.assert_allclose(value(loss, labels, logits), np.mean(alone), rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "int32"])
def test_labels_of_every_dtype_and_with_a_channel(name, dtype):
    labels, logits = case(3)
    loss = getattr(losses, name)()
    expected = per_image(FORMULAS[name], labels, logits).mean()
    for given in (labels, labels[..., None]):
        np.testing.assert_allclose(value(loss, given.astype(dtype), logits), expected, rtol=2e-5)
    one = logits[..., :1]
    mask = labels == 1
    expected = per_image(FORMULAS[name], mask, one).mean()
    np.testing.assert_allclose(value(loss, mask, one), expected, rtol=2e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(2, 9), (2, 3, 4, 5), (4,)])
def test_signals_volumes_and_no_place_at_all(name, shape):
    labels, logits = case(3, shape)
    expected = per_image(FORMULAS[name], labels, logits).mean()
    loss = getattr(losses, name)()
    np.testing.assert_allclose(value(loss, labels, logits), expected, rtol=2e-5)
    np.testing.assert_allclose(value(loss, labels[..., None], logits), expected, rtol=2e-5)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_probabilities(name, channels):
    labels, logits = case(channels)
    p = ops.sigmoid(logits) if channels == 1 else ops.softmax(logits)
    expected = per_image(FORMULAS[name], labels, logits).mean()
    loss = getattr(losses, name)(from_logits=False)
    np.testing.assert_allclose(value(loss, labels, p), expected, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_ignored_pixels_may_hold_anything(name):
    labels, logits = case(3, ignored=0)
    whole = np.full((3, 5, 9), -1)
    whole[:, :, :7] = labels
    scores = RNG.normal(size=(3, 5, 9, 3)).astype("float32") * 30
    scores[:, :, :7] = logits
    ours = value(getattr(losses, name)(ignore_class=-1, reduction=None), whole, scores)
    none = value(getattr(losses, name)(ignore_class=None, reduction=None), labels, logits)
    np.testing.assert_allclose(ours, none, rtol=1e-5)
    scores[:, :, 7:], weights = np.nan, np.where(whole == -1, np.nan, 1)
    ours = value(getattr(losses, name)(ignore_class=-1, reduction=None), whole, scores, weights)
    np.testing.assert_allclose(ours, none, rtol=1e-5)
    # Class 0 may be the one that does not count, and whole images.
    labels[1] = 0
    ours = value(getattr(losses, name)(ignore_class=0, reduction=None), labels, logits)
    np.testing.assert_allclose(ours, per_image(FORMULAS[name], labels, logits, ignore=0), rtol=2e-5)
    assert ours[1] == 0


def test_smoothing_and_the_other_numbers():
    labels, logits = case(4)
    for name, given, oracle in (
        ("CrossEntropyAndDice", {"label_smoothing": 0.1}, {"smoothing": 0.1}),
        ("Focal", {"gamma": 0.5}, {"gamma": 0.5}),
        ("Focal", {"gamma": 0}, {"gamma": 0}),
        ("Tversky", {"alpha": 0.9, "beta": 0.2}, {"false_positive": 0.9, "false_negative": 0.2}),
    ):
        for scores in (logits, logits[..., :1]):
            truth = labels if scores is logits else np.where(labels == 255, 255, labels % 2)
            expected = per_image(FORMULAS[name], truth, scores, **oracle).mean()
            ours = value(getattr(losses, name)(**given), truth, scores)
            np.testing.assert_allclose(ours, expected, rtol=2e-5, err_msg=f"{name} {given}")


def test_smoothing_keeps_the_distance_between_logits_finite():
    """Cross-entropy alone is least at log(1 + C (1 - e) / e); Dice has no slope where p is sure."""
    distance = np.log(1 + 3 * 0.9 / 0.1)
    loss = losses.CrossEntropyAndDice(0.1)

    def entropy(d):
        logits = np.array([[[[d, 0, 0]]]], "float32")
        p = np.exp(d) / (np.exp(d) + 2)
        return float(value(loss, np.zeros((1, 1, 1), "int32"), logits)) - (1 - 2 * p / (1 + p))

    assert entropy(distance) < min(entropy(distance - 0.2), entropy(distance + 0.2))


def test_as_keras_has_them():
    """Keras' own forms, where they take the same input: one-hot labels, nothing ignored."""
    labels, logits = case(4, ignored=0)
    labels[:, 0, :4] = range(4)  # every class in every image
    one_hot, p = np.eye(4)[labels], ops.softmax(logits)
    own = keras.losses

    def images(loss):
        return np.mean([float(loss(one_hot[n], p[n])) for n in range(len(labels))])

    dice = images(lambda t, q: ops.mean(own.dice(t, q, axis=(0, 1))))
    entropy = float(own.SparseCategoricalCrossentropy(from_logits=True)(labels, logits))
    np.testing.assert_allclose(
        value(losses.CrossEntropyAndDice(), labels, logits), entropy + dice, rtol=1e-5
    )
    alpha = [0.5, 1.0, 2.0, 0.1]
    np.testing.assert_allclose(
        value(losses.Focal(1.5, class_weights=alpha), labels, logits),
        float(own.CategoricalFocalCrossentropy(alpha, 1.5, from_logits=True)(one_hot, logits)),
        rtol=1e-5,
    )
    # Their alpha is the paper's beta.
    theirs = images(lambda t, q: ops.mean(own.tversky(t, q, alpha=0.7, beta=0.3, axis=(0, 1))))
    np.testing.assert_allclose(value(losses.Tversky(0.3, 0.7), labels, logits), theirs, rtol=1e-5)


def test_one_channel_is_binary_cross_entropy_and_dice():
    labels, logits = case(1, ignored=0)
    labels[0, 0, 0] = 1
    entropy = float(keras.losses.BinaryCrossentropy(from_logits=True)(labels[..., None], logits))
    p = ops.convert_to_numpy(ops.sigmoid(logits))[..., 0]
    dice = 1 - 2 * (labels * p).sum((1, 2)) / (labels + p).sum((1, 2))
    np.testing.assert_allclose(
        value(losses.CrossEntropyAndDice(), labels, logits), entropy + dice.mean(), rtol=1e-5
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_lovasz_of_hard_maps_is_one_minus_mean_iou(channels):
    labels, _ = case(channels, ignored=0)
    guess = np.roll(labels, 1, axis=2)
    hard = 80.0 * (np.eye(3)[guess] if channels == 3 else guess[..., None] - 0.5)
    expected = []
    for t, g in zip(labels, guess, strict=True):
        found = [c for c in np.unique(t) if channels == 3 or c == 1]
        ious = [np.sum((t == c) & (g == c)) / np.sum((t == c) | (g == c)) for c in found]
        expected.append(1 - np.mean(ious) if ious else 0)
    ours = value(losses.LovaszSoftmax(reduction=None), labels, hard.astype("float32"))
    np.testing.assert_allclose(ours, expected, rtol=1e-5)


def test_half_precision_scores_of_a_large_image():
    """Sums over an image are beyond float16, and bfloat16 does not count to 1,000."""
    labels = RNG.integers(0, 3, (1, 300, 301))
    logits = RNG.normal(size=(1, 300, 301, 3)).astype("float16")
    for name in NAMES:
        exact = value(getattr(losses, name)(), labels, logits.astype("float32"))
        assert value(getattr(losses, name)(), labels, logits) == exact
        for dtype, tolerance in (("float16", 1e-3), ("bfloat16", 1e-2)):
            low = getattr(losses, name)(dtype=dtype)(labels, ops.cast(logits, dtype))
            assert keras.backend.standardize_dtype(low.dtype) == dtype
            low = ops.convert_to_numpy(ops.cast(low, "float32"))
            np.testing.assert_allclose(low, exact, rtol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_config_goes_round(name):
    options = {
        "class_weights": [1.0, 2.0, 3.0],
        "ignore_class": None,
        "from_logits": False,
        "reduction": "sum",
        "name": "mine",
        "dtype": "float64",
        **{"Focal": {"gamma": 3.0}, "Tversky": {"alpha": 0.1, "beta": 0.2}}.get(name, {}),
    }
    loss = getattr(losses, name)(**options)
    assert loss.get_config().items() >= options.items()
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert "dtype" not in getattr(losses, name)().get_config()


@pytest.mark.parametrize("name", NAMES)
def test_shapes_that_do_not_fit_are_refused(name):
    loss = getattr(losses, name)()
    labels, logits = case(3)
    with pytest.raises(ValueError, match="Take the argmax of one-hot labels"):
        loss(np.eye(3)[labels % 3], logits)
    with pytest.raises(ValueError, match=r"must have equal sizes.*\(3, 7, 5\)"):
        loss(labels.swapaxes(1, 2), logits)
    with pytest.raises(ValueError, match=r"one class number a pixel.*\(3, 35\)"):
        loss(labels.reshape(3, 35), logits)
    for weights in (np.ones(2), np.ones((3, 5)), np.ones((5, 7)), np.ones((3, 7, 5))):
        with pytest.raises(ValueError, match="`sample_weight` must be one number a sample"):
            loss(labels, logits, weights)
    with pytest.raises(ValueError, match=r"one number for each of 3 classes\. Received 2"):
        getattr(losses, name)(class_weights=[1, 2])(labels, logits)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: losses.CrossEntropyAndDice(-0.1), r"`label_smoothing` must be in \[0, 1\)"),
        (lambda: losses.CrossEntropyAndDice(1.0), r"`label_smoothing` must be in \[0, 1\)"),
        (lambda: losses.Focal(-1), "`gamma` must be a number from 0 up. Received: -1"),
        (lambda: losses.Tversky(0.5, float("nan")), "`beta` must be a number from 0 up"),
        (lambda: losses.Focal(class_weights=[1, -1]), "`class_weights` must be one number from 0"),
        (lambda: losses.Focal(class_weights=[]), "`class_weights` must be one number from 0"),
        (lambda: losses.LovaszSoftmax(ignore_class=0.5), "`ignore_class` must be a whole number"),
        (lambda: losses.LovaszSoftmax(ignore_class=True), "`ignore_class` must be a whole number"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "labels, channels, message",
    [
        ([0, 1, 3, 2], 3, "class numbers from 0 to 2, or 255 .* also: 3. Subtract 1"),
        ([0, -1, 2, 7], 3, "also: -1, 7"),
        ([0, 0.5, 1, float("nan")], 3, "also: 0.5, nan"),
        ([0, 1, 2, 255], 1, "from 0 to 1, or 255 .* also: 2"),
    ],
)
def test_wrong_labels_are_refused(name, labels, channels, message):
    logits = RNG.normal(size=(1, 2, 2, channels)).astype("float32")
    truth = np.reshape(labels, (1, 2, 2))
    with pytest.raises(ValueError, match=message):
        getattr(losses, name)()(truth, logits)
    with pytest.raises(ValueError, match=r"from 0 to 2 .*also: 255"):
        getattr(losses, name)(ignore_class=None)([[0, 255]], np.zeros((1, 2, 3), "float32"))


def test_the_former_place_of_the_loss_still_names_it():
    from keras_upsample import training

    assert training.CrossEntropyAndDice is losses.CrossEntropyAndDice
