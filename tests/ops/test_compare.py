"""The comparer fails on what is wrong."""

import numpy as np
import pytest
from compare import assert_close

pytestmark = pytest.mark.backend_neutral

RIGHT = np.linspace(-1, 1, 24, dtype="float32").reshape(2, 3, 4)


def test_passes_on_equal_and_within_the_bound() -> None:
    assert_close(RIGHT, RIGHT)
    assert_close(RIGHT + np.float32(1e-4), RIGHT, of_range=1e-4)


def test_names_the_index_of_the_largest_error() -> None:
    wrong = RIGHT.copy()
    wrong[1, 2, 3] += 0.01
    wrong[0, 1, 2] -= 0.5
    with pytest.raises(AssertionError, match=r"largest error 0.5 .* at index \(0, 1, 2\).*2 of 24"):
        assert_close(wrong, RIGHT)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (RIGHT[..., None], "shape"),
        (RIGHT[:1], "shape"),
        (RIGHT.astype("float64"), "dtype"),
        (RIGHT.astype("float16"), "dtype"),
        (np.where(RIGHT > 0.9, np.float32("nan"), RIGHT), "largest error inf"),
        (np.where(RIGHT > 0.9, np.float32("inf"), RIGHT), "largest error inf"),
        (RIGHT + np.float32(3e-6), "largest error"),
        (-RIGHT, "largest error"),
    ],
)
def test_fails(wrong: np.ndarray, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_close(wrong, RIGHT)


def test_fails_on_nothing_and_on_a_broken_expectation() -> None:
    with pytest.raises(AssertionError, match="empty"):
        assert_close(RIGHT[:0], RIGHT[:0])
    with pytest.raises(AssertionError, match="not all finite"):
        assert_close(RIGHT, RIGHT * np.nan)
