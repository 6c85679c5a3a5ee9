"""The comparer: shape, dtype, then the largest error with its index."""

from typing import Any

import numpy as np


def as_numpy(value: Any) -> tuple[np.ndarray, str]:
    """The values as an array, and the name of their dtype."""
    if isinstance(value, np.ndarray | np.generic):
        return np.asarray(value), str(value.dtype)
    import keras

    dtype = keras.backend.standardize_dtype(value.dtype)
    return np.asarray(keras.ops.convert_to_numpy(value)), dtype


def assert_close(
    actual: Any,
    expected: Any,
    *,
    of_range: float = 1e-6,
    atol: float = 0.0,
    dtype: str = "float32",
) -> None:
    """Fail unless |actual − expected| <= atol + of_range · (the range of `expected`) everywhere.

    The range is max − min, or the largest magnitude where that is larger.
    """
    values, kind = as_numpy(actual)
    wanted = np.asarray(expected, "float64")
    if values.shape != wanted.shape:
        raise AssertionError(f"shape {values.shape}, expected {wanted.shape}")
    if kind != dtype:
        raise AssertionError(f"dtype {kind}, expected {dtype}")
    if wanted.size == 0:
        raise AssertionError("nothing to compare: both arrays are empty")
    if not np.all(np.isfinite(wanted)):
        raise AssertionError("the expected values are not all finite")
    error = np.abs(values.astype("float64") - wanted)
    error = np.where(np.isnan(error), np.inf, error)
    span = max(float(np.ptp(wanted)), float(np.abs(wanted).max()))
    bound = atol + of_range * span
    worst = np.unravel_index(int(np.argmax(error)), error.shape)
    if error[worst] > bound:
        place = tuple(int(k) for k in worst)
        raise AssertionError(
            f"largest error {error[worst]:.3g} > {bound:.3g} at index {place}: "
            f"{values[worst]} instead of {wanted[worst]}; "
            f"{int((error > bound).sum())} of {error.size} values are out of bounds"
        )
