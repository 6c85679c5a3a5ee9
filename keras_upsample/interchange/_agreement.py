"""Whether a model that was read computes what its source does."""

from collections.abc import Callable

import numpy as np

from ..errors import VerificationError
from ..targets import FLOAT32_ERROR

_IN_DOUBT = 200
"""Times the gate: beyond, no rounding of float32 explains a difference."""


def check_agreement(
    what: str,
    runtime: str,
    found: np.ndarray,
    wanted: np.ndarray,
    reach: float,
    exact: Callable[[], np.ndarray] | None = None,
) -> None:
    """Raise unless two outputs agree: 5e-5 of the range at most.

    Where they differ by more, and by little, both are compared with float64: a net that amplifies
    rounding is no wrong model.

    Args:
        what: the output, for messages.
        runtime: that of the source, for messages.
        found: the model's.
        wanted: the source's.
        reach: the range by which errors are divided.
        exact: computes the output in float64.

    Raises:
        VerificationError: they differ, and the model is further from float64 than its source is by
            more than 5e-5; or they differ in shape.
    """
    if found.shape != wanted.shape:
        raise VerificationError(
            f"{what} has the shape {found.shape}, in {runtime} {wanted.shape}. No model was "
            "returned."
        )
    error = _difference(found, wanted) / reach
    largest = error.max(initial=0)
    if largest <= FLOAT32_ERROR:
        return
    if exact is not None and largest <= _IN_DOUBT * FLOAT32_ERROR:
        value = exact()
        ours, theirs = (np.abs(each - value).max() / reach for each in (found, wanted))
        if ours <= theirs + FLOAT32_ERROR:
            return
    worst = int(np.argmax(np.nan_to_num(error, nan=np.inf)))
    place = tuple(map(int, np.unravel_index(worst, error.shape)))
    raise VerificationError(
        f"{what} differs from {runtime}'s by {largest:.1e} of its range, at {place}. No model was "
        "returned."
    )


def _difference(found: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Absolute; the same infinity, or none where none is a number, is no difference."""
    found, wanted = found.astype("float64"), wanted.astype("float64")
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return np.abs(np.subtract(found, wanted, where=~same, out=np.zeros_like(found)))
