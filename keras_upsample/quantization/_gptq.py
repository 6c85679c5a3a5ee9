"""GPTQ: rows of weights are rounded to a grid so that the layer's output changes least.

Rounding each weight to the nearest value is best for the weights, and not for what they compute.
Of a row w of weights that multiplies inputs x, rounded to q, the expected error of the result is

    E (q x - w x)^2 = (q - w) M (q - w)^T,   M = E x x^T,

and as neighbouring pixels and channels have much in common, M is far from diagonal: the error of
one weight can be made good by others. Weights are rounded one after another; behind each, those not
yet rounded move to where the sum is least:

    w_j += (q_i - w_i) U_ij / U_ii,   M^-1 = U^T U,   U upper triangular.

Optimal Brain Compression: Frantar, Singh and Alistarh, NeurIPS 2022, section 4; in this order and
by Cholesky's factor: Frantar, Ashkboos, Hoefler and Alistarh, GPTQ, ICLR 2023, section 3.
"""

import numpy as np

from ..targets import Grid

_BLOCK = 128
"""Columns between two updates of all that is behind them: one product of matrices for so many."""


def round_rows(
    weights: np.ndarray,
    moments: np.ndarray,
    grid: Grid,
    step: np.ndarray,
    pinned: np.ndarray,
    free: int = 0,
) -> np.ndarray:
    """Rows of weights on their values, so that what they compute changes least.

    Args:
        weights: (groups, rows, columns).
        moments: (groups, columns, columns): mean products of what the columns multiply, positive
            definite.
        grid: of all.
        step: (groups, rows).
        pinned: (groups, rows, columns): which stay as they are, and are rounded by the quantiser.
            The largest of a channel must, for by it a quantiser finds the step.
        free: columns at the end that stay real numbers, e.g. a bias.

    Returns:
        (groups, rows, columns).
    """
    groups, rows, columns = weights.shape
    fixed = columns - free
    # The columns that weigh most first: their errors have the most others to be made good by.
    order = np.argsort(-np.einsum("gii->gi", moments)[:, :fixed], axis=1, kind="stable")
    order = np.concatenate([order, np.tile(np.arange(fixed, columns), (groups, 1))], axis=1)
    w = np.take_along_axis(weights.astype("float64"), order[:, None], axis=2)
    pinned = np.take_along_axis(pinned, order[:, None], axis=2)
    m = np.take_along_axis(moments.astype("float64"), order[:, :, None], axis=1)
    inverse = np.linalg.inv(np.take_along_axis(m, order[:, None], axis=2))
    upper = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2).transpose(0, 2, 1)
    kept = w.copy()
    within = int(grid.steps)  # no weight may grow beyond its channel's largest
    straight = grid.nearest(w, step[..., None])
    for start in range(0, fixed, _BLOCK):
        stop = min(start + _BLOCK, fixed)
        errors = np.empty((groups, rows, stop - start))
        for i in range(start, stop):
            moved = step * np.clip(np.round(w[..., i] / step), -within, within)
            q = np.where(pinned[..., i], straight[..., i], moved)
            error = (q - w[..., i]) / upper[:, None, i, i]
            w[..., i] = q
            w[..., i + 1 : stop] += error[..., None] * upper[:, None, i, i + 1 : stop]
            errors[..., i - start] = error
        w[..., stop:] += errors @ upper[:, start:stop, stop:]
    w = np.where(pinned, kept, w)
    return np.take_along_axis(w, np.argsort(order, axis=1)[:, None], axis=2)
