"""The measures against scipy, scikit-image, Keras and literal numbers."""

import keras
import numpy as np
import pytest
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio

from keras_upsample import metrics
from keras_upsample.data import photograph

RNG = np.random.default_rng(21)


def label_maps(classes: int = 4, shape: tuple = (2, 23, 31)) -> tuple[np.ndarray, np.ndarray]:
    """Truth in patches, and a prediction that is shifted against it here and there."""
    patches = RNG.integers(0, classes, (shape[0], -(-shape[1] // 4), -(-shape[2] // 4)))
    truth = np.kron(patches, np.ones((1, 4, 4), int))
    truth = truth[:, : shape[1], : shape[2]]
    guess = np.where(RNG.random(truth.shape) < 0.1, 0, np.roll(truth, 1, axis=2))
    return truth, guess


def oracle(truth: np.ndarray, guess: np.ndarray, classes: int, width: int) -> float:
    """Boundary IoU by scipy's erosion, as the authors' code: zeros around, then d steps of 3x3."""

    def band(masks: np.ndarray) -> np.ndarray:
        eroded = [
            ndimage.binary_erosion(m, np.ones((3, 3)), iterations=width, border_value=0)
            for m in masks
        ]
        return masks & ~np.stack(eroded)

    values = []
    for c in range(classes):
        a, b = band(truth == c), band(guess == c)
        if (a | b).any():
            values.append((a & b).sum() / (a | b).sum())
    return float(np.mean(values))


@pytest.mark.parametrize("width", [1, 2, 3, 40])
def test_boundary_iou_is_scipys(width: int) -> None:
    truth, guess = label_maps()
    expected = oracle(truth, guess, 4, width)
    assert metrics.boundary_iou(truth, guess, 4, width) == pytest.approx(expected, rel=1e-12)
    metric = metrics.BoundaryIoU(5, width=width)  # the fifth class occurs nowhere
    for one, other in zip(truth, guess, strict=True):  # batch by batch
        metric.update_state(one[None, ..., None], np.eye(5)[other][None])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert 0.1 < expected < 0.99


def test_a_band_too_wide_leaves_plain_iou() -> None:
    truth, guess = label_maps()
    wide = metrics.boundary_iou(truth, guess, 4, 40)
    assert wide == pytest.approx(metrics.mean_iou(truth, guess, 4))


def test_literal_boundary_iou() -> None:
    truth, guess = np.zeros((7, 7), int), np.zeros((7, 7), int)
    truth[1:6, 1:6] = 1  # a ring of 16 pixels around 3x3
    guess[1:6, 1:5] = 1  # a ring of 14 around 3x2, 11 of them in the other
    inner = 11 / (16 + 14 - 11)
    # Of class 0 the frame of 24, whole in both; and 5 pixels of the guess's second column.
    outer = 24 / (24 + 5)
    assert metrics.boundary_iou(truth, guess, 2, 1) == pytest.approx((inner + outer) / 2)


@pytest.mark.parametrize(("shape", "width"), [((4, 3), 1), ((60, 80), 2), ((300, 400), 10)])
def test_default_width_is_two_percent_of_the_diagonal(shape: tuple, width: int) -> None:
    truth = np.zeros((1, *shape), int)
    truth[:, shape[0] // 2 :, 1:] = 1
    guess = np.roll(truth, 1, axis=1)
    expected = oracle(truth, guess, 2, width)
    assert metrics.boundary_iou(truth, guess, 2) == pytest.approx(expected)
    metric = metrics.BoundaryIoU(2)
    metric.update_state(truth, np.eye(2)[guess])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


def test_boundary_iou_where_only_the_graph_knows_the_size() -> None:
    import tensorflow as tf

    truth, guess = label_maps(3, (2, 110, 90))
    metric = metrics.BoundaryIoU(3, sparse_y_pred=True)

    @tf.function(input_signature=[tf.TensorSpec((None, None, None), tf.int32)] * 2)
    def update(a: tf.Tensor, b: tf.Tensor) -> None:
        metric.update_state(a, b)

    update(truth, guess)
    assert float(metric.result()) == pytest.approx(oracle(truth, guess, 3, 3), rel=1e-5)


def test_ignored_pixels_belong_to_no_class() -> None:
    truth, guess = label_maps(3)
    truth[:, :6] = 255
    out = np.where(truth == 255, -1, guess)
    expected = oracle(truth, out, 3, 2)
    assert metrics.boundary_iou(truth, guess, 3, 2, ignore_class=255) == pytest.approx(expected)
    metric = metrics.BoundaryIoU(3, width=2, ignore_class=255)
    metric.update_state(truth, np.eye(3)[guess])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("weight", [np.array([1, 3]), np.arange(2 * 23 * 31).reshape(2, 23, 31)])
def test_weights_of_images_and_pixels(weight: np.ndarray) -> None:
    truth, guess = label_maps(2)
    metric = metrics.BoundaryIoU(2, width=1)
    metric.update_state(truth, np.eye(2)[guess], sample_weight=weight)
    values = []
    full = weight.reshape(2, *weight.shape[1:], *[1] * (3 - weight.ndim)) * np.ones(truth.shape)
    erode = lambda m: np.stack([ndimage.binary_erosion(i, np.ones((3, 3))) for i in m])  # noqa: E731
    for c in range(2):
        a, b = ((m == c) & ~erode(m == c) for m in (truth, guess))
        values.append((full * (a & b)).sum() / (full * (a | b)).sum())
    assert float(metric.result()) == pytest.approx(np.mean(values), rel=1e-5)


def test_boundary_iou_in_fit_and_saved(tmp_path) -> None:
    inputs = keras.Input((24, 32, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(4, 1)(inputs))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=[metrics.BoundaryIoU(4, width=2)])
    x, y = RNG.random((2, 24, 32, 3), "float32"), RNG.integers(0, 4, (2, 24, 32))
    found = model.evaluate(x, y, return_dict=True, verbose=0)["boundary_iou"]
    guess = keras.ops.convert_to_numpy(model(x)).argmax(-1)
    assert found == pytest.approx(oracle(y, guess, 4, 2), rel=1e-5)
    config = keras.metrics.serialize(metrics.BoundaryIoU(4, 0.1, width=3, ignore_class=7))
    again = keras.metrics.deserialize(config)
    assert isinstance(again, metrics.BoundaryIoU)
    assert again.get_config()["width"] == 3 and again.get_config()["ignore_class"] == 7
    again.update_state(y, np.eye(4)[y])
    assert float(again.result()) == pytest.approx(1)
    again.reset_state()
    assert np.isnan(float(again.result()))


def test_mean_iou_is_keras() -> None:
    for classes, used in ((4, 4), (6, 3), (1, 1)):
        truth, guess = label_maps(used)
        metric = keras.metrics.MeanIoU(classes)
        metric.update_state(truth, guess)
        ours = metrics.mean_iou(truth, guess, classes)
        assert ours == pytest.approx(float(metric.result()), rel=1e-6)
    truth[:, 3:9] = 255
    metric = keras.metrics.MeanIoU(3, ignore_class=255)
    metric.update_state(truth, guess)
    ours = metrics.mean_iou(truth, guess, 3, ignore_class=255)
    assert ours == pytest.approx(float(metric.result()), rel=1e-6)
    assert metrics.mean_iou([[0, 0, 1, 1]], [[0, 1, 1, 1]], 2) == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert np.isnan(metrics.mean_iou([[9]], [[0]], 2, ignore_class=9))


def test_psnr_is_skimages() -> None:
    image = photograph("astronaut")[:64, :48] / 255
    noisy = np.clip(image + RNG.normal(0, 0.05, image.shape), 0, 1)
    expected = peak_signal_noise_ratio(image, noisy, data_range=1)
    assert metrics.psnr(image, noisy) == pytest.approx(expected)
    inner = (slice(3, -3), slice(3, -3))
    expected = peak_signal_noise_ratio(image[inner], noisy[inner], data_range=1)
    assert metrics.psnr(image, noisy, border=3) == pytest.approx(expected)
    from skimage.color import rgb2ycbcr

    luma, other = (rgb2ycbcr(x)[..., 0] / 255 for x in (image, noisy))
    expected = peak_signal_noise_ratio(luma, other, data_range=1)
    assert metrics.psnr(image, noisy, colour="y") == pytest.approx(expected)
    twice = metrics.psnr(np.stack([image, image]), np.stack([noisy, image * 0.9]))
    each = [metrics.psnr(image, noisy), metrics.psnr(image, image * 0.9)]
    assert twice == pytest.approx(np.mean(each))


def test_literal_psnr() -> None:
    grey = np.full((8, 9, 3), 0.5)
    assert metrics.psnr(grey, grey + 0.1) == pytest.approx(20)
    assert metrics.psnr(grey, grey + 0.1, colour="y") == pytest.approx(
        20 + 20 * np.log10(255 / 219)
    )
    red = grey + np.array([0.1, 0, 0])
    assert metrics.psnr(grey, red, colour="y") == pytest.approx(-20 * np.log10(0.1 * 65.481 / 255))
    assert metrics.psnr(grey[..., 0], grey[..., 0] + 0.01) == pytest.approx(40)
    assert metrics.psnr(grey, grey) == np.inf
    edge = grey.copy()
    edge[0] = 0
    assert metrics.psnr(grey, edge) < 20
    assert metrics.psnr(grey, edge, border=1) == np.inf


def board(shape: tuple[int, int], period: int) -> np.ndarray:
    rows, columns = np.indices(shape)
    return ((rows % period == 0) ^ (columns % period == 0)).astype(float)


@pytest.mark.parametrize(
    ("period", "shape"), [(2, (8, 8)), (2, (32, 41)), (3, (24, 36)), (4, (64, 48))]
)
def test_checkerboard_energy_of_patterns(period: int, shape: tuple[int, int]) -> None:
    rows, columns = np.indices(shape)
    odd = any(n % period for n in shape)
    bound = 1e-3 if odd else 1e-12
    for pattern in (board(shape, period), rows % period == 0, columns % period == 0):
        pattern = 5 + 3 * np.asarray(pattern, float)
        assert metrics.checkerboard_energy(pattern, period) == pytest.approx(1, abs=bound)
    assert metrics.checkerboard_energy(np.full(shape, 0.3), period) == 0
    assert metrics.checkerboard_energy(np.zeros(shape), period) == 0
    if min(shape) >= 8 * period:
        assert metrics.checkerboard_energy(rows + 0.5 * columns, period) < 1e-4


def test_checkerboard_energy_of_noise_and_photographs() -> None:
    noise = RNG.normal(size=(2, 128, 128, 4))
    # B's edges are in it, so that it is wider by up to one frequency on each axis.
    assert metrics.checkerboard_energy(noise) == pytest.approx(3 * (33 / 128) ** 2, rel=0.03)
    assert metrics.checkerboard_energy(noise, 4) == pytest.approx(15 * (17 / 128) ** 2, rel=0.03)
    picture = photograph("coffee").mean(-1)[100:228, 100:228] / 255
    clean = metrics.checkerboard_energy(picture)
    assert clean < 0.01
    # A pattern that follows the content (as an uneven kernel leaves it) counts too.
    values = [
        metrics.checkerboard_energy(picture * (1 + a * board((128, 128), 2))) for a in (0.1, 0.3)
    ]
    assert 2 * clean < values[0] < values[1]


def test_checkerboard_energy_tells_upsamplers_apart() -> None:
    """Response to a constant: even phase sums leave nothing, uneven ones the period alone."""
    uneven = np.outer(np.tile([1.0, 2.0], 16), np.tile([1.0, 2.0], 16))  # deconvolution 3/2
    assert metrics.checkerboard_energy(uneven) == pytest.approx(1)
    assert metrics.checkerboard_energy(np.ones((32, 32))) == 0


LABELS = np.zeros((4, 4), int)
GREY = np.full((8, 8, 3), 0.5)
BAD = [
    (lambda: metrics.mean_iou(LABELS, LABELS, 0), "`num_classes` must be an int >= 1"),
    (lambda: metrics.mean_iou(LABELS + 2, LABELS, 2), "`y_true` must hold labels from 0 to 1"),
    (lambda: metrics.mean_iou(LABELS, LABELS - 1, 2), "`y_pred` must hold labels .* Received: -1"),
    (lambda: metrics.mean_iou(LABELS * 0.5, LABELS, 2), "`y_true` must hold integer labels"),
    (lambda: metrics.mean_iou(LABELS, LABELS[:3], 2), "must have one shape"),
    (lambda: metrics.mean_iou(LABELS[0], LABELS[0], 2), r"must have shape \(height, width\)"),
    (lambda: metrics.mean_iou(LABELS, LABELS, 2, ignore_class="x"), "`ignore_class` must be"),
    (lambda: metrics.boundary_iou(LABELS, LABELS, 2, 0), "`width` must be an int >= 1"),
    (lambda: metrics.boundary_iou(LABELS, LABELS + 2, 2), "`y_pred` must hold labels from 0 to 1"),
    (lambda: metrics.BoundaryIoU(2, 0.0), r"`dilation_ratio` must be a number in \(0, 1\]"),
    (lambda: metrics.BoundaryIoU(True), "`num_classes` must be an int >= 1"),
    (lambda: metrics.BoundaryIoU(2, width=1.5), "`width` must be an int >= 1"),
    (
        lambda: metrics.BoundaryIoU(2).update_state(LABELS[None], np.zeros((1, 4, 4, 3))),
        "one score a class.*sparse_y_pred=True",
    ),
    (
        lambda: metrics.BoundaryIoU(2).update_state(np.zeros((1, 4, 4, 2)), np.zeros((1, 4, 4, 2))),
        "`y_true` must hold labels",
    ),
    (lambda: metrics.psnr(GREY, GREY[:4]), "must have one shape"),
    (lambda: metrics.psnr(GREY * 255, GREY), r"`y_true` must lie in \[0, 1\]"),
    (lambda: metrics.psnr(LABELS, LABELS), "`y_true` must hold floats.*Divide bytes by 255"),
    (lambda: metrics.psnr(GREY, GREY, border=4), "`border` must leave a pixel"),
    (lambda: metrics.psnr(GREY, GREY, border=-1), "`border` must be an int >= 0"),
    (lambda: metrics.psnr(GREY, GREY, colour="luma"), "`colour` must be one of 'rgb', 'y'"),
    (lambda: metrics.psnr(GREY[..., :1], GREY[..., :1], colour="y"), "needs 3 channels"),
    (lambda: metrics.checkerboard_energy(GREY, 1), "`period` must be an int >= 2"),
    (lambda: metrics.checkerboard_energy(GREY, 3), "at least 12 pixels on each axis at period=3"),
    (lambda: metrics.checkerboard_energy(GREY * np.nan), "`x` must be finite"),
    (lambda: metrics.checkerboard_energy(GREY[0, 0]), "`x` must have shape"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD)
def test_bad_arguments(call, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()
