"""The oracle against grids worked by hand."""

import numpy as np
import pytest
import reference

pytestmark = pytest.mark.backend_neutral


def row(*values: float) -> np.ndarray:
    return np.array(values, "float64").reshape(1, 1, -1, 1)


@pytest.mark.parametrize(
    ("interpolation", "coordinates", "given", "size", "expected"),
    [
        ("nearest", "half_pixel", (1, 2), 4, (1, 1, 2, 2)),
        ("nearest", "half_pixel", (1, 2, 3), 5, (1, 1, 2, 3, 3)),  # u + 1/2: .3 .9 1.5 2.1 2.7
        ("nearest", "asymmetric", (1, 2, 3), 5, (1, 1, 2, 2, 3)),  # u: 0 .6 1.2 1.8 2.4
        ("nearest", "align_corners", (1, 2, 3), 5, (1, 2, 2, 3, 3)),  # u: 0 .5 1 1.5 2
        ("nearest", "align_corners", (7, 8), 1, (7,)),
        ("bilinear", "half_pixel", (1, 2), 4, (1, 1.25, 1.75, 2)),
        ("bilinear", "align_corners", (0, 3), 4, (0, 1, 2, 3)),
        ("bilinear", "asymmetric", (1, 2), 4, (1, 1.5, 2, 2)),
        ("bilinear", "half_pixel", (0, 4, 8, 12), 2, (2, 10)),
        ("bilinear", "align_corners", (5, 8), 1, (5,)),
        # t = 1/4 behind pixel 0 of 0 1: weights -9/128 111/128 29/128 -3/128, the first dropped
        # and the last too: 29/128 / (140/128). At u = -1/4 the last two are left, 111 and -9.
        ("bicubic", "half_pixel", (0, 1), 4, (-9 / 102, 29 / 140, 111 / 140, 111 / 102)),
    ],
)
def test_one_row(
    interpolation: str,
    coordinates: str,
    given: tuple[float, ...],
    size: int,
    expected: tuple[float, ...],
) -> None:
    y = reference.resize(row(*given), interpolation, (1, size), coordinates)
    np.testing.assert_allclose(y, row(*expected), rtol=0, atol=1e-15)


def test_rows_and_columns_are_told_apart() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]]).reshape(1, 2, 2, 1)
    y = reference.resize(x, "nearest", (2, 4))
    assert y[0, :, :, 0].tolist() == [[1, 1, 2, 2], [3, 3, 4, 4]]
    y = reference.resize(x, "nearest", (3, 2), "asymmetric")
    assert y[0, :, :, 0].tolist() == [[1, 2], [1, 2], [3, 4]]


def test_bicubic_clamp_with_pytorchs_coefficient() -> None:
    # Weights of the four taps at a = -3/4: -27 225 67 -9 (/256) at t = 1/4, reversed at t = 3/4;
    # u = -1/4 1/4 3/4 5/4 7/4 9/4; beyond the border lies 0 on the left and 1 on the right.
    y = reference.resize(row(0, 0, 1), "bicubic", (1, 6), "half_pixel", -0.75, "clamp")
    expected = (0, -9 / 256, -27 / 256, (67 - 9) / 256, (225 - 27) / 256, (225 + 67 - 9) / 256)
    np.testing.assert_allclose(y, row(*expected), rtol=0, atol=1e-15)


def test_keys_kernel_interpolates_and_sums_to_one() -> None:
    for a in (-0.5, -0.75):
        assert [reference.keys(d, a) for d in (0, 1, 2, -1)] == [1, 0, 0, 0]
        for t in (0.125, 0.3):
            assert sum(reference.keys(t - k, a) for k in (-1, 0, 1, 2)) == pytest.approx(1)


def test_pixel_shuffle() -> None:
    x = np.arange(1.0, 9.0).reshape(1, 1, 1, 8)
    dcr = reference.pixel_shuffle(x, 2, "dcr")
    assert dcr[0, :, :, 0].tolist() == [[1, 3], [5, 7]]
    assert dcr[0, :, :, 1].tolist() == [[2, 4], [6, 8]]
    crd = reference.pixel_shuffle(x, 2, "crd")
    assert crd[0, :, :, 0].tolist() == [[1, 2], [3, 4]]
    assert crd[0, :, :, 1].tolist() == [[5, 6], [7, 8]]
    for order, y in (("dcr", dcr), ("crd", crd)):
        assert np.array_equal(reference.pixel_unshuffle(y, 2, order), x)


