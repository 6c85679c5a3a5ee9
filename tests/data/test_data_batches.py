"""Streams of crops: the same for a seed, and image and label always together."""

import itertools

import numpy as np
import pytest

from keras_upsample.data import LabelledImages, batches

PLAIN = {"zoom": (1, 1), "contrast": 0.0, "gamma": (1, 1), "blur": 0.0, "noise": 0.0}


def labelled(*pairs, classes=("a", "b")):
    images, labels = zip(*pairs, strict=True)
    return LabelledImages(images, labels, classes, tuple(map(str, range(len(pairs)))))


def noise_images(*shapes, channels=2, classes=3):
    rng = np.random.default_rng(5)
    return labelled(
        *(
            (
                rng.random((*shape, channels), "float32"),
                rng.integers(0, classes, shape, "uint8"),
            )
            for shape in shapes
        )
    )


def take(data, count, **options):
    return [(x.numpy(), y.numpy()) for x, y in batches(data, **options).take(count)]


def assert_equal(one, other):
    assert len(one) == len(other)
    for (x, y), (u, v) in zip(one, other, strict=True):
        np.testing.assert_array_equal(x, u)
        np.testing.assert_array_equal(y, v)


@pytest.fixture(scope="module")
def mixed():
    """Images of several sizes."""
    return noise_images((40, 31), (33, 57), (24, 24))


def test_a_seed_gives_one_stream_bit_by_bit_from_any_start(mixed):
    options = {"size": 16, "batch_size": 3, "seed": 7, "rotation": 0.1}
    first = take(mixed, 6, **options)
    assert_equal(take(mixed, 6, **options), first)
    assert_equal(take(mixed, 3, start=3, **options), first[3:])
    assert_equal(take(mixed, 1, start=5, **options), first[5:])


def test_a_dataset_starts_anew_with_every_iterator(mixed):
    stream = batches(mixed, size=16, batch_size=2, seed=1).take(2)
    assert_equal(*([(x.numpy(), y.numpy()) for x, y in stream] for _ in range(2)))


def test_no_two_batches_or_seeds_are_alike(mixed):
    crops = [x for seed in range(3) for x, _ in take(mixed, 3, size=16, batch_size=2, seed=seed)]
    for one, other in itertools.combinations(crops, 2):
        assert not np.array_equal(one, other)


@pytest.mark.parametrize("augment", [True, False])
def test_shapes_and_types(mixed, augment):
    ((x, y),) = take(mixed, 1, size=15, batch_size=4, augment=augment)
    assert (x.shape, x.dtype) == ((4, 15, 15, 2), np.float32)
    assert (y.shape, y.dtype) == ((4, 15, 15), np.int32)
    assert x.min() >= 0
    assert x.max() <= 1


def orientations(image):
    """All eight, as (number, array)."""
    for flip, turns in itertools.product((False, True), range(4)):
        yield 4 * flip + turns, np.rot90(image[:, ::-1] if flip else image, turns)


def test_plain_crops_are_pixels_of_the_image():
    image = np.arange(9 * 11, dtype="float32").reshape(9, 11, 1) / 255
    label = np.arange(9 * 11, dtype="uint8").reshape(9, 11)
    places = set()
    for x, y in take(labelled((image, label)), 120, size=3, augment=False):
        for crop, classes in zip(x, y, strict=True):
            top, left = divmod(int(classes[0, 0]), 11)
            np.testing.assert_array_equal(classes, label[top : top + 3, left : left + 3])
            np.testing.assert_array_equal(crop, image[top : top + 3, left : left + 3])
            places.add((top, left))
    assert len(places) == 7 * 9  # every one that there is, border included


def test_flips_and_turns_give_all_eight_orientations_from_everywhere():
    image = np.arange(1, 9 * 11 + 1, dtype="float32").reshape(9, 11, 1) / 255
    label = np.arange(1, 9 * 11 + 1, dtype="uint8").reshape(9, 11)
    known = {
        turned.tobytes(): (number, top, left)
        for top in range(7)
        for left in range(9)
        for number, turned in orientations(
            label[top : top + 3, left : left + 3].astype("int32").copy()
        )
    }
    seen = []
    for x, y in take(labelled((image, label)), 40, size=3, **PLAIN):
        np.testing.assert_allclose(x[..., 0] * 255, y, atol=1e-4)
        seen += [known[classes.tobytes()] for classes in y]
    assert {number for number, _, _ in seen} == {*range(8)}
    assert {top for _, top, _ in seen} == {*range(7)}
    assert {left for _, _, left in seen} == {*range(9)}
    counts = np.bincount([number for number, _, _ in seen])
    assert counts.min() > len(seen) / 16  # of 320, 40 each are to be expected


