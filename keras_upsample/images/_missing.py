"""Which values of an image are no data."""

import math

import numpy as np

_HUGE = 1e30
"""Beyond it files round their nodata value (-3.40282e+38), which stands for the lowest float."""


def missing_values(values: np.ndarray, nodata: float | None) -> np.ndarray | None:
    """Which values are the nodata value, NaN or infinite; None where none is.

    Args:
        values: of any shape.
        nodata: None for none.
    """
    found: np.ndarray | None = None
    if values.dtype.kind == "f":
        found = ~np.isfinite(values)
        if nodata is not None and math.isfinite(nodata):
            # Files write the value in decimals: it is meant as the nearest float of the image.
            near = 1e-5 if abs(nodata) > _HUGE else 2 * float(np.finfo(values.dtype).eps)
            with np.errstate(over="ignore", invalid="ignore"):
                found |= np.abs(values - nodata) <= near * abs(nodata)
    elif nodata is not None:
        found = np.asarray(values == nodata)
    return found if found is not None and found.any() else None