def test_transposed_conv() -> None:
    x = row(1, 2)
    kernel = np.array([10.0, 20.0, 30.0]).reshape(1, 3, 1, 1)
    whole = reference.transposed_conv(x, kernel, (1, 2), ((0, 0), (0, 0)))
    assert whole.ravel().tolist() == [10, 20, 30 + 20, 40, 60]
    cut = reference.transposed_conv(x, kernel, (1, 2), ((0, 0), (1, 1)), np.array([1.0]))
    assert cut.ravel().tolist() == [21, 51, 41]
    longer = reference.transposed_conv(x, kernel, (1, 2), ((0, 0), (0, -2)))
    assert longer.ravel().tolist() == [10, 20, 50, 40, 60, 0, 0]


def test_transposed_conv_sums_input_channels() -> None:
    x = np.array([1.0, 2.0]).reshape(1, 1, 1, 2)
    kernel = np.array([[1.0, 10.0], [100.0, 1000.0], [0.0, 1.0]]).reshape(1, 1, 3, 2)
    y = reference.transposed_conv(x, kernel, (1, 1), ((0, 0), (0, 0)))
    assert y.ravel().tolist() == [21, 2100, 2]


def test_spread() -> None:
    x = np.array([1.0, 2.0]).reshape(1, 2, 1)
    kernel = np.array([10.0, 20.0, 30.0]).reshape(3, 1, 1)
    y = reference.spread(x, kernel, (2,), (1,), 1, ((0, 0),))
    assert y.ravel().tolist() == [10, 20, 30 + 20, 40, 60]
    # taps two apart: 10 . 20 . 30 from place 0, and the same from place 3
    y = reference.spread(x, kernel, (3,), (2,), 1, ((0, 0),))
    assert y.ravel().tolist() == [10, 0, 20, 20, 30, 40, 0, 60]
    y = reference.spread(x, kernel, (3,), (2,), 1, ((1, -1),), np.array([1.0]))
    assert y.ravel().tolist() == [1, 21, 21, 31, 41, 1, 61, 1]


def test_spread_keeps_groups_apart() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0]).reshape(1, 1, 4)
    kernel = np.array([[1.0, 10.0, 100.0, 1000.0], [0, 0, 0, 1]]).reshape(1, 2, 4)
    y = reference.spread(x, kernel, (1,), (1,), 2, ((0, 0),))
    assert y.ravel().tolist() == [21, 0, 4300, 4]


def test_spread_is_the_transposed_convolution_of_images() -> None:
    rng = np.random.default_rng(1)
    x, kernel = rng.uniform(-1, 1, (2, 3, 4, 2)), rng.uniform(-1, 1, (3, 2, 5, 2))
    crop = ((1, 0), (0, -1))
    y = reference.spread(x, kernel, (2, 3), (1, 1), 1, crop)
    np.testing.assert_allclose(y, reference.transposed_conv(x, kernel, (2, 3), crop), atol=1e-14)


def test_conv_same() -> None:
    kernel = np.array([1.0, 10.0, 100.0]).reshape(1, 3, 1, 1)
    assert reference.conv_same(row(1, 2, 3), kernel).ravel().tolist() == [210, 321, 32]


def test_gates() -> None:
    one, zero = np.ones((1, 1)), np.zeros(1)
    y = reference.attention_gate(row(2), row(-2), one, one, zero, one, zero)
    assert y.ravel().tolist() == [2, -1]  # ReLU(0) -> sigmoid(0) = 1/2
    y = reference.squeeze_excite(row(2, 4), one, zero, one * 0, zero, one * 0, zero)
    assert y.ravel().tolist() == [2, 4]  # a half and a half


def test_lanczos_and_its_window() -> None:
    # u = -1/4 and 5/4 mirror each other: weights sinc(d) sinc(d/2) at d = 1/4 and 5/4, divided
    # by their sum; at a whole u the pixel itself.
    near, far = (np.sinc(d) * np.sinc(d / 2) for d in (0.25, 1.25))
    y = reference.resize(row(0, 1), "lanczos", (1, 4), lobes=2)
    np.testing.assert_allclose(y.ravel()[[0, 3]], [far / (near + far), near / (near + far)])
    assert (near, far) == pytest.approx((0.877354, -0.084725), abs=1e-6)
    y = reference.resize(row(5, 1, 7), "lanczos", (1, 5), "align_corners")
    np.testing.assert_allclose(y.ravel()[::2], [5, 1, 7], atol=1e-15)