def ramp(axis, length=160):
    """An image whose channels are the row and the column, and one of them as the label."""
    places = np.indices((length, length))
    image = np.moveaxis(places, 0, -1).astype("float32") / 255
    return labelled((image, places[axis].astype("uint8")))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("rotation", "tolerance"), [(0.0, 0.5), (0.5, 0.5 + 0.7072 / 0.8)])
def test_labels_go_where_their_pixels_go(axis, rotation, tolerance):
    """A class number is that of the nearest pixel.

    The zoom rounds to 1/2 pixel at the most, a rotation after it to sqrt(1/2) of the zoomed ones.
    """
    options = PLAIN | {"zoom": (0.8, 1.7), "rotation": rotation}
    seen = []
    for x, y in take(ramp(axis), 5, size=33, batch_size=6, **options):
        # Beyond the border the image is reflected, and a reflected ramp has kinks.
        inner = (x.min(axis=-1) > 1 / 255) & (x.max(axis=-1) < 158 / 255)
        assert inner.mean() > 0.5
        error = np.abs(x[..., axis] * 255 - y)[inner]
        assert error.max() <= tolerance + 1e-3
        seen.append(error.max())
    assert max(seen) > 0.3


def test_zoom_is_drawn_between_its_ends():
    """Of a ramp, the step from pixel to pixel is 1 / zoom."""
    factors = []
    for x, _ in take(ramp(0), 12, size=16, **PLAIN | {"zoom": (0.8, 1.25)}):
        for crop in x * 255:
            steps = np.abs(crop[9, 8] - crop[8, 8]) + np.abs(crop[8, 9] - crop[8, 8])
            factors.append(1 / steps.max())
    assert 0.8 - 1e-3 <= min(factors) < 0.87
    assert 1.15 < max(factors) <= 1.25 + 1e-3


def test_rotation_keeps_lengths_and_stays_in_its_range():
    angles = []
    for x, _ in take(ramp(0, 200), 8, size=8, **PLAIN | {"rotation": 0.05}):
        for crop in x.astype("float64") * 255:
            down, right = crop[4, 3] - crop[3, 3], crop[3, 4] - crop[3, 3]
            if crop.min() < 1 or crop.max() > 198:
                continue
            assert np.hypot(*down) == pytest.approx(1, abs=1e-3)
            assert down @ right == pytest.approx(0, abs=1e-3)
            angle = np.degrees(np.arctan2(down[1], down[0])) % 90
            angles.append(min(angle, 90 - angle))
    assert 10 < max(angles) <= 18 + 1e-3