def test_area() -> None:
    assert reference.resize(row(1, 3, 5, 7), "area", (1, 2)).ravel().tolist() == [2, 6]
    # 3 -> 2: each takes one pixel and half of the middle one, of an area of 1.5
    y = reference.resize(row(1, 2, 3), "area", (1, 2)).ravel()
    np.testing.assert_allclose(y, [(1 + 2 / 2) / 1.5, (2 / 2 + 3) / 1.5])
    # 2 -> 3: the middle one takes half of both
    np.testing.assert_allclose(reference.resize(row(1, 2), "area", (1, 3)).ravel(), [1, 1.5, 2])


def test_antialiased() -> None:
    # 4 -> 2: a tent four pixels wide around 1 and 3; pixels at 0.5 1.5 2.5 3.5 weigh 3 3 1 0
    y = reference.resize(row(1, 2, 3, 6), "bilinear", (1, 2), antialias=True).ravel()
    np.testing.assert_allclose(y, [(3 * 1 + 3 * 2 + 3) / 7, (2 + 3 * 3 + 3 * 6) / 7])
    # 2 -> 1: both pixels half a pixel (of 2) away, so alike
    y = reference.resize(row(1, 5), "bicubic", (1, 1), antialias=True)
    np.testing.assert_allclose(y.ravel(), [3])
    # 4 -> 2 by Keys with a = -1/2: distances 1/4 1/4 3/4 5/4, weights 111 111 29 -9 of 128
    y = reference.resize(row(1, 0, 0, 1), "bicubic", (1, 2), antialias=True).ravel()
    np.testing.assert_allclose(y, [(111 - 9) / (111 + 111 + 29 - 9)] * 2)
    # where the image grows nothing is stretched
    x = row(0, 1, 4)
    for interpolation in ("bilinear", "bicubic", "lanczos"):
        grown = reference.resize(x, interpolation, (1, 5), antialias=True)
        np.testing.assert_allclose(grown, reference.resize(x, interpolation, (1, 5)), atol=1e-15)


def test_lines_and_volumes() -> None:
    line = np.array([1.0, 2.0]).reshape(1, 2, 1)
    assert reference.resize_lengths(line, "nearest", (4,)).ravel().tolist() == [1, 1, 2, 2]
    y = reference.resize_lengths(line, "linear", (4,)).ravel().tolist()
    assert y == [1, 1.25, 1.75, 2]
    deep = np.array([0.0, 8.0]).reshape(1, 2, 1, 1, 1)
    y = reference.resize_lengths(deep, "linear", (3, 2, 1), "align_corners")
    assert y[0, :, :, 0, 0].tolist() == [[0, 0], [4, 4], [8, 8]]
    wide = np.array([1.0, 2, 3, 6]).reshape(1, 1, 1, 4, 1)
    y = reference.resize_lengths(wide, "linear", (1, 1, 2), antialias=True).ravel()
    np.testing.assert_allclose(y, [12 / 7, 29 / 7])


def test_checkerboard_blur() -> None:
    tall = np.repeat(row(1, 3, 1, 3), 2, axis=1)
    assert reference.checkerboard_blur(tall, 2)[0, :, :, 0].tolist() == [[2] * 4] * 2
    tall = np.repeat(row(1, 1, 2, 2), 2, axis=1)
    assert reference.checkerboard_blur(tall, 2)[0, 0, :, 0].tolist() == [1, 1.25, 1.75, 2]
    tall = np.repeat(row(3, 0, 0, 9, 0, 0), 3, axis=1)
    assert reference.checkerboard_blur(tall, 3)[0, 1, :, 0].tolist() == [1, 1, 3, 3, 3, 3]


def test_max_pool_and_unpool() -> None:
    x = np.array([[1.0, 3, 4, 4, 9], [2, 0, 4, 4, 9]]).reshape(1, 2, 5, 1)
    y, places = reference.max_pool(x, 2)
    assert y.ravel().tolist() == [3, 4]
    assert places.ravel().tolist() == [1, 0]  # of equal ones the first
    back = reference.max_unpool(y, places, 2, (2, 5))
    assert back[0, :, :, 0].tolist() == [[0, 3, 4, 0, 0], [0, 0, 0, 0, 0]]