def test_an_image_smaller_than_the_crop_is_reflected():
    image = np.arange(5 * 4, dtype="float32").reshape(5, 4, 1) / 255
    label = np.arange(5 * 4, dtype="uint8").reshape(5, 4)
    wide = np.pad(label, 30, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(wide, (9, 9)).reshape(-1, 81)
    known = {window.astype("int32").tobytes() for window in windows}
    for x, y in take(labelled((image, label)), 3, size=9, augment=False):
        np.testing.assert_allclose(x[..., 0] * 255, y, atol=1e-4)
        assert all(classes.tobytes() in known for classes in y)


def test_classes_are_never_mixed():
    """Nearest: of 0, 3 and 255 (not counted) nothing between."""
    label = np.array([0, 3, 255], "uint8")[np.indices((50, 50)).sum(axis=0) // 5 % 3]
    data = labelled((np.zeros((50, 50, 1), "float32"), label))
    ((_, y),) = take(data, 1, size=32, rotation=0.5, batch_size=16)
    assert np.unique(y).tolist() == [0, 3, 255]


def constant(value, channels=3):
    shape = (20, 20)
    return labelled((np.full((*shape, channels), value, "float32"), np.ones(shape, "uint8")))


def test_gamma_of_every_image_and_channel():
    ((x, y),) = take(constant(0.25), 1, size=8, batch_size=64, **PLAIN | {"gamma": (0.5, 2)})
    exponents = np.log(x) / np.log(0.25)
    assert np.ptp(exponents, axis=(1, 2)).max() < 1e-5
    drawn = exponents[:, 0, 0]
    assert 0.5 - 1e-5 <= drawn.min() < 0.6
    assert 1.7 < drawn.max() <= 2 + 1e-5
    assert np.ptp(drawn, axis=1).min() > 0
    assert (y == 1).all()


def test_gamma_keeps_black_and_white():
    for value in (0.0, 1.0):
        ((x, _),) = take(constant(value), 1, size=8, **PLAIN | {"gamma": (0.5, 2)})
        np.testing.assert_array_equal(x, np.float32(value))


def test_contrast_scales_the_differences_from_the_mean():
    rng = np.random.default_rng(0)
    image = rng.uniform(0.4, 0.6, (8, 8, 2)).astype("float32")
    data = labelled((image, np.zeros((8, 8), "uint8")))
    ((x, _),) = take(data, 1, size=8, batch_size=64, **PLAIN | {"contrast": 0.3})
    np.testing.assert_allclose(
        x.mean(axis=(1, 2)), np.broadcast_to(image.mean(axis=(0, 1)), (64, 2)), atol=1e-5
    )
    ratios = x.std(axis=(1, 2)) / image.std(axis=(0, 1))
    assert np.ptp(ratios, axis=1).max() < 1e-4
    assert 0.7 - 1e-4 <= ratios.min() < 0.8
    assert 1.2 < ratios.max() <= 1.3 + 1e-4


def test_noise_has_the_spread_it_is_said_to():
    ((x, y),) = take(constant(0.5), 1, size=16, batch_size=64, **PLAIN | {"noise": 0.1})
    spreads = x.std(axis=(1, 2, 3))
    assert spreads.min() < 0.02
    assert 0.08 < spreads.max() < 0.11
    assert np.abs(x.mean() - 0.5) < 0.003
    assert (y == 1).all()


def test_blur_is_a_binomial_kernel_on_its_share_of_the_crops():
    """A single bright pixel shows the kernel: outer product of (w, 1 - 2w, w)."""
    image = np.zeros((16, 16, 1), "float32")
    image[8, 8] = 1
    data = labelled((image, np.zeros((16, 16), "uint8")))
    ((x, _),) = take(data, 1, size=16, batch_size=128, **PLAIN | {"blur": 0.5})
    drawn = []
    for crop in x[..., 0]:
        row, column = np.unravel_index(crop.argmax(), crop.shape)
        w = (1 - np.sqrt(crop[row, column])) / 2
        line = np.array([w, 1 - 2 * w, w])
        expected = np.zeros((18, 18))
        expected[row : row + 3, column : column + 3] = np.outer(line, line)
        np.testing.assert_allclose(crop, expected[1:-1, 1:-1], atol=1e-6)
        drawn.append(w)
    blurred = np.array(drawn) > 1e-6
    assert 0.35 < blurred.mean() < 0.65
    assert 0.25 < max(drawn) <= 1 / 3 + 1e-6


def test_blur_keeps_constants_up_to_the_edge():
    ((x, _),) = take(constant(0.5), 1, size=8, **PLAIN | {"blur": 1.0})
    np.testing.assert_allclose(x, 0.5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, r"`size` must be a whole number from 1"),
        ({"size": 8.0}, r"`size` must be a whole number"),
        ({"size": 8, "batch_size": True}, r"`batch_size` must be a whole number.*True"),
        ({"size": 8, "seed": -1}, r"`seed` must be a whole number from 0 .*-1"),
        ({"size": 8, "start": 2**32}, r"`start` must be a whole number from 0 to 2\*\*32 - 1"),
        ({"size": 8, "zoom": 1.2}, r"`zoom` must be \(smallest, largest\), from 0\.5 up.*1\.2"),
        ({"size": 8, "zoom": (0.4, 1)}, r"`zoom` must be"),
        ({"size": 8, "gamma": (2, 1)}, r"`gamma` must be .*\(2, 1\)"),
        ({"size": 8, "rotation": 0.6}, r"`rotation` must be in \[0, 0\.5\]\. Received: 0\.6"),
        ({"size": 8, "noise": -0.1}, r"`noise` must be in \[0, 1\]"),
        ({"size": 8, "contrast": "much"}, r"`contrast` must be in \[0, 1\]\. Received: 'much'"),
        ({"size": 8, "blur": 2}, r"`blur` must be in \[0, 1\]"),
    ],
)
def test_bad_arguments(mixed, options, message):
    with pytest.raises(ValueError, match=message):
        batches(mixed, **options)


def test_no_images():
    with pytest.raises(ValueError, match="`labelled` holds no image"):
        batches(LabelledImages((), (), ("a",), ()), size=8)
